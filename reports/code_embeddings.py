# %%
from IPython.display import display

from watchtime.reporting.analyses import code_embeddings
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "rqreg/figure3"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## The embeddings

# %%
for dataset in report.datasets:
    code_embeddings.draw(report, dataset)
    display(code_embeddings.table(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(code_embeddings.conclusion(report, dataset))
