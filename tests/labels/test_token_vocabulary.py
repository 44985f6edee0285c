from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.labels import token_vocabulary
from watchtime.labels.sequence import END, FIRST_VALUE, PADDING
from watchtime.labels.storage import fit_codec, load, save
from watchtime.labels.token_vocabulary import resolution
from watchtime.labels.vocabularies import binary, dynamic_quantile, manual, weighted_quantile

KINDS = st.sampled_from(["dynamic_quantile", "manual", "binary"])
WHOLE = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 5000)), min_size=1, max_size=60)
TARGETS = st.lists(
    st.one_of(st.integers(0, 6).map(float), st.integers(0, 10**6).map(lambda value: value / 1000), st.floats(0, 1e4)),
    min_size=1,
    max_size=40,
)
TOLERANCES = st.sampled_from([0.0, 0.001, 0.05])
# Nine rows whose dynamic vocabulary is worked out by hand below.
HAND = [0, 2, 3, 5, 6, 8, 12, 20, 50]
HAND_PARAMETERS = {"start_quantile": 0.875, "end_quantile": 0.5, "decay": 0.8, "smallest_error": 1e-6}


def fit(target: npt.ArrayLike, **options: Any) -> Any:
    return fit_codec("token_vocabulary", options, np.asarray(target, dtype=float))


def slow_vocabulary(target: list[int], start: float, end: float, decay: float, smallest_error: float) -> list[int]:
    """Algorithm 1 row by row, and the token 1."""
    left, found, quantile = [float(value) for value in target], {1}, start
    while True:
        token = int(np.quantile(left, quantile))
        if token == 0:
            return sorted(found)
        found.add(token)
        left = [value - token if value >= token else value for value in left]
        errors = [value / original for value, original in zip(left, target, strict=True) if original]
        if max(errors, default=0) <= smallest_error:
            return sorted(found)
        quantile = max(quantile * decay, end)


def slow_sequence(values: list[float], unit: float, tolerance: float, target: float) -> list[float]:
    """The greedy sequence of one target, of any length; ``values`` are the tokens' values."""
    written: list[float] = []
    left = round(target / unit) * unit
    while left > 0.5 * unit and abs(target - sum(written)) > max(tolerance * target, unit / 2) * (1 + 1e-9):
        written.append(max(value for value in values if value <= left + 1e-6 * unit))
        left -= written[-1]
    return written


def test_algorithm_1_by_hand() -> None:
    # q = .875, place 7 of 0 … 8: 20. 20 → 0, 50 → 30, left 0 0 2 3 5 6 8 12 30.
    # q = .7, place 5.6 between 6 and 8: 7.2, so 7. 8 → 1, 12 → 5, 30 → 23, left 0 0 1 2 3 5 5 6 23.
    # q = .56, place 4.48 between 3 and 5: 3.96, so 3. 3 → 0, 5 → 2, 5 → 2, 6 → 3, 23 → 20, left 0 0 0 1 2 2 2 3 20.
    # q = max(.448, .5), place 4: 2. 2 → 0 (three times), 3 → 1, 20 → 18, left 0 0 0 0 0 0 1 1 18.
    # q = .5, place 4: 0, so it ends. No round took 1, without which 8 = 7 + 1 could not be written.
    whole, rows = np.array(HAND, dtype=float), np.ones(9, dtype=np.int64)
    assert dynamic_quantile(whole, rows, **HAND_PARAMETERS).tolist() == [1, 2, 3, 7, 20]


def test_labels_by_hand() -> None:
    codec = fit(HAND, tolerance=0, **HAND_PARAMETERS)
    assert codec.token_values.tolist() == [0, 0, 0, 20, 7, 3, 2, 1]
    labels = codec.encode(np.array([50.0, 12.0, 8.0, 6.0, 2.4, 0.5, 0.0, 1000.0]))
    assert labels["target"].tolist() == [50, 12, 8, 6, 2.4, 0.5, 0, 1000]
    assert labels["tokens"].dtype == np.int16
    assert labels["tokens"].tolist() == [
        [3, 3, 4, 5, END],
        [4, 5, 6, END, PADDING],
        [4, 7, END, PADDING, PADDING],
        [5, 5, END, PADDING, PADDING],
        [6, END, PADDING, PADDING, PADDING],
        [END, PADDING, PADDING, PADDING, PADDING],
        [END, PADDING, PADDING, PADDING, PADDING],
        [3, 3, 3, 3, END],
    ]
    # Lengths of the nine rows: 0, 1, 1, 2, 2, 2, 3, 1, 4.
    assert codec.facts() == {"value_tokens": 5, "unit": 1.0, "steps": 5, "mean_length": 16 / 9, "cut_share": 0.0}
    assert codec.lengths(np.array(HAND, dtype=float)).tolist() == [0, 1, 1, 2, 2, 2, 3, 1, 4]
    assert codec.standard_deviation == pytest.approx(np.std(HAND))


