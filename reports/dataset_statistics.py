# %%
from IPython.display import display

from watchtime.reporting import data_statistics
from watchtime.reporting.opening import opening
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
# ## Which rows count

# %%
for dataset in report.datasets:
    display(data_statistics.row_rules(report, dataset))

# %% [markdown]
# ## The split

# %%
for dataset in report.datasets:
    display(data_statistics.split(report, dataset, report.protocol))

# %% [markdown]
# ## The duration buckets

# %%
for dataset in report.datasets:
    display(data_statistics.duration_buckets(report, dataset))
