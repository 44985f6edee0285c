# %%
from IPython.display import display

from watchtime.reporting.analyses import instance_representations
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/figure5"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## Errors and representations

# %%
for dataset in report.datasets:
    instance_representations.draw(report, dataset)
    display(instance_representations.table(report, dataset))
    display(instance_representations.groups(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(instance_representations.conclusion(report, dataset))