def test_intervals_by_hand() -> None:
    codec = fit(HAND, tolerance=0, **HAND_PARAMETERS)
    # END: 0 · token 1: none · 2: 2 · 3: 3, 5, 6 · 7: 8, 12 · 20: 20, 50
    assert codec.first_tokens.tolist() == [END, 7, 6, 5, 4, 3]
    assert codec.intervals.edges.tolist() == [0, 0, 2, 3, 7, 20, 50]
    assert codec.intervals.values.tolist() == pytest.approx([0, 1, 2, 14 / 3, 10, 35])
    assert (codec.intervals.shares * 9).tolist() == pytest.approx([1, 0, 1, 3, 2, 2])


@settings(max_examples=60)
@given(WHOLE, st.floats(0, 1))
def test_the_weighted_quantile_is_that_of_all_rows(whole: list[int], quantile: float) -> None:
    values, rows = np.unique(np.array(whole, dtype=float), return_counts=True)
    assert weighted_quantile(values, rows, quantile) == np.quantile(np.repeat(values, rows), quantile)


@settings(max_examples=60)
@given(
    WHOLE,
    st.sampled_from([0.9999, 0.95, 0.7]),
    st.sampled_from([0.9, 0.6]),
    st.sampled_from([1.0, 0.99, 0.8]),
    st.sampled_from([0.0, 1e-6, 0.05, 0.4]),
    st.sampled_from([1.0, 0.1, 0.001]),
)
def test_dynamic_vocabulary_against_rows_one_by_one(
    target: list[int], start: float, end: float, decay: float, error: float, unit: float
) -> None:
    options = {"start_quantile": start, "end_quantile": end, "decay": decay, "smallest_error": error}
    # 3 / 10 is 2.9999999999999996 tenths.
    decimal = np.array(target) / round(1 / unit)
    codec = fit(decimal, vocabulary="dynamic_quantile", unit=unit, **options)
    assert codec.whole_tokens[::-1].tolist() == slow_vocabulary(target, start, end, decay, error)
    np.testing.assert_array_equal(codec.token_values[FIRST_VALUE:], codec.whole_tokens * unit)


def test_a_residual_is_measured_by_its_own_target() -> None:
    # q = .99 throughout. 991 leaves 100 of 100 and 9 of 1000, 99 leaves 1 of 100 and 9 of 1000: a hundredth is left.
    # One round more takes ⌊1 + .99 · 8⌋ = 8, which leaves 1 and 1, and the next 1.
    whole, rows = np.array([100.0, 1000.0]), np.array([1, 1])
    options = {"start_quantile": 0.99, "end_quantile": 0.99, "decay": 1.0}
    assert dynamic_quantile(whole, rows, smallest_error=0.01, **options).tolist() == [1, 99, 991]
    assert dynamic_quantile(whole, rows, smallest_error=0.0099, **options).tolist() == [1, 8, 99, 991]


def test_manual_and_binary_vocabularies() -> None:
    assert manual(57).tolist() == [1, 3, 5, 10, 30, 50]
    assert manual(100).tolist() == [1, 3, 5, 10, 30, 50, 100]
    assert manual(4).tolist() == [1, 3]
    assert binary(8).tolist() == [1, 2, 4, 8]
    assert binary(7).tolist() == [1, 2, 4]
    assert manual(0).tolist() == binary(0).tolist() == [1]
    seconds = [0.0, 0.001, 0.0631]
    assert fit(seconds, vocabulary="manual", unit=0.001).token_values[FIRST_VALUE:] == pytest.approx(
        [0.05, 0.03, 0.01, 0.005, 0.003, 0.001]
    )
    assert fit(seconds, vocabulary="binary", unit=0.001).token_values[FIRST_VALUE:] == pytest.approx(
        [0.032, 0.016, 0.008, 0.004, 0.002, 0.001]
    )


