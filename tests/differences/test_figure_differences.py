"""Colours as an eye sees them, by published values, and pictures of different size."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from watchtime.differences.figures import _lab, drawn, noticeable, side_by_side


def plain(*colour: float, size: tuple[int, int] = (12, 20)) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.tile(np.array(colour), (*size, 1))


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((0.5, 0.5, 0.5), (53.39, 0, 0)),
    ],
)
def test_colours_have_their_published_place_in_cielab(colour: tuple[float, ...], expected: tuple[float, ...]) -> None:
    np.testing.assert_allclose(_lab(plain(*colour))[6, 10], expected, atol=0.05)


def test_a_shade_that_nobody_sees_is_no_difference() -> None:
    grey = plain(0.5, 0.5, 0.5)
    assert noticeable(grey, grey + 0.01) == 0
    assert noticeable(grey, grey + 0.04) == 1


def test_what_one_picture_alone_covers_differs_unless_it_is_white() -> None:
    low, high = plain(0, 0, 0, size=(50, 20)), plain(0, 0, 0, size=(100, 20))
    assert noticeable(low, high) == pytest.approx(0.5, abs=0.05)
    assert noticeable(plain(1, 1, 1, size=(50, 20)), plain(1, 1, 1, size=(100, 20))) == 0


def test_a_drawing_is_drawn_on_white_in_its_own_colours() -> None:
    half = '<rect width="36" height="72" fill="#f00"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="72" height="72">{half}</svg>'
    pixels = drawn(svg, "a figure")
    height, width, _ = pixels.shape
    np.testing.assert_allclose(pixels[height // 2, width // 4], (1, 0, 0), atol=0.01)
    np.testing.assert_allclose(pixels[height // 2, 3 * width // 4], (1, 1, 1), atol=0.01)


def test_the_picture_shows_both_and_marks_where_they_differ() -> None:
    one, other = plain(1, 1, 1, size=(40, 30)), plain(1, 1, 1, size=(40, 30))
    other[:, 20:] = 0
    with Image.open(io.BytesIO(side_by_side(one, other))) as image:
        pixels = np.asarray(image)
    assert pixels.shape == (40, 30 + 8 + 30 + 8 + 30, 3)
    assert pixels[20, 10].tolist() == [255] * 3
    assert pixels[20, 38 + 25].tolist() == [0] * 3
    assert pixels[20, 76 + 5].tolist() == [255] * 3
    assert pixels[20, 76 + 28].tolist() == [0] * 3
