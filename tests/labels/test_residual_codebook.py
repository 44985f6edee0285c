from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Floats, Integers
from watchtime.labels.sequence import FIRST_VALUE
from watchtime.labels.storage import fit_codec, load, save

RNG = np.random.default_rng(11)
LONG = np.round(RNG.lognormal(1.5, 1.2, 4_000) * (RNG.random(4_000) > 0.1), 3)
TARGETS = st.lists(st.one_of(st.integers(0, 6).map(float), st.floats(0, 1e4)), min_size=1, max_size=60)
OPTIONS = st.fixed_dictionaries(
    {
        "levels": st.integers(1, 4),
        "size": st.integers(1, 7),
        "first_level": st.sampled_from(["means", "medians"]),
        "clip": st.sampled_from([None, 4.5, 100.0]),
        "small_residual": st.sampled_from([0.0, 0.5]),
    }
)


def fit(target: npt.ArrayLike, **options: Any) -> Any:
    return fit_codec("residual_codebook", options, np.asarray(target, dtype=float))


def residuals(codec: Any, target: Floats) -> tuple[list[Floats], list[Integers]]:
    """r_0 … r_L and the codes of each level, by the smallest of all distances."""
    clip = codec.settings.clip
    rest, codes = [np.minimum(target, clip) if clip else target], []
    for values in codec.level_values:
        codes.append(np.abs(rest[-1][:, None] - values).argmin(axis=1))
        rest.append(rest[-1] - values[codes[-1]])
    return rest, codes


def test_two_levels_by_hand() -> None:
    codec = fit([0, 2, 10, 14], levels=2, size=2)
    # {0, 2} and {10, 14} leave −1, 1, −2, 2.
    assert codec.level_values.tolist() == [[1, 12], [-1.5, 1.5]]
    assert codec.token_values.tolist() == [0, 0, 0, 1, 12, -1.5, 1.5]
    assert codec.steps == 2
    labels = codec.encode(np.array([0.0, 2.0, 10.0, 14.0, 6.5, 100.0]))
    assert labels["tokens"].tolist() == [[3, 5], [3, 6], [4, 5], [4, 6], [3, 6], [4, 6]]
    assert labels["tokens"].dtype == np.int16
    assert labels["target"].tolist() == [0, 2, 10, 14, 6.5, 100]
    assert codec.reconstruct(np.array([0.0, 2.0, 10.0, 14.0])).tolist() == [-0.5, 2.5, 10.5, 13.5]
    assert codec.facts() == {
        "clipped_share": 0,
        "centres_of_level_1": 2,
        "error_after_level_1": 1.5,
        "centres_of_level_2": 2,
        "error_after_level_2": 0.5,
    }
    assert codec.intervals.edges.tolist() == [0, 6.5, 14]
    assert codec.intervals.values.tolist() == [1, 12]
    assert codec.intervals.shares.tolist() == [0.5, 0.5]
    assert codec.first_tokens.tolist() == [3, 4]
    assert codec.standard_deviation == pytest.approx(32.75**0.5)


def test_medians_at_the_first_level_only() -> None:
    target = [0, 0, 6, 20, 20, 50]
    assert fit(target, levels=1, size=2).level_values[0].tolist() == [pytest.approx(9.2), 50]
    codec = fit(target, levels=2, size=2, first_level="medians")
    assert codec.level_values[0].tolist() == [0, 20]
    # Left are 0 0 6 0 0 30, whose means are 1.2 and 30; medians would be 0 and 30.
    assert codec.level_values[1].tolist() == [pytest.approx(1.2), 30]
    assert codec.intervals.values.tolist() == [2, pytest.approx(30)]


def test_clipped_labels_have_the_codes_of_the_clip_but_keep_their_target() -> None:
    codec = fit([0, 1, 2, 90], levels=1, size=4, clip=4)
    assert codec.level_values.tolist() == [[0, 1, 2, 4]]
    labels = codec.encode(np.array([3.5, 4.0, 1000.0]))
    assert labels["tokens"].tolist() == [[6], [6], [6]]
    assert labels["target"].tolist() == [3.5, 4, 1000]
    assert codec.reconstruct(np.array([1.0, 1000.0])).tolist() == [1, 4]
    assert codec.intervals.edges.tolist() == [0, 0.5, 1.5, 3, 90]
    assert codec.intervals.values.tolist() == [0, 1, 2, 90]
    assert codec.facts() == {"clipped_share": 0.25, "centres_of_level_1": 4, "error_after_level_1": 86 / 4}


