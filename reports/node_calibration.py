# %%
from IPython.display import display

from watchtime.reporting.analyses import node_calibration
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "ptpm/figure7"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## Leaves and classifiers

# %%
for dataset in report.datasets:
    node_calibration.draw(report, dataset)
    display(node_calibration.ratios(report, dataset))
    display(node_calibration.areas(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(node_calibration.conclusion(report, dataset))
