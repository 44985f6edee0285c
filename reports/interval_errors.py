# %%
from IPython.display import display

from watchtime.reporting.analyses import interval_errors
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "gr/figure5"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## Errors and predictions by interval

# %%
for dataset in report.datasets:
    interval_errors.draw(report, dataset)
    display(interval_errors.errors(report, dataset))
    display(interval_errors.moments(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(interval_errors.differences(report, dataset))
    display(interval_errors.conclusion(report, dataset))
