# %%
from IPython.display import display

from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.data import watch_ratio_stability
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/figure10"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## How to read it

# %%
watch_ratio_stability.reading()

# %% [markdown]
# ## The distances

# %%
for dataset in report.datasets:
    watch_ratio_stability.draw(report, dataset)
    display(watch_ratio_stability.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(watch_ratio_stability.conclusion(report, dataset))
