# %%
from IPython.display import display

from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.data import distribution
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/figure1"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The distributions

# %%
for dataset in report.datasets:
    distribution.draw(report, dataset)
    display(distribution.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(distribution.conclusion(report, dataset))