@settings(max_examples=100)
@given(
    TARGETS,
    st.lists(st.floats(0, 2e4), max_size=20),
    KINDS,
    st.sampled_from([None, 1.0, 0.01, 1e-3, 1e-5, 0.7]),
    TOLERANCES,
)
def test_every_target_is_within_the_bound_and_tokens_never_grow(
    train: list[float], others: list[float], kind: str, unit: float | None, tolerance: float
) -> None:
    codec = fit(train, vocabulary=kind, unit=unit, tolerance=tolerance, max_length=200)
    values = codec.token_values
    assert np.all(values[:FIRST_VALUE] == 0)
    assert np.all(np.diff(values[FIRST_VALUE:]) < 0)
    assert values[-1] == codec.unit
    target = np.array(train + others)
    tokens = codec.encode(target)["tokens"].astype(np.int64)
    assert tokens.shape == (len(target), codec.steps)
    restored = codec.reconstruct(target)
    np.testing.assert_allclose(restored, codec.value(tokens), rtol=1e-12)
    assert np.all(restored <= target * (1 + 1e-12) + codec.unit / 2)
    for row, (value, sequence) in enumerate(zip(target.tolist(), tokens.tolist(), strict=True)):
        length = sequence.index(END)
        assert sequence[length + 1 :] == [PADDING] * (codec.steps - length - 1)
        assert sequence[:length] == sorted(sequence[:length])
        assert all(token >= FIRST_VALUE for token in sequence[:length])
        # Only a sequence of the greatest length can be cut, and no training row's is where none is counted as cut.
        if length < codec.steps - 1 or (row < len(train) and codec.cut_share == 0):
            bound = max(tolerance * value, codec.unit / 2)
            assert abs(value - restored[row]) <= bound * (1 + 1e-8) + 1e-12 * value


@settings(max_examples=60)
@given(WHOLE, WHOLE, KINDS, TOLERANCES, st.integers(1, 8))
def test_sequences_against_one_by_one(
    train: list[int], others: list[int], kind: str, tolerance: float, limit: int
) -> None:
    codec = fit(train, vocabulary=kind, unit=1, tolerance=tolerance, max_length=limit)
    values = codec.token_values[FIRST_VALUE:].tolist()
    expected = [slow_sequence(values, 1.0, tolerance, float(value)) for value in train + others]
    lengths = [len(sequence) for sequence in expected[: len(train)]]
    assert codec.steps == min(max(lengths), limit) + 1
    assert codec.facts()["cut_share"] == pytest.approx(np.mean([length > limit for length in lengths]))
    assert codec.facts()["mean_length"] == pytest.approx(np.mean(np.minimum(lengths, limit)))
    target = np.array(train + others, dtype=float)
    tokens = codec.encode(target)["tokens"]
    for sequence, slow in zip(tokens.tolist(), expected, strict=True):
        assert codec.token_values[sequence[: sequence.index(END)]].tolist() == slow[: codec.steps - 1]
    np.testing.assert_array_equal(codec.lengths(target), [min(len(each), codec.steps - 1) for each in expected])


@settings(max_examples=60)
@given(WHOLE, KINDS, st.sampled_from([1.0, 1e-3, 0.01]))
def test_without_tolerance_targets_on_the_grid_come_back(train: list[int], kind: str, unit: float) -> None:
    target = np.array(train) * unit
    codec = fit(target, vocabulary=kind, unit=unit, tolerance=0, max_length=200)
    np.testing.assert_allclose(codec.reconstruct(target), target, rtol=1e-12, atol=1e-12)


def test_the_tie_of_an_error_of_exactly_the_tolerance_ends_the_sequence() -> None:
    # 1000 is a token. 999 = 500 + 300 + 100 + 50 + 30 + 10 + 5 + 3 + 1, because 1 of 999 is too much, but 1 of 3001
    # and 2 of 2002 are not.
    for unit in (1.0, 0.1, 0.01, 0.001, 1e-4, 1e-5):
        codec = fit(np.array([999, 1000, 2000]) * unit, vocabulary="manual", unit=unit, tolerance=0.001)
        assert codec.lengths(np.array([1000, 2000, 999]) * unit).tolist() == [1, 2, 9]
        assert codec.lengths(np.array([4000, 3001, 2002]) * unit).tolist() == [4, 3, 2]
    # 2003 and 1001 units: what is left, 3 of 2003, is more than a thousandth, 1 of 1001 less.
    codec = fit([1001.0, 2003.0], vocabulary="manual", unit=1)
    assert codec.lengths(np.array([1001.0, 2003.0])).tolist() == [1, 3]
    # Tokens 14985 and 1: 15 of 15000 is left, although in floats that is more than a thousandth.
    grid = np.array([14985, 14985, 29970, 15000]) * 1e-5
    codec = fit(grid[:3], unit=1e-5, start_quantile=0.4, end_quantile=0.4)
    assert grid[3] / 1e-5 - 14985 > 0.001 * (grid[3] / 1e-5)
    assert codec.lengths(grid).tolist() == [1, 1, 2, 1]
    # Half a unit may be left too.
    assert fit([1.0, 2.0], vocabulary="dynamic_quantile", unit=1).lengths(np.array([1.5])).tolist() == [1]


