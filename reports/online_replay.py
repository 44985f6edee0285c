# %%
from IPython.display import display

from watchtime.reporting.comparisons import online_replay
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.comparisons.replay import Replay
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "gr/table2"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %%
for dataset in report.datasets:
    display(online_replay.about(Replay(report, dataset)))

# %% [markdown]
# ## The test as a whole, beside what the paper prints

# %%
for dataset in report.datasets:
    display(online_replay.table(Replay(report, dataset)))

# %% [markdown]
# ## Day by day

# %%
for dataset in report.datasets:
    online_replay.draw(Replay(report, dataset))
    display(online_replay.daily_table(Replay(report, dataset)))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(online_replay.conclusion(Replay(report, dataset)))
