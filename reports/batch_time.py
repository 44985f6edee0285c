# %%
from IPython.display import display

from watchtime.reporting.comparisons import agreement, batch_time, comparison
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/table5"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## Time per batch
#
# Measured in this run: these numbers change from run to run.

# %%
for dataset in report.datasets:
    display(batch_time.table(report, dataset))

# %% [markdown]
# ## The error, beside what the paper prints

# %%
for dataset in report.datasets:
    display(comparison.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(batch_time.conclusion(report, dataset))
    display(agreement.conclusions(report, dataset))

# %% [markdown]
# ## The verdict on every published error

# %%
for dataset in report.datasets:
    display(agreement.table(report, dataset))
