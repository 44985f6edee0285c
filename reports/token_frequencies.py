# %%
from IPython.display import display

from watchtime.reporting.analyses import token_frequencies
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "gr/figure4"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The frequencies

# %%
for dataset in report.datasets:
    token_frequencies.draw(report, dataset)
    display(token_frequencies.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(token_frequencies.conclusion(report, dataset))
