# %%
from IPython.display import display

from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.data import price_clusters
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "rqreg/figure1"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The distributions

# %%
for dataset in report.datasets:
    price_clusters.draw(report, dataset)
    display(price_clusters.ranges(report, dataset))
    display(price_clusters.concentration(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(price_clusters.conclusion(report, dataset))
