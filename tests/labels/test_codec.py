"""What every codec does alike: it checks its rows and measures its own round trip."""

import numpy as np
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Floats, checked
from watchtime.labels.storage import find_codec, fit_codec

CODECS = ["scaled", "duration_quantiles", "quantile_tree", "thresholds", "token_vocabulary", "residual_codebook"]
CODECS += ["duration_mixtures", "watch_percentage_ranks", "watch_time_gain", "progress_buckets", "quantile_intervals"]
CODECS += ["watch_ratio_mixtures", "positive_values", "value_buckets"]
TARGET = np.array([0.0, 0.0, 3.0, 8.0, 21.0])
DURATION = np.array([5.0, 5.0, 9.0, 9.0, 30.0])


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize(("bad", "shown"), [(-1.0, "-1.0"), (np.nan, "nan"), (np.inf, "inf")])
def test_a_bad_target_is_named_with_its_row(name: str, bad: float, shown: str) -> None:
    target = TARGET.copy()
    target[3] = bad
    sentence = rf"^row 3 \(counted from 0\): the target is {shown}, allowed are finite numbers of at least 0\.$"
    with pytest.raises(WatchtimeError, match=sentence):
        fit_codec(name, {}, target, DURATION)
    codec = fit_codec(name, {}, TARGET, DURATION)
    for use in (codec.encode, codec.reconstruct, codec.reconstruction_error):
        with pytest.raises(WatchtimeError, match=sentence):
            use(target, DURATION)


@pytest.mark.parametrize("name", CODECS)
def test_no_training_rows_is_a_mistake_but_no_rows_to_encode_is_not(name: str) -> None:
    none = np.array([])
    with pytest.raises(WatchtimeError, match="at least one training row is needed"):
        fit_codec(name, {}, none, none)
    codec = fit_codec(name, {}, TARGET, DURATION)
    assert all(len(label) == 0 for label in codec.encode(none, none).values())
    assert codec.reconstruct(none, none).shape == (0,)
    assert np.isnan(codec.reconstruction_error(none, none))


@pytest.mark.parametrize("name", CODECS)
def test_labels_have_rows_first_and_do_not_depend_on_the_other_rows(name: str) -> None:
    codec = fit_codec(name, {}, TARGET, DURATION)
    labels = codec.encode(TARGET, DURATION)
    for row in range(len(TARGET)):
        alone = codec.encode(TARGET[row : row + 1], DURATION[row : row + 1])
        assert alone.keys() == labels.keys()
        for key, label in labels.items():
            np.testing.assert_array_equal(alone[key][0], label[row])


def test_reconstruction_error_is_the_mean_absolute_difference() -> None:
    codec = fit_codec("quantile_tree", {"leaves": 2}, np.array([0.0, 2.0, 4.0]))
    # Edges 0, 2, 4 and leaf values 1, 3: the targets 0, 2, 4, 9 come back as 1, 3, 3, 3.
    np.testing.assert_array_equal(codec.reconstruct(np.array([0.0, 2.0, 4.0, 9.0])), [1, 3, 3, 3])
    assert codec.reconstruction_error(np.array([0.0, 2.0, 4.0, 9.0])) == pytest.approx((1 + 1 + 1 + 6) / 4)


def test_rows_must_form_one_column() -> None:
    with pytest.raises(ValueError, match="one dimension"):
        checked(np.zeros((2, 2)), "target")
    with pytest.raises(ValueError, match="5 targets but 4 durations"):
        fit_codec("duration_quantiles", {}, TARGET, DURATION[:4])


@pytest.mark.parametrize("duration", [None, np.full(5, np.nan)])
def test_a_missing_duration_is_refused_only_where_it_is_needed(duration: Floats | None) -> None:
    with pytest.raises(WatchtimeError, match=r"'duration_quantiles' needs a duration for every row, and this data"):
        fit_codec("duration_quantiles", {}, TARGET, duration)
    for name in ("scaled", "quantile_tree"):
        assert len(fit_codec(name, {}, TARGET, duration).reconstruct(TARGET, duration)) == 5


def test_one_missing_duration_is_named_with_its_row() -> None:
    duration = DURATION.copy()
    duration[2] = np.nan
    with pytest.raises(WatchtimeError, match=r"^row 2 \(counted from 0\): the duration is nan"):
        fit_codec("duration_quantiles", {}, TARGET, duration)


def test_an_unknown_codec_gets_the_nearest_name() -> None:
    with pytest.raises(WatchtimeError, match=r"unknown codec 'quantil_tree', did you mean 'quantile_tree'\?") as error:
        find_codec("quantil_tree")
    allowed = str(error.value).split("Allowed: ")[1].removesuffix(".").split(", ")
    assert set(CODECS) <= set(allowed)
    assert not {"base", "storage"} & set(allowed)


@pytest.mark.parametrize("name", ["base", "storage", "__init__", "../storage", "os", ""])
def test_a_module_without_a_codec_is_an_unknown_codec(name: str) -> None:
    with pytest.raises(WatchtimeError, match="unknown codec"):
        find_codec(name)


def test_settings_are_validated_with_their_key() -> None:
    with pytest.raises(WatchtimeError, match=r"^codec 'scaled': unknown key 'scal', did you mean 'scale'\?"):
        fit_codec("scaled", {"scal": "max"}, TARGET)
    with pytest.raises(WatchtimeError, match=r"^codec 'quantile_tree': leaves: found 12, allowed: 2, 4, 8"):
        fit_codec("quantile_tree", {"leaves": 12}, TARGET)
