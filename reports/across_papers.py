# %%
from IPython.display import display

from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.report import Report
from watchtime.reporting.summaries import across_papers, paper_differences

# %% tags=["parameters"]
run: str = "results/demo"
artifact: str = "across_papers"

# %%
report = Report(run, artifact)
report.heading()

# %%
across_papers.opening(report)

# %% [markdown]
# ## Where papers contradict each other

# %%
display(across_papers.conflicts(report))
display(across_papers.orders(report))

# %% [markdown]
# ## Where they count data differently

# %%
paper_differences.statistics(report)

# %% [markdown]
# ## Where they split and define differently

# %%
display(paper_differences.protocols(report))
display(paper_differences.definitions(report))
display(paper_differences.effect_of_rules(report))

# %% [markdown]
# ## All published numbers side by side

# %%
for dataset, card in report.plan.catalog.datasets.items():
    tables = across_papers.side_by_side(report, dataset)
    if tables:
        display(Markdown(f"### {escape(card.title)}"))
    for table in tables:
        display(table)

# %% [markdown]
# ## What can be concluded

# %%
paper_differences.conclusion(report)
