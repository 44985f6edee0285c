# %%
from IPython.display import display

from watchtime.reporting.comparisons import setting_levels
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/figure3"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The levels

# %%
for dataset in report.datasets:
    setting_levels.draw(report, dataset)
    display(setting_levels.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(setting_levels.conclusion(report, dataset))
