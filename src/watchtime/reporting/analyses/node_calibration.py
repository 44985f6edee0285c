"""Whether leaves get the mass that they have and classifiers order rows: drawn, in numbers, with and without UCL."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import polars as pl

from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.tables import Column, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.measured.repetitions import Values, by_repetition, differences, mean
from watchtime.reporting.report import Report

COLOURS = ("blue", "green", "vermilion", "purple")
MARKERS = "sDo^"
RATIOS = {"off": "Ratio off by", "left": "Left half", "right": "Right half"}
AREAS = {"auc_own": "AUC, own rows", "auc_all": "AUC, all rows"}
PAIRS = (("ptpm", "ptpm/no_ucl"), ("ptpm/no_tsl", "tpm"))
"""With UCL and without, both with learned trees, and both with the global one."""
COMPARED = {"off": "lower", "auc_own": "higher", "auc_all": "higher"}


def draw(report: Report, dataset: str) -> None:
    """Draw the ratio of predicted to true rows by leaf, and the mean AUC of each level's classifiers."""
    leaves, nodes = report.analysis(dataset, "leaves"), report.analysis(dataset, "nodes")
    drawing = figure("full", 66)
    panels = drawing.subplot_mosaic([["ratio", "auc_own", "auc_all"]], width_ratios=[2, 1, 1])
    panels["auc_all"].sharey(panels["auc_own"])
    for row, colour, marker in zip(_rows(report, dataset), COLOURS, MARKERS, strict=False):
        look: dict[str, Any] = {
            "color": PALETTE[colour],
            "marker": marker,
            "linestyle": "-",
            "linewidth": 0.8,
            "markersize": 2.5,
        }
        by_leaf = leaves.filter(row=row).drop_nulls("ratio").group_by("leaf").agg(pl.mean("ratio")).sort("leaf")
        panels["ratio"].plot(by_leaf["leaf"] + 1, by_leaf["ratio"], label=report.artifact.rows[row].title, **look)
        for name in AREAS:
            by_level = nodes.filter(row=row).drop_nulls(name).group_by("depth").agg(pl.mean(name)).sort("depth")
            panels[name].plot(by_level["depth"], by_level[name], **look)
    panels["ratio"].axhline(1, color=PALETTE["black"], linestyle="--", linewidth=0.8)
    panels["ratio"].set(xlabel="Leaf", ylabel="Predicted / true rows")
    panels["ratio"].legend()
    for name, title in AREAS.items():
        panels[name].set(title=title, xlabel="Level of the classifier")
        panels[name].set_xticks(nodes["depth"].unique().sort())
    caption = (
        f"Global trees before pruning on the test rows of {report.data_title(dataset)}, means over repetitions. Left: "
        "the predicted number of rows of a leaf over the true one, leaves from short to long watch times; "
        "dashed: what it should be. Middle and right: the AUC of the classifiers, mean over the nodes of a level, on "
        "the rows in a node's interval and on all rows."
    )
    show(drawing, caption)


def ratios(report: Report, dataset: str) -> Table:
    """How far the predicted numbers of rows are off, and in which half of the leaves."""
    rows: list[list[Value]] = [
        [report.artifact.rows[row].title, *(mean(measured(report, dataset, row)[name]) for name in RATIOS)]
        for row in _rows(report, dataset)
    ]
    left_out, whole = _left_out(report.analysis(dataset, "leaves"), "ratio")
    caption = (
        f"Predicted over true rows of the leaves on {report.data_title(dataset)}, means over repetitions with 95 % "
        "intervals. Ratio off by: mean |ratio − 1| over leaves; left and right half: the mean ratio there. "
        f"Left out: {left_out} of {whole} leaves, which have no test rows."
    )
    return Table([Column("Method"), *(Column(title, decimals=3) for title in RATIOS.values())], rows, caption=caption)


