# %%
from IPython.display import display

from watchtime.reporting.comparisons import reconstruction_errors
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "rqreg/table6"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The errors, beside what the paper prints

# %%
for dataset in report.datasets:
    display(reconstruction_errors.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(reconstruction_errors.conclusion(report, dataset))
