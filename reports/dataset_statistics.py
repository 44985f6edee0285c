# %%
from IPython.display import display

from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.data import data_statistics
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/table6"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The counts, beside what the paper prints

# %%
display(data_statistics.published(report))
data_statistics.conclusion(report)

# %% [markdown]
# ## From the raw files to the rows

# %%
for dataset in report.datasets:
    display(data_statistics.steps(report, dataset))

# %% [markdown]
# ## The split

# %%
for dataset in report.datasets:
    display(data_statistics.split(report, dataset, report.protocol(dataset)))

# %% [markdown]
# ## The duration buckets

# %%
for dataset in report.datasets:
    display(data_statistics.duration_buckets(report, dataset))
