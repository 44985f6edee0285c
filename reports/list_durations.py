# %%
from IPython.display import display

from watchtime.reporting.analyses import list_durations
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "labelcraft/figure2"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The distributions

# %%
for dataset in report.datasets:
    list_durations.draw(report, dataset)
    display(list_durations.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(list_durations.conclusion(report, dataset))
