"""Figures in the style of the pages they stand on: vector graphics, one type scale, safe colours."""

# mypy: allow-untyped-calls

from __future__ import annotations

import io
from typing import Any, Literal

import matplotlib
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from watchtime.core.errors import WatchtimeError
from watchtime.reporting.elements.style import style
from watchtime.reporting.elements.text import as_markdown

PALETTE = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
    "yellow": "#F0E442",
}
"""The colours of Okabe and Ito (2008), which colour-blind readers can tell apart, in order of use."""

_LINE_STYLES = ["-", "--", "-.", ":"] * 2
_MILLIMETRES_PER_INCH = 25.4
_COLUMN_GAP = 5.0


def figure(width: Literal["full", "half"] = "full", height: float | None = None) -> Figure:
    """Return an empty figure as wide as the text or as half of it, ``height`` millimetres high.

    Without ``height``, a full figure is half as high as wide and a half figure three quarters. A figure
    is drawn at its final size, in the type sizes of the page. Successive lines differ in colour and in
    dashes. The style holds for every figure that the process draws afterwards.
    """
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(_settings())
    page = style()["page"]
    text_width = page["width"] - 2 * page["side"]
    millimetres = text_width if width == "full" else (text_width - _COLUMN_GAP) / 2
    height = height or millimetres * (0.5 if width == "full" else 0.75)
    return Figure(figsize=(millimetres / _MILLIMETRES_PER_INCH, height / _MILLIMETRES_PER_INCH), layout="constrained")


def show(figure: Figure, caption: str) -> None:
    """Display the figure in a notebook as SVG, with the caption that the PDF prints under it.

    Raises WatchtimeError where it has no axes, or where one of them shows no data, unless it is switched off or a text
    in it says why.
    """
    _refuse_empty(figure, caption)
    text = as_markdown(caption)
    display({"image/svg+xml": to_svg(figure), "text/plain": "Figure"}, raw=True, metadata={"caption": text})
    display(
        {"text/markdown": f"Figure: {text}", "text/plain": str(caption)},
        raw=True,
        metadata={"repeats": "caption"},
    )


def to_svg(figure: Figure) -> str:
    """Return the figure as SVG text: no dates, no random ids, so equal figures give equal bytes."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "watchtime"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _refuse_empty(figure: Figure, caption: str) -> None:
    axes = [one for one in figure.axes if one.axison and one.get_visible()]
    empty = [place for place, one in enumerate(axes, 1) if not _has_data(one)]
    if not axes or empty:
        which = f"axes {', '.join(map(str, empty))} of {len(axes)} show no data" if axes else "it has no axes"
        raise WatchtimeError(f"the figure '{' '.join(caption.split())}' is empty: {which}.")


def _has_data(axes: Axes) -> bool:
    """Whether anything is drawn at a known place, not no points and not only ones that are NaN, or said instead."""
    return bool(np.isfinite(axes.dataLim.get_points()).any(axis=0).all()) or bool(axes.images or axes.texts)


def _settings() -> dict[Any, Any]:
    sizes, colours = style()["sizes"], style()["colours"]
    return {
        "font.family": "STIXGeneral",
        "mathtext.fontset": "stix",
        "font.size": sizes["small"],
        "axes.titlesize": sizes["small"],
        "axes.labelsize": sizes["small"],
        "legend.fontsize": sizes["small"],
        "xtick.labelsize": sizes["small"],
        "ytick.labelsize": sizes["small"],
        "figure.titlesize": sizes["body"],
        "text.color": colours["text"],
        "axes.labelcolor": colours["text"],
        "axes.edgecolor": colours["text"],
        "xtick.color": colours["text"],
        "ytick.color": colours["text"],
        "axes.prop_cycle": cycler(color=list(PALETTE.values())) + cycler(linestyle=_LINE_STYLES),
        "image.cmap": "cividis",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "lines.linewidth": 1.2,
        "lines.markersize": 3.5,
        "errorbar.capsize": 2,
        "legend.frameon": False,
        "svg.fonttype": "none",
    }
