# %%
from IPython.display import display

from watchtime.reporting.analyses import token_embeddings
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.report import Report

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "gr/figure3"

# %%
report = Report(run, artifact)
report.heading()

# %%
opening(report)

# %% [markdown]
# ## Embeddings and probabilities

# %%
for dataset in report.datasets:
    token_embeddings.draw(report, dataset)
    display(token_embeddings.structure(report, dataset))
    display(token_embeddings.differences(report, dataset))

# %% [markdown]
# ## What can be concluded

# %%
for dataset in report.datasets:
    display(token_embeddings.conclusion(report, dataset))
