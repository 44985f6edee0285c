# %%
from IPython.display import display

from watchtime.reporting.comparisons import calibration, leaderboard
from watchtime.reporting.data import data_statistics
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.findings import findings_summary
from watchtime.reporting.report import Report
from watchtime.reporting.summaries import method_notes, run_facts, verdict_summary

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "summary"

# %%
report = Report(run, artifact)
report.heading()

# %%
for board in leaderboard.boards(report):
    display(Markdown(f"## {escape(leaderboard.title(report, board))}"))
    display(leaderboard.table(report, board))
    display(leaderboard.detectable(report, board))

# %% [markdown]
# ## Calibration

# %%
for board in calibration.boards(report):
    display(calibration.table(report, board))
    calibration.draw(report, board)
if not calibration.boards(report):
    display(Markdown("No method of this run predicts a distribution."))

# %% [markdown]
# ## Findings

# %%
findings_summary.table(report)

# %% [markdown]
# ## Methods

# %%
method_notes.table(report)

# %% [markdown]
# ## What did not run

# %%
leaderboard.excluded(report)

# %% [markdown]
# ## Verdicts on the published numbers

# %%
verdict_summary.counts(report)

# %%
verdict_summary.meanings(report)

# %%
verdict_summary.measured_cells(report)

# %%
verdict_summary.reasons(report)

# %% [markdown]
# ## Data

# %%
display(run_facts.data(report))
for dataset in report.datasets:
    for protocol in report.plan.protocols(dataset):
        display(data_statistics.split(report, dataset, protocol))

# %% [markdown]
# ## Settings

# %%
display(run_facts.shared_settings(report))
display(run_facts.settings(report))
run_facts.searches(report)
