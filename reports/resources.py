# %%
from watchtime.reporting.report import Report
from watchtime.reporting.summaries import resource_tables

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "resources"

# %%
report = Report(run, artifact)
report.heading()

# %% [markdown]
# Measured on the machine and in the run named below. These numbers change from run to run; all other pages hold none.

# %%
resource_tables.jobs(report)

# %%
resource_tables.environment(report)
