# %%
from IPython.display import display

from watchtime.reporting.comparisons import comparison
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.findings import finding_conclusion, finding_figure, finding_schedules, finding_table
from watchtime.reporting.findings.finding import Finding
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "findings/readouts"

# %%
report = Report(run, artifact)
findings = [Finding.of_page(report, dataset) for dataset in report.datasets]
report.heading()

# %%
opening(report)

# %% [markdown]
# ## What changes

# %%
for finding in findings:
    finding_schedules.draw(report, finding)
    finding_figure.draw(report, finding)
    display(finding_table.changes(report, finding))
    if "xgauc" in finding.artifact.metrics:
        display(comparison.tie_mass(report, finding.dataset))

# %% [markdown]
# ## What can be concluded

# %%
for finding in findings:
    display(finding_conclusion.conclusion(report, finding))

# %% [markdown]
# ## Every effect

# %%
for finding in findings:
    for measure in finding.measures:
        display(finding_table.effects(report, finding, measure))
finding_table.definitions(findings[0])
