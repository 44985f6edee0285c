# %%
import numpy as np

from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.figures import figure, show
from watchtime.reporting.elements.tables import Cell, Column, Section, Table
from watchtime.reporting.elements.text import Markdown, escape

# %% [markdown]
# # Repeated title
#
# With predictions $\hat y_i$ and targets $y_i$ over the pairs $P = \{(i, j) : y_i > y_j\}$,
#
# $$\text{XAUC} = \frac{1}{\left|P\right|} \sum_{(i, j) \in P} \mathbb{1}[\hat y_i > \hat y_j].$$

# %% tags=["parameters"]
rows: int
name: str = "none"
seed: int = 7

# %%
generator = np.random.default_rng(seed)
print(f"{rows} rows of {list({name, 'bee', 'cat'})}")  # noqa: F821

# %% [markdown]
# ## Overall performance

# %%
Table(
    [
        Column("Method"),
        Column("MAE ↓", "s", 2),
        Column("Difference", "s", 2),
        Column("Published", "s", 2),
        Column("Parameters"),
    ],
    [
        Section("Methods"),
        ["VR", Cell(Interval.around(12.3456, 0.12), best=True), None, 111.3, 1_234],
        ["WLR", Interval.around(9.1, 10.04), Interval(-0.27, -0.46, -0.05), None, 45_678],
        ["TPM", Cell(Interval.around(18.29, 0.1), best=True), Interval(1.48, 1.29, 1.7), 3.45, 1_234_567],
        Section("What is easy to beat"),
        ["LightGBM #1", Cell(21.69, note="a"), Interval(0.98, 0.79, 1.2), 0.5, 0],
        ["median", 11.52, Interval(10.98, 9.79, 11.2), 8.0, 0],
    ],
    caption=Markdown("Trees lead ($\\alpha = 0.05$). **Bold**: best, or tied with the best."),
    notes={"a": "Trained once."},
)

# %%
drawing = figure("full", 60)
left, right = drawing.subplots(1, 2)
time = np.linspace(0, 60, 200)
for scale, label in ((8, "short"), (15, "middle"), (25, "long")):
    left.plot(time, time / scale**2 * np.exp(-time / scale), label=label)
left.set(xlabel="Watch time (s)", ylabel=r"Density $f(y \mid x)$ (1/s)")
left.legend(title="Video")
right.bar(["VR", "WLR", "TPM"], [12, 11, 9])
right.set(ylabel="MAE (s)")
show(drawing, "Long videos <spread> their #watch time.")

# %%
Markdown(f"The name is *{escape(name)}*.")

# %% [markdown]
# ## A long table

# %%
Table(
    [Column("Number"), Column("Video"), Column("Value", "s", 3), Column("Kept")],
    [[n, f"video {n}", float(generator.normal() * 10), bool(n % 3)] for n in range(rows)],  # noqa: F821
    caption="Every row is here.",
)

# %% [markdown]
# ## Wide tables

# %%
names = [f"Wide metric {n}" for n in range(11)]
Table(
    [Column("Method"), *(Column(title, "s", 2) for title in names)],
    [[f"method {m}", *generator.uniform(1, 100, 11)] for m in range(5)],
    caption="Twelve columns.",
)

# %%
Table(
    [Column("Method"), *(Column(title, "s", 2) for title in names)],
    [[f"method {m}", *(Interval.around(x, x / 20) for x in generator.uniform(1, 100, 11))] for m in range(5)],
    caption="Twelve columns with intervals.",
)
