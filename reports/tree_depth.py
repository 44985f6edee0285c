# %%
from IPython.display import display

from watchtime.reporting.analyses import tree_depth
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "ptpm/figure8"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The depths

# %%
for dataset in report.datasets:
    tree_depth.draw(report, dataset)
    display(tree_depth.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(tree_depth.conclusion(report, dataset))
