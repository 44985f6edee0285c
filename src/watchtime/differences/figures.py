"""How far figures look different: the share of their pixels whose colours an eye tells apart."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import typst
from PIL import Image
from scipy.ndimage import gaussian_filter

from watchtime.core.errors import WatchtimeError
from watchtime.differences.notebooks import Notebook
from watchtime.differences.section import Picture, Section, counted

Pixels = npt.NDArray[np.float64]

RESOLUTION = 100
# The least difference of two colours that an eye sees (Mahy et al. 1994).
NOTICEABLE = 2.3
# Shifts by a fraction of a pixel are no difference.
BLUR = 1.0
_SVG = "image/svg+xml"
_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = _TO_XYZ.sum(1)


def figures(notebooks: list[Notebook]) -> Section:
    """Compare the figures of changed notebooks, in their order, by how they look and not by how they are written."""
    rows, pictures = list[list[str]](), list[Picture]()
    for notebook in notebooks:
        ours, others = _drawn(notebook.ours), _drawn(notebook.others)
        for place in range(max(len(ours), len(others))):
            title = f"{notebook.name}, figure {place + 1}"
            if place >= min(len(ours), len(others)):
                rows.append([title, "only in A" if place < len(ours) else "only in B", ""])
            elif ours[place] != others[place]:
                first, second = (drawn(one[place], title) for one in (ours, others))
                share = noticeable(first, second)
                rows.append([title, "looks different" if share else "looks the same", f"{100 * share:.2f} %"])
                pictures.append(Picture(f"{title}: A, B, and where they differ", side_by_side(first, second)))
    said = (
        f"{counted(len(rows), 'figure was drawn otherwise', 'figures were drawn otherwise')}."
        if rows
        else "All figures are equal."
    )
    columns = ("Figure", "Verdict", f"Pixels with ΔE > {NOTICEABLE}")
    return Section("Figures", said, columns, rows, pictures=pictures)


def _drawn(notebook: Any) -> list[str]:
    """Return the SVG texts of a notebook's outputs, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return ["".join(output["data"][_SVG]) for output in outputs if _SVG in output.get("data", {})]


def drawn(svg: str, name: str) -> Pixels:
    """Return the pixels of a figure, [height, width, 3] in [0, 1], on white."""
    with tempfile.TemporaryDirectory(prefix="watchtime-") as place:
        folder = Path(place)
        (folder / "figure.svg").write_text(svg, encoding="utf-8")
        page = folder / "page.typ"
        page.write_text('#set page(width: auto, height: auto, margin: 0pt)\n#image("figure.svg")', encoding="utf-8")
        try:
            png = typst.compile(page, root=folder, format="png", ppi=RESOLUTION)
        except typst.TypstError as error:
            raise WatchtimeError(f"{name}: the figure cannot be drawn ({error}).") from None
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64) / 255


def noticeable(one: Pixels, other: Pixels) -> float:
    """Return the share of pixels whose colours differ by ΔE > ``NOTICEABLE``; what one picture alone covers does.

    ΔE is the distance in CIELAB (1976) of both pictures, blurred by ``BLUR`` pixels.
    """
    one, other = _same_size(one, other)
    return float((np.linalg.norm(_lab(one) - _lab(other), axis=-1) > NOTICEABLE).mean())


def side_by_side(one: Pixels, other: Pixels) -> bytes:
    """Return both pictures and, in black on white, where they differ noticeably, as one PNG."""
    one, other = _same_size(one, other)
    differs = np.linalg.norm(_lab(one) - _lab(other), axis=-1) > NOTICEABLE
    marked = np.repeat(np.where(differs, 0.0, 1.0)[..., None], 3, axis=-1)
    gap = np.full((one.shape[0], 8, 3), 0.8)
    pixels = np.concatenate([np.nan_to_num(one, nan=1.0), gap, np.nan_to_num(other, nan=1.0), gap, marked], axis=1)
    stream = io.BytesIO()
    Image.fromarray((255 * pixels).round().astype(np.uint8)).save(stream, "png")
    return stream.getvalue()


def _same_size(one: Pixels, other: Pixels) -> tuple[Pixels, Pixels]:
    """Return both on the smallest canvas that holds both; what a picture does not cover is white."""
    height, width = (max(sizes) for sizes in zip(one.shape[:2], other.shape[:2], strict=True))
    padded = [
        np.pad(each, [(0, height - each.shape[0]), (0, width - each.shape[1]), (0, 0)], constant_values=1.0)
        for each in (one, other)
    ]
    return padded[0], padded[1]


def _lab(pixels: Pixels) -> Pixels:
    """Return L*, a*, b* of sRGB pixels in [0, 1] under the white point D65, blurred."""
    pixels = gaussian_filter(pixels, (BLUR, BLUR, 0))
    linear = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)
    share = linear @ _TO_XYZ.T / _WHITE
    root = np.where(share > (6 / 29) ** 3, np.cbrt(share), share * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
