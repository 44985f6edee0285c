import re
from typing import Any, Literal

import matplotlib
import numpy as np
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.reporting.elements import figures
from watchtime.reporting.elements.figures import PALETTE, figure, to_svg
from watchtime.reporting.elements.style import style
from watchtime.reporting.elements.text import Markdown


def sine(width: Literal["full", "half"] = "full") -> str:
    drawing = figure(width, 50)
    axes = drawing.subplots()
    axes.plot([0, 1, 2], [0, 1, 0.5], label="a")
    axes.set(xlabel="Time (s)", ylabel=r"$f(y \mid x)$")
    axes.legend()
    return to_svg(drawing)


def test_equal_figures_are_equal_bytes_without_dates() -> None:
    first = sine()
    assert first == sine()
    assert "<dc:date>" not in first
    assert "Matplotlib v" not in first


@pytest.mark.parametrize(("width", "millimetres"), [("full", 165), ("half", 80)])
def test_a_figure_is_as_wide_as_the_text_or_half_of_it(width: Literal["full", "half"], millimetres: float) -> None:
    found = re.search(r'<svg [^>]*?width="([\d.]+)pt"', sine(width))
    assert found is not None
    points = float(found.group(1))
    assert points == pytest.approx(millimetres / 25.4 * 72, abs=0.1)


def test_all_type_is_text_in_a_size_of_the_scale() -> None:
    svg = sine()
    assert ">Time (s)</text>" in svg
    sizes = {float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)}
    assert sizes == {style()["sizes"]["small"]}


def test_personal_settings_do_not_change_a_figure() -> None:
    expected = sine()
    matplotlib.rcParams["axes.grid"] = True
    matplotlib.rcParams["font.size"] = 20
    assert sine() == expected


def test_the_colours_differ_for_dichromats() -> None:
    """Viénot, Brettel and Mollon (1999): what protanopes and deuteranopes see, as CIELAB distances."""
    to_cone = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    protanope = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
    deuteranope = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    encoded = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in PALETTE.values()])
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    for seen in (protanope, deuteranope):
        rgb = np.clip(linear @ (np.linalg.inv(to_cone) @ seen @ to_cone).T, 0, 1)
        f = np.cbrt(np.maximum((rgb @ to_xyz.T) / to_xyz.sum(axis=1), 1e-9))
        lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
        distances = np.linalg.norm(lab[:, None] - lab[None], axis=2)[np.triu_indices(len(lab), 1)]
        assert distances.min() > 8


def test_show_gives_the_svg_its_caption_and_a_reader_of_the_notebook_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[tuple[dict[str, Any], dict[str, Any]]] = []
    monkeypatch.setattr(figures, "display", lambda data, raw, metadata: shown.append((data, metadata)))
    drawing = figure("half")
    drawing.subplots().plot([0, 1])
    figures.show(drawing, "What *you* see.")
    figures.show(drawing, Markdown("What *you*\nsee."))
    assert [metadata for _, metadata in shown[:2]] == [{"caption": r"What \*you\* see."}, {"repeats": "caption"}]
    assert shown[0][0]["image/svg+xml"].startswith("<?xml")
    assert shown[1][0]["text/markdown"] == r"Figure: What \*you\* see."
    assert shown[2][1] == {"caption": "What *you* see."}


def test_a_figure_without_data_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No axes, no points, only unknown ones; what is switched off, or says so, shows nothing on purpose."""
    monkeypatch.setattr(figures, "display", lambda *_, **__: None)
    with pytest.raises(WatchtimeError, match=r"the figure 'None at all.' is empty: it has no axes"):
        figures.show(figure("half"), "None at all.")
    monkeypatch.setattr(figures, "to_svg", lambda _: "")
    drawing = figure("full")
    first, second, third, fourth, fifth = drawing.subplots(5)
    first.plot([0, 1], [1, 2])
    second.plot([], [])
    third.plot([0, 1], [np.nan, np.nan])
    fourth.imshow([[1.0, 2.0]])
    fifth.axis("off")
    with pytest.raises(WatchtimeError, match=r"the figure 'Four.' is empty: axes 2, 3 of 4 show no data"):
        figures.show(drawing, "Four.")
    second.text(0.5, 0.5, "no rows")
    third.bar(["a"], [0.0])
    figures.show(drawing, "Four.")
