# %%
from IPython.display import display

from watchtime.reporting.comparisons import agreement, certainty, comparison, curves, user_lists
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "labelcraft/table2"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## What was measured, beside what the paper prints

# %%
for dataset in report.datasets:
    display(comparison.table(report, dataset))

# %% [markdown]
# ## How sure the order is

# %%
for dataset in report.datasets:
    display(certainty.table(report, dataset))
    display(certainty.conclusions(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(Markdown(f"**{report.data_title(dataset)}.**"))
    display(agreement.conclusions(report, dataset))

# %% [markdown]
# ## The verdict on every published number

# %%
for dataset in report.datasets:
    display(agreement.table(report, dataset))

# %% [markdown]
# ## The same lists by the paper and as released

# %%
for dataset in report.datasets:
    display(user_lists.conventions(report, dataset))
user_lists.definitions()

# %% [markdown]
# ## Learning curves

# %%
for dataset in report.datasets:
    curves.learning_curves(report, dataset)

# %% [markdown]
# ## How labels learn

# %%
for dataset in report.datasets:
    user_lists.draw_objectives(report, dataset)