def areas(report: Report, dataset: str) -> Table:
    """The mean AUC of the classifiers, on their own rows and on all."""
    names = [f"{name}{weight}" for name in AREAS for weight in ("", "_weighed")]
    rows: list[list[Value]] = [
        [report.artifact.rows[row].title, *(mean(measured(report, dataset, row)[name]) for name in names)]
        for row in _rows(report, dataset)
    ]
    columns = [Column("Method")]
    for title in AREAS.values():
        columns += [Column(title, decimals=4), Column("Weighed", decimals=4)]
    nodes = report.analysis(dataset, "nodes")
    own, whole = _left_out(nodes, "auc_own")
    caption = (
        f"AUC of the classifiers on {report.data_title(dataset)}: mean over nodes, and weighed by a node's own rows, "
        "whose target is in its interval and on which it is trained. On all rows a classifier is asked whether the "
        f"target is in its right half or beyond. Left out: {own} of {whole} nodes, whose own rows all go the same way, "
        f"and {_left_out(nodes, 'auc_all')[0]} where all rows do."
    )
    return Table(columns, rows, caption=caption)


def conclusion(report: Report, dataset: str) -> Markdown:
    """Set what UCL changes beside the paper's claims."""
    there, titles = _rows(report, dataset), {row: escape(one.title) for row, one in report.artifact.rows.items()}
    found = {row: measured(report, dataset, row) for row in there}
    pairs = [pair for pair in PAIRS if set(pair) <= set(there)]
    lines = []
    for name, direction in COMPARED.items():
        compared = differences([(found[ours][name], found[other][name]) for ours, other in pairs], direction)
        said = [
            f"{titles[ours]} − {titles[other]} = {one.said(4)} ({one.word})"
            for (ours, other), one in zip(pairs, compared, strict=True)
            if one
        ]
        lines.append(f"{(RATIOS | AREAS)[name]}: {'; '.join(said) or 'nothing to compare'}.")
    if "tpm" in there and all(found["tpm"][name] for name in ("left", "right")):
        left, right = (sum(found["tpm"][name].values()) / len(found["tpm"][name]) for name in ("left", "right"))
        lines.append(
            f"Mean ratio of {titles['tpm']}: {left:.3f} in the left half of the leaves, {right:.3f} in the right."
        )
    lines.append(
        "The paper finds that TPM underestimates on the left and overestimates on the right, and that UCL brings the "
        "ratios closer to 1 and the AUC up significantly."
    )
    return Markdown(f"{escape(report.data_title(dataset))}.\n\n" + "\n".join(f"- {line}" for line in lines))


def measured(report: Report, dataset: str, row: str) -> dict[str, Values]:
    """Return per repetition the mean |ratio − 1|, the mean ratio of either half, and the mean areas of a row."""
    leaves, nodes = (report.analysis(dataset, name).filter(row=row) for name in ("leaves", "nodes"))
    left = pl.col("leaf") < leaves["leaf"].n_unique() // 2
    frame = leaves.group_by("repetition").agg(
        off=(pl.col("ratio") - 1).abs().mean(),
        left=pl.col("ratio").filter(left).mean(),
        right=pl.col("ratio").filter(~left).mean(),
    )
    weight = pl.col("rows")
    for name in AREAS:
        known = pl.col(name).is_not_null()
        weighed = (pl.col(name) * weight).sum() / weight.filter(known).sum()
        means = nodes.group_by("repetition").agg(pl.mean(name), weighed.alias(f"{name}_weighed"))
        frame = frame.join(means, on="repetition")
    return {name: by_repetition(frame, name) for name in frame.columns if name != "repetition"}


def _rows(report: Report, dataset: str) -> list[str]:
    return report.analysis(dataset, "leaves")["row"].unique(maintain_order=True).to_list()


def _left_out(frame: pl.DataFrame, column: str) -> tuple[int, int]:
    """Return how many leaves or nodes are undefined, and how many there are; all methods have the same tree."""
    first = frame.filter(row=frame["row"][0], repetition=0)
    return first[column].null_count(), len(first)
