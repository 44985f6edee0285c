# %% [markdown]
# # Sample: table 1
#
# A method is *right* where its interval holds the truth. With predictions $\hat y_i$ and targets $y_i$,
#
# $$\text{XAUC} = \frac{1}{|P|} \sum_{(i, j) \in P} \mathbb{1}[\hat y_i > \hat y_j], \qquad P = \{(i, j) : y_i > y_j\}.$$

# %% tags=["parameters"]
rows: int
seed: int = 7

# %%
import numpy as np

from watchtime.reporting.figures import figure, show
from watchtime.reporting.tables import Cell, Column, Interval, Table
from watchtime.reporting.text import Markdown, escape

generator = np.random.default_rng(seed)

# %% [markdown]
# ## Overall performance

# %%
columns = [
    Column("Method"),
    Column("MAE ↓", "s", 2),
    Column("XAUC ↑", decimals=4),
    Column("Difference to VR", "s", 2),
    Column("Published", "s", 2),
    Column("Parameters"),
]
methods = ["VR", "WLR", "D2Q", "TPM", "CREAD", "GR", "LightGBM_L1 *|$#", "training median"]
table_rows = []
for index, name in enumerate(methods):
    mean, width = generator.uniform(8, 30), generator.uniform(0.01, 0.4)
    table_rows.append(
        [
            name,
            Cell(Interval.around(mean, width) if index < 6 else mean, best=index in (3, 4), note="a" * (index == 6)),
            Interval.around(generator.uniform(0.5, 0.7), 0.0012),
            None if index == 0 else Interval(-0.52 + index / 4, -0.71 + index / 4, -0.30 + index / 4),
            [12.3, None][index % 2],
            [1234, 45678, 1234567, 0][index % 4],
        ]
    )
Table(
    columns,
    table_rows,
    caption=Markdown("The tree methods lead, and *TPM* and CREAD cannot be told apart. Mean ± half-width of the 95 % interval over 5 seeds. **Bold**: best, or tied with the best by the paired test (Holm, $\\alpha = 0.05$)."),
    notes={"a": "Trained once, as its result does not depend on the seed."},
)

# %%
drawing = figure("full", 70)
left, right = drawing.subplots(1, 2)
time = np.linspace(0, 60, 200)
for scale, name in ((8, "short"), (15, "middle"), (25, "long"), (40, "very long")):
    left.plot(time, time / scale**2 * np.exp(-time / scale), label=name)
left.set(xlabel="Watch time (s)", ylabel=r"Density $f(y \mid x)$ (1/s)")
left.legend(title="Video")
right.bar(methods[:5], [12, 11, 10.5, 9, 9.1], color="#0072B2")
right.set(ylabel="MAE (s)")
show(drawing, Markdown("Long videos spread their watch time, so a mean says little about them ($n = 2\\,000$)."))

# %%
small = figure("half")
axes = small.subplots()
axes.errorbar([1, 2, 3], [0.61, 0.64, 0.66], [0.01, 0.02, 0.01], marker="o")
axes.set(xlabel="Codes per value", ylabel="XAUC")
show(small, "More codes help <until> 3 #ok.")

# %%
print(f"{rows} rows were read.")
Markdown(f"The name is {escape('#panic() $x$ <b>@x</b> `code`')}.")

# %% [markdown]
# ## A long table

# %%
Table(
    [Column("Number"), Column("Video"), Column("Value", "s", 3), Column("Kept")],
    [[n, f"video {n}", float(generator.normal() * 10), bool(n % 3)] for n in range(rows)],
    caption="Every row is here.",
)

# %% [markdown]
# ## A wide table

# %%
Table(
    [Column("Method"), *(Column(f"Metric number {n}", "s", 2) for n in range(11))],
    [[f"method {m}", *generator.uniform(1, 100, 11)] for m in range(5)],
    caption="Twelve columns.",
)

# %%
Table(
    [Column("Method"), *(Column(f"Metric number {n}", "s", 2) for n in range(11))],
    [
        [f"method {m}", *(Interval.around(value, value / 20) for value in generator.uniform(1, 100, 11))]
        for m in range(5)
    ],
    caption="Twelve columns with intervals.",
)