def test_small_residuals_do_not_count_in_later_levels() -> None:
    target = [0, 2, 10, 18]
    # {0, 2} and {10, 18} leave −1, 1, −4, 4.
    assert fit(target, levels=2, size=2).level_values[1].tolist() == [-2.5, 2.5]
    codec = fit(target, levels=3, size=2, small_residual=1)
    assert codec.level_values.tolist() == [[1, 14], [-4, 4], [-3, 3]]
    assert codec.encode(np.array([0.0, 18.0]))["tokens"].tolist() == [[3, 5, 8], [4, 6, 7]]
    assert fit(target, levels=2, size=2, small_residual=4).level_values.tolist() == [[1, 14], [0, 0]]


def test_fewer_distinct_residuals_than_codes_are_filled_with_the_largest() -> None:
    codec = fit([0, 5, 5, 20], levels=2, size=5)
    assert codec.level_values.tolist() == [[0, 5, 20, 20, 20], [0, 0, 0, 0, 0]]
    assert codec.encode(np.array([0.0, 5.0, 20.0, 99.0]))["tokens"].tolist() == [[3, 8], [4, 8], [5, 8], [5, 8]]
    assert (codec.facts()["centres_of_level_1"], codec.facts()["centres_of_level_2"]) == (3, 1)
    assert codec.first_tokens.tolist() == [3, 4, 5]
    assert codec.intervals.edges.tolist() == [0, 2.5, 12.5, 20]
    assert codec.intervals.shares.tolist() == [0.25, 0.5, 0.25]


def test_one_value() -> None:
    codec = fit([3.1, 3.1])
    assert codec.reconstruct(np.array([0.0, 3.1, 9.0])).tolist() == [3.1, 3.1, 3.1]
    assert codec.intervals.edges.tolist() == [3.1, 3.1]
    assert codec.intervals.values.tolist() == [3.1]
    assert codec.standard_deviation == 0


