# %%
from IPython.display import display

from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.data import user_and_category_distributions
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "ptpm/figure2"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The distributions

# %%
for dataset in report.datasets:
    user_and_category_distributions.draw(report, dataset)
    display(user_and_category_distributions.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(user_and_category_distributions.conclusion(report, dataset))
