# %%
from IPython.display import display

from watchtime.reporting import prototype_number
from watchtime.reporting.opening import opening
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
# ## The numbers of prototypes

# %%
for dataset in report.datasets:
    prototype_number.draw(report, dataset)
    display(prototype_number.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(prototype_number.conclusion(report, dataset))