def test_targets_up_to_half_a_unit_are_the_empty_sequence() -> None:
    codec = fit([0.0, 0.3, 1.0], unit=0.01)
    assert codec.encode(np.array([0.0, 0.004, 0.005]))["tokens"][:, 0].tolist() == [END, END, END]
    assert codec.encode(np.array([0.0051, 0.01]))["tokens"][:, 0].tolist() == [codec.first_tokens[1]] * 2


def test_nothing_but_zeros() -> None:
    codec = fit([0.0, 0.0])
    assert codec.facts() == {"value_tokens": 1, "unit": 1.0, "steps": 1, "mean_length": 0.0, "cut_share": 0.0}
    assert codec.encode(np.array([0.0, 7.0]))["tokens"].tolist() == [[END], [END]]
    assert codec.intervals.edges.tolist() == [0, 0, 1]
    assert codec.intervals.shares.tolist() == [1, 0]


def test_long_sequences_are_cut_and_counted() -> None:
    codec = fit([0.0, 7.0, 6.0, 15.0], vocabulary="binary", unit=1, tolerance=0, max_length=2)
    # 15 = 8 + 4 + 2 + 1 and 7 = 4 + 2 + 1 lose what comes after two tokens.
    assert codec.facts()["cut_share"] == 0.5
    assert codec.facts()["mean_length"] == 6 / 4
    assert codec.steps == 3
    assert codec.reconstruct(np.array([0.0, 7.0, 6.0, 15.0, 1e9])).tolist() == [0, 6, 6, 12, 16]
    assert codec.reconstruction_error(np.array([0.0, 7.0, 6.0, 15.0])) == 1.0


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([0.0, 3.0, 12.0], 1.0),
        ([0.0, 3.5], 0.1),
        ([19.99, 0.1 + 0.2, 7.0], 0.01),
        ([0.001 * 3, 1234.567, 9999999.999], 0.001),
        ([5440813664.73, 9351373513.63], 0.01),
        ([0.0003], 1e-4),
        ([0.00003], 1e-5),
        ([1 / 3, 2 / 7], 1e-5),
        ([3.0, 1.0000061], 1e-5),
        ([0.0], 1.0),
        ([1e15, 2e18], 1.0),
    ],
)
def test_the_unit_is_the_resolution_of_the_training_targets(values: list[float], unit: float) -> None:
    assert resolution(np.array(values)) == unit


def test_sums_of_cents_are_whole_cents() -> None:
    cents = np.random.default_rng(0).integers(1, 10_000, (50, 1000)) / 100
    assert resolution(np.cumsum(cents, axis=1)[:, -1]) == 0.01


def test_a_given_unit_counts() -> None:
    assert fit([1.0, 2.0]).facts()["unit"] == 1.0
    assert fit([1.0, 2.5]).facts()["unit"] == 0.1
    assert fit([1.0, 2.5], unit=1).facts()["unit"] == 1.0


@settings(max_examples=60)
@given(WHOLE, KINDS, st.sampled_from([1.0, 0.001]))
def test_the_first_token_tells_the_interval(train: list[int], kind: str, unit: float) -> None:
    target = np.array(train) * unit
    codec = fit(target, vocabulary=kind, unit=unit)
    intervals, first = codec.intervals, codec.first_tokens
    assert first[0] == END
    assert sorted(first[1:].tolist(), reverse=True) == first[1:].tolist()
    np.testing.assert_array_equal(codec.token_values[first[2:]], intervals.edges[2:-1])
    assert intervals.edges[:2].tolist() == [0, 0]
    assert intervals.edges[-1] == max(target.max(), codec.token_values.max())
    assert len(intervals.edges) == len(first) + 1
    assert np.all(np.diff(intervals.edges) >= 0)
    assert codec.encode(target)["tokens"].shape[1] == codec.steps
    beginning = codec.encode(target)["tokens"][:, 0]
    for number, token in enumerate(first):
        rows = beginning == token
        low, high = intervals.edges[number], intervals.edges[number + 1]
        assert intervals.shares[number] == pytest.approx(rows.mean())
        assert np.all((target[rows] >= low * (1 - 1e-12)) & (target[rows] <= high * (1 + 1e-12)))
        assert intervals.values[number] == pytest.approx(target[rows].mean() if rows.any() else (low + high) / 2)
    assert intervals.shares.sum() == pytest.approx(1)
    assert intervals.values @ intervals.shares == pytest.approx(target.mean())
    assert codec.standard_deviation == pytest.approx(target.std())


