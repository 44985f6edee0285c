# %%
from IPython.display import display

from watchtime.reporting.comparisons import agreement, certainty, comparison, curves
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.elements.text import Markdown
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp/table1"

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
    display(comparison.tie_mass(report, dataset))

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
# ## The same predictions under every rule for ties

# %%
for dataset in report.datasets:
    display(comparison.conventions(report, dataset))
comparison.definitions()

# %% [markdown]
# ## Learning curves

# %%
for dataset in report.datasets:
    curves.learning_curves(report, dataset)
