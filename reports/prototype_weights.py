# %%
from IPython.display import display

from watchtime.reporting.analyses import prototype_weights
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/figure11"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The weights of a batch

# %%
for dataset in report.datasets:
    prototype_weights.draw(report, dataset)
    display(prototype_weights.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(prototype_weights.conclusion(report, dataset))