@settings(max_examples=60)
@given(TARGETS, KINDS)
def test_token_counts_are_those_of_the_labels(train: list[float], kind: str) -> None:
    codec = fit(train, vocabulary=kind)
    tokens = codec.encode(np.array(train))["tokens"]
    counts = codec.token_counts(np.array(train))
    assert counts.shape == codec.token_values.shape
    assert counts[END] == len(train)
    assert counts[:END].tolist() == [0, 0]
    assert counts.tolist()[END:] == [int((tokens == token).sum()) for token in range(END, len(counts))]


def test_the_fitted_codec_is_saved_and_loaded(tmp_path: Path) -> None:
    target = np.round(np.random.default_rng(1).lognormal(2, 1.5, 500), 3)
    codec = fit(target)
    save(codec, tmp_path / "codec.npz")
    again: Any = load(tmp_path / "codec.npz")
    assert again.facts() == codec.facts()
    np.testing.assert_array_equal(again.encode(target)["tokens"], codec.encode(target)["tokens"])
    np.testing.assert_array_equal(again.intervals.edges, codec.intervals.edges)


def test_no_rows_have_no_labels() -> None:
    codec = fit([1.0, 7.0])
    assert codec.encode(np.array([]))["tokens"].shape == (0, codec.steps)
    assert codec.token_counts(np.array([])).sum() == 0


def test_dynamic_quantiles_need_fewer_tokens_on_a_long_tail_and_use_them_more_evenly() -> None:
    target = np.round(np.random.default_rng(2).lognormal(2, 1.5, 20_000), 3)
    dynamic, *others = (fit(target, vocabulary=kind) for kind in ("dynamic_quantile", "manual", "binary"))
    for other in others:
        assert dynamic.facts()["mean_length"] < 0.8 * other.facts()["mean_length"]
        shares = [each.token_counts(target)[FIRST_VALUE:].max() / len(target) for each in (dynamic, other)]
        assert shares[0] < 0.5 * shares[1]


def test_where_most_targets_are_zero_the_end_quantile_has_to_be_higher() -> None:
    draws = np.random.default_rng(3)
    target = np.where(draws.random(20_000) < 0.05, np.round(draws.lognormal(4, 1, 20_000), 2), 0.0)
    default, higher = fit(target).facts(), fit(target, end_quantile=0.995).facts()
    assert default["value_tokens"] < 10
    assert default["cut_share"] > 0.01
    assert higher["value_tokens"] > 25
    assert higher["cut_share"] == 0
    assert higher["steps"] < 10


def test_a_unit_too_small_for_float64_is_refused() -> None:
    with pytest.raises(WatchtimeError, match=r"unit: 1e-05 is too small for the largest training target, 1e\+200;"):
        fit([1e200], unit=1e-5)


def test_more_tokens_than_labels_can_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"unit": 1, "start_quantile": 0.99999, "end_quantile": 0.99999, "smallest_error": 0}
    # A quantile near 1 takes the largest target alone in every round.
    count = len(fit(np.arange(300), **options).token_values) - FIRST_VALUE
    for largest, refused in ((FIRST_VALUE + count - 1, False), (FIRST_VALUE + count - 2, True)):
        monkeypatch.setattr(token_vocabulary, "LARGEST_TOKEN", largest)
        if refused:
            message = (
                rf"end_quantile: 0.99999 makes {count} tokens, allowed are at most {count - 1}; take a smaller one"
            )
            with pytest.raises(WatchtimeError, match=message):
                fit(np.arange(300), **options)
        else:
            fit(np.arange(300), **options)


@pytest.mark.parametrize("option", ["start_quantile", "end_quantile", "tolerance"])
def test_shares_are_below_one(option: str) -> None:
    with pytest.raises(WatchtimeError, match=f"^codec 'token_vocabulary': {option}: "):
        fit(HAND, **{option: 1})
