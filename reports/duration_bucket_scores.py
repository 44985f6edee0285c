# %%
from IPython.display import display

from watchtime.reporting.comparisons import duration_bucket_scores
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/table7"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The scores, beside what the paper prints

# %%
for dataset in report.datasets:
    display(duration_bucket_scores.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(duration_bucket_scores.conclusion(report, dataset))