@settings(max_examples=100, deadline=None)
@given(TARGETS, OPTIONS, st.lists(st.floats(0, 2e4), max_size=10))
def test_each_code_is_the_nearest_of_its_level(
    train: list[float], options: dict[str, Any], others: list[float]
) -> None:
    codec = fit(train, **options)
    values = np.array(train + others)
    tokens = codec.encode(values)["tokens"].astype(int)
    rest = np.minimum(values, options["clip"] or np.inf)
    for level, centres in enumerate(codec.level_values):
        code = tokens[:, level] - FIRST_VALUE - options["size"] * level
        assert np.all((code >= 0) & (code < len(np.unique(centres))))
        distance = np.abs(rest[:, None] - centres)
        np.testing.assert_allclose(np.abs(rest - centres[code]), distance.min(axis=1), rtol=1e-9, atol=1e-9)
        rest = rest - centres[code]
    np.testing.assert_allclose(codec.value(tokens), codec.reconstruct(values), rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(TARGETS, OPTIONS)
def test_training_rows_come_back_within_the_widest_last_cell(train: list[float], options: dict[str, Any]) -> None:
    codec = fit(train, **options)
    target = np.array(train)
    rest, _ = residuals(codec, target)
    centres = np.unique(codec.level_values[-1])
    ends = abs(rest[-2].min() - centres[0]), abs(rest[-2].max() - centres[-1])
    radius = max(np.diff(centres).max(initial=0.0) / 2, *ends)
    wanted = np.minimum(target, options["clip"] or np.inf)
    assert np.abs(codec.reconstruct(target) - wanted).max() <= radius * (1 + 1e-9) + 1e-9


@settings(max_examples=60, deadline=None)
@given(TARGETS, OPTIONS)
def test_a_level_never_raises_the_mean_square_error(train: list[float], options: dict[str, Any]) -> None:
    codec = fit(train, **options | {"levels": 4, "small_residual": 0.0})
    rest, _ = residuals(codec, np.array(train))
    squares = [np.mean(each**2) for each in rest]
    # A first level of medians lowers the sum of distances, and with it not always that of squares.
    for before, after in list(pairwise(squares))[options["first_level"] == "medians" :]:
        assert after <= before * (1 + 1e-9) + 1e-12
    distances = [np.abs(each).mean() for each in rest]
    assert options["first_level"] == "means" or distances[1] <= distances[0] * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("clip", [None, 6.0])
def test_errors_and_further_levels_on_a_long_tail(clip: float | None) -> None:
    codecs = [fit(LONG, levels=levels, size=24, clip=clip) for levels in (1, 2, 3)]
    for fewer, more in pairwise(codecs):
        np.testing.assert_array_equal(more.level_values[:-1], fewer.level_values)
    errors = [codec.reconstruction_error(LONG) for codec in codecs]
    np.testing.assert_allclose(codecs[-1].errors, errors)
    assert errors[0] > errors[1] > errors[2]
    assert clip or errors[2] < 1e-2
    assert codecs[0].facts()["clipped_share"] == pytest.approx(np.mean((clip or np.inf) < LONG))


@pytest.mark.parametrize("clip", [None, 6.0])
def test_first_codes_are_the_cells_and_know_their_rows(clip: float | None) -> None:
    codec = fit(LONG, size=10, clip=clip)
    _, codes = residuals(codec, LONG)
    intervals = codec.intervals
    assert (intervals.edges[0], intervals.edges[-1]) == (LONG.min(), LONG.max())
    for cell, token in enumerate(codec.first_tokens):
        rows = codec.encode(LONG)["tokens"][:, 0] == token
        np.testing.assert_array_equal(rows, codes[0] == cell)
        assert intervals.edges[cell] <= LONG[rows].min()
        assert LONG[rows].max() <= intervals.edges[cell + 1]
        assert intervals.values[cell] == pytest.approx(LONG[rows].mean())
        assert intervals.shares[cell] == pytest.approx(rows.mean())
    assert codec.standard_deviation == pytest.approx(LONG.std())


def test_fitting_sees_targets_only_and_in_any_order(tmp_path: Path) -> None:
    codec = fit(LONG)
    codec.encode(LONG * 1000)
    again = fit_codec("residual_codebook", {}, RNG.permutation(LONG), RNG.random(len(LONG)))
    save(codec, tmp_path / "a.npz")
    save(again, tmp_path / "b.npz")
    save(load(tmp_path / "a.npz"), tmp_path / "c.npz")
    assert len({(tmp_path / f"{name}.npz").read_bytes() for name in "abc"}) == 1
    restored = load(tmp_path / "a.npz")
    np.testing.assert_array_equal(restored.encode(LONG)["tokens"], codec.encode(LONG)["tokens"])
    assert restored.facts() == codec.facts()


def test_the_largest_vocabulary_fits_the_tokens() -> None:
    codec = fit([0, 1], levels=16, size=1024)
    assert codec.encode(np.array([1.0]))["tokens"][0, -1] == FIRST_VALUE + 15 * 1024
    assert len(codec.token_values) - 1 <= np.iinfo(np.int16).max


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"levels": 0}, "levels: found 0, allowed: .*1"),
        ({"levels": 17}, "levels: found 17, allowed: .*16"),
        ({"size": 0}, "size: found 0, allowed: .*1"),
        ({"size": 1025}, "size: found 1025, allowed: .*1024"),
        ({"first_level": "mean"}, "first_level: found 'mean', allowed: .*means.*medians"),
        ({"clip": 0}, "clip: found 0, allowed: .*0"),
        ({"clip": True}, "clip: found true, allowed: a number"),
        ({"small_residual": -1}, "small_residual: found -1, allowed: .*0"),
        ({"sizes": 4}, "unknown key 'sizes', did you mean 'size'"),
    ],
)
def test_settings_are_refused_by_name(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WatchtimeError, match=f"^codec 'residual_codebook': {sentence}"):
        fit([1.0], **options)


def test_rows_are_refused_by_number() -> None:
    with pytest.raises(WatchtimeError, match="codec 'residual_codebook': at least one training row is needed"):
        fit([])
    with pytest.raises(WatchtimeError, match=r"^row 1 \(counted from 0\): the target is -1\.0"):
        fit([1, -1])
    nothing = fit([1, 2]).encode(np.array([]))
    assert nothing["tokens"].shape == (0, 3)
