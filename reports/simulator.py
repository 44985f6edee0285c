# %%
from IPython.display import display

from watchtime.reporting.data import simulator_marginals
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "simulator"

# %%
report = Report(run, artifact)
report.heading()

# %%
simulator_marginals.opening(report)

# %% [markdown]
# ## The marginals, side by side

# %%
simulator_marginals.draw(report)

# %%
display(simulator_marginals.distances(report))
display(simulator_marginals.zeros(report))
