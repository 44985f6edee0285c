# %%
from IPython.display import display

from watchtime.reporting.comparisons.opening import data_opening
from watchtime.reporting.data import data_statistics, ratio, target, unknown_ids
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "data/kuairand_pure"

# %%
report = Report(run, artifact)
(dataset,) = report.datasets
report.heading()

# %%
data_opening(report, dataset)

# %% [markdown]
# ## The counts, beside what the papers print

# %%
display(data_statistics.published(report))
data_statistics.conclusion(report)

# %% [markdown]
# ## From the raw files to the rows

# %%
data_statistics.steps(report, dataset)

# %% [markdown]
# ## The splits

# %%
for protocol in report.plan.protocols(dataset):
    display(data_statistics.split(report, dataset, protocol))

# %% [markdown]
# ## The target

# %%
for task in report.card(dataset).targets:
    target.draw(report, dataset, task)
display(target.table(report, dataset))

# %%
if report.has_ratio(dataset):
    ratio.draw(report, dataset)
    display(data_statistics.duration_buckets(report, dataset))

# %% [markdown]
# ## Ties

# %%
target.ties(report, dataset)

# %% [markdown]
# ## Unknown ids

# %%
for protocol in report.plan.protocols(dataset):
    display(unknown_ids.table(report, dataset, protocol))
