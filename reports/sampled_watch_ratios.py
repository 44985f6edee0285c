# %%
from IPython.display import display

from watchtime.reporting.analyses import sampled_watch_ratios
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/figure7"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The distributions

# %%
for dataset in report.datasets:
    sampled_watch_ratios.draw(report, dataset)
    display(sampled_watch_ratios.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(sampled_watch_ratios.conclusion(report, dataset))
