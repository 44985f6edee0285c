# %%
from watchtime.reporting.report import Report
from watchtime.reporting.summaries import paper_summary

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "prowtp"

# %%
report = Report(run, artifact)
report.heading()

# %%
paper_summary.opening(report)

# %% [markdown]
# ## Its tables and figures, and the verdicts on their numbers

# %%
paper_summary.artifacts(report)

# %% [markdown]
# ## What can be concluded

# %%
paper_summary.conclusion(report)

# %% [markdown]
# ## What the paper leaves open

# %%
paper_summary.ambiguities(report)
