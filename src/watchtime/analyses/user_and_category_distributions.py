"""How a target differs between users and between kinds of items (PTPM, figure 2); it needs no trained model."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

from watchtime.analyses.study import Study
from watchtime.datasets.log import Log

LEAST_ROWS = 10
"""A user's mean is taken over at least this many rows."""
SHOWN = 6
"""Categories whose distribution functions are drawn, those with the most rows."""
LEVELS = 5
STEPS = 200
LAST = 0.95
"""The distribution functions end at this quantile of the target."""

_SHARES = ("between_users", "between_categories")


def tables(study: Study) -> dict[str, pl.DataFrame]:
    """Return ``users``, ``categories``, ``functions`` and ``facts``.

    ``users`` has the rows and the mean of every user with at least ``LEAST_ROWS`` rows, ``categories`` the rows, mean
    and median of every category, the one with the most rows first, and ``functions`` the share of rows with at most
    ``limit`` for the first of them. A row with several categories counts to each, one with none to none. Without a
    declared category, ``LEVELS`` groups of equal size by duration stand for it; without a duration, nothing.
    """
    log = study.rows
    target = log.values(study.task).rename("target")
    feature, category = _category(study, log)
    users = by_group(pl.DataFrame([log.values("user").rename("group"), target]))
    kept = users.filter(pl.col("rows") >= LEAST_ROWS)
    rows = _exploded(pl.DataFrame([category.rename("group"), target]))
    categories = by_group(rows).join(rows.group_by("group").agg(median=pl.median("target")), on="group", how="left")
    categories = categories.sort(["rows", "group"], descending=[True, False])
    facts = {
        "users": len(users),
        "rows": len(target),
        "rows_without_category": category.null_count(),
        "category": feature,
        "between_users": between_share(kept),
        "between_categories": between_share(categories),
        "least_rows": LEAST_ROWS,
        "last": LAST,
    }
    return {
        "users": kept.select("rows", "mean").sort("mean", "rows"),
        "categories": categories.select("rows", "mean", "median", category="group"),
        "functions": _functions(rows, categories["group"].head(SHOWN).to_list(), target.quantile(LAST, "linear")),
        "facts": pl.DataFrame([facts], schema_overrides={"category": pl.String, **dict.fromkeys(_SHARES, pl.Float64)}),
    }


def by_group(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the number of rows of each ``group``, the mean m of its ``target``s, and their ``squares`` Σ (y − m)²."""
    names = rows["group"].unique().sort().to_frame()
    group = rows.join(names.with_row_index("code"), on="group", how="left", maintain_order="left")["code"].to_numpy()
    # Sums of NumPy do not depend on the number of threads.
    target, counts = rows["target"].to_numpy(), np.bincount(group, minlength=len(names))
    means = np.bincount(group, target, len(names)) / counts
    squares = np.bincount(group, (target - means[group]) ** 2, len(names))
    return names.with_columns(rows=pl.Series(counts), mean=pl.Series(means), squares=pl.Series(squares))


def between_share(groups: pl.DataFrame) -> float | None:
    """Return the intraclass correlation: the share of the variance of the target that lies between groups.

    σ_b² / (σ_b² + MS_w) with σ_b² = (MS_b − MS_w) / n_0, but at least 0: the mean squares between and within k groups
    of n_i rows, N in all, and n_0 = (N − Σ n_i² / N) / (k − 1). What groups differ by chance is taken off, so that
    groups of a few rows do not seem to differ. None where there is one group, no group has two rows, or all targets
    are equal. ``groups`` is what ``by_group`` returns.
    """
    rows, means, squares = (groups[name].cast(pl.Float64).to_numpy() for name in ("rows", "mean", "squares"))
    total, number = rows.sum(), len(rows)
    if number < 2 or total == number:
        return None
    within = squares.sum() / (total - number)
    between = (rows * (means - (rows * means).sum() / total) ** 2).sum() / (number - 1)
    of_groups = max((between - within) * (number - 1) / (total - (rows**2).sum() / total), 0.0)
    return float(of_groups / (of_groups + within)) if of_groups + within else None


def _category(study: Study, log: Log) -> tuple[str | None, pl.Series]:
    """Return what stands for the category and its value or values per row."""
    card = study.plan.catalog.datasets[study.dataset]
    if card.category in card.features:
        return card.category, log.values(str(card.category))
    if "duration" in card.provides:
        return "duration", _levels(log.values("duration"))
    return None, pl.Series([None] * len(log), dtype=pl.String)


def _levels(duration: pl.Series) -> pl.Series:
    """Return the group of each duration, named after its edges."""
    edges = np.quantile(duration.drop_nulls().to_numpy(), np.linspace(0, 1, LEVELS + 1))
    names = [f"{low:.1f} to {high:.1f} s" for low, high in pairwise(edges)]
    level = pl.Series(np.searchsorted(edges[1:-1], duration.fill_null(0.0).to_numpy()))
    return pl.Series(names).gather(level).set(duration.is_null(), None)


def _exploded(frame: pl.DataFrame) -> pl.DataFrame:
    if frame["group"].dtype == pl.List(pl.String):
        frame = frame.with_columns(pl.col("group").list.unique(maintain_order=True)).explode("group")
    return frame.drop_nulls("group")


def _functions(frame: pl.DataFrame, names: list[str], largest: float | None) -> pl.DataFrame:
    limits = np.linspace(0, largest or 0.0, STEPS + 1)
    parts = [pl.DataFrame(schema={"category": pl.String, "limit": pl.Float64, "share": pl.Float64})]
    for name in names:
        values = frame.filter(group=name)["target"].sort().to_numpy()
        share = np.searchsorted(values, limits, side="right") / len(values)
        parts.append(pl.DataFrame({"category": [name] * len(limits), "limit": limits, "share": share}))
    return pl.concat(parts)
