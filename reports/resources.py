# %%
from watchtime.reporting import resource_tables
from watchtime.reporting.report import Report

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
