# %%
from IPython.display import display

from watchtime.reporting.analyses import tree_learning
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "ptpm/figure6"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## Costs and learning curves

# %%
for dataset in report.datasets:
    tree_learning.draw(report, dataset)
    display(tree_learning.costs(report, dataset))
    display(tree_learning.ways(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(tree_learning.conclusion(report, dataset))
