"""A codec file is one deterministic .npz: the same codec gives the same bytes, damage gives one sentence."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.labels.base import Array, Codec
from watchtime.labels.storage import fit_codec, load, save

RNG = np.random.default_rng(5)
TARGET = np.where(RNG.random(300) < 0.1, 0.0, RNG.gamma(0.7, 20.0, 300))
DURATION = RNG.integers(5, 60, 300).astype(float)
CHOICES = [
    ("scaled", {"scale": "mean", "multiplier": 20}),
    ("duration_quantiles", {"groups": 4, "knots": 5}),
    ("quantile_tree", {"leaves": 8, "leaf_value": "mean", "last_edge": "exclude"}),
    ("thresholds", {"count": 8}),
    ("token_vocabulary", {"end_quantile": 0.5, "tolerance": 0.01}),
    ("residual_codebook", {"levels": 2, "size": 6, "clip": 80.0}),
    ("duration_mixtures", {"smallest_group": 30}),
    ("watch_percentage_ranks", {"smallest_group": 30, "knots": 5}),
    ("watch_time_gain", {"smallest_group": 30}),
    ("progress_buckets", {"count": 9}),
    ("quantile_intervals", {"count": 9}),
    ("watch_ratio_mixtures", {"buckets": 2, "components": 2, "knots": 11}),
]


@pytest.fixture(params=CHOICES, ids=[name for name, _ in CHOICES])
def codec(request: pytest.FixtureRequest) -> Codec:
    name, settings = request.param
    return fit_codec(name, settings, TARGET, DURATION)


def test_loading_gives_the_same_codec(codec: Any, tmp_path: Path) -> None:
    path = tmp_path / "codec.npz"
    save(codec, path)
    loaded = load(path)
    assert type(loaded) is type(codec)
    assert loaded.settings == codec.settings
    assert loaded.facts() == codec.facts()
    for name, array in codec.arrays().items():
        assert type(getattr(loaded, name)) is type(getattr(codec, name))
        assert loaded.arrays()[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded.arrays()[name], array)
    new = np.array([0.0, 4.5, 1e6])
    for key, label in codec.encode(new, DURATION[:3]).items():
        np.testing.assert_array_equal(loaded.encode(new, DURATION[:3])[key], label)


def test_the_same_codec_gives_the_same_bytes(codec: Any, tmp_path: Path) -> None:
    save(codec, tmp_path / "first.npz")
    save(load(tmp_path / "first.npz"), tmp_path / "second.npz")
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "first.npz") as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(("name", "settings"), CHOICES[1:])
def test_the_order_of_training_rows_does_not_matter(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    save(fit_codec(name, settings, TARGET, DURATION), tmp_path / "a.npz")
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(TARGET))
        save(fit_codec(name, settings, TARGET[order], DURATION[order]), tmp_path / "b.npz")
        assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_fitting_and_encoding_change_neither_rows_nor_codec(codec: Any, tmp_path: Path) -> None:
    before = TARGET.copy(), DURATION.copy()
    save(codec, tmp_path / "before.npz")
    labels = codec.encode(TARGET, DURATION)
    for label in labels.values():
        if not np.shares_memory(label, TARGET):
            label[:] = 0
    np.testing.assert_array_equal((TARGET, DURATION), before)
    save(codec, tmp_path / "after.npz")
    assert (tmp_path / "before.npz").read_bytes() == (tmp_path / "after.npz").read_bytes()


def test_a_cut_file_is_one_sentence(codec: Any, tmp_path: Path) -> None:
    path = tmp_path / "codec.npz"
    save(codec, path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 13):
        path.write_bytes(whole[:length])
        with pytest.raises(WatchtimeError, match=rf"^{path}: a damaged file or not a codec \(.*\)\.$"):
            load(path)


def test_a_flipped_bit_is_harmless_or_one_sentence(tmp_path: Path) -> None:
    codec = fit_codec("duration_quantiles", {"groups": 2, "knots": 3}, TARGET, DURATION)
    path = tmp_path / "codec.npz"
    save(codec, path)
    whole = path.read_bytes()
    sentences = []
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            loaded = load(path)
        except WatchtimeError as error:
            sentences.append(str(error))
        else:
            assert loaded.settings == codec.settings
            assert all(np.array_equal(loaded.arrays()[name], array) for name, array in codec.arrays().items())
    assert len(sentences) > len(whole) / 2
    assert all(sentence.startswith(f"{path}: ") and "\n" not in sentence for sentence in sentences)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WatchtimeError, match=r"none\.npz: the file does not exist\.$"):
        load(tmp_path / "none.npz")
    with pytest.raises(WatchtimeError, match="a damaged file or not a codec"):
        load(tmp_path)


class Trap:
    """Unpickling this would raise something else than a WatchtimeError."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('a pickle was run')",))


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "trap.npz"
    np.savez(path, codec=np.array("scaled"), settings=np.array("{}"), unit=np.array([Trap()], dtype=object))
    with pytest.raises(WatchtimeError, match="Object arrays cannot be loaded"):
        load(path)


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        ({"x": np.zeros(3)}, r"not a codec file \('codec'\)"),
        ({"codec": np.array("scaled"), "settings": np.array("{"), "unit": np.array(1.0)}, "not a codec file"),
        (
            {"codec": np.array("scaled"), "settings": np.array("[1]"), "unit": np.array(1.0)},
            r"settings of codec 'scaled': .*found \[1\], allowed: a mapping",
        ),
        ({"codec": np.array("sclaed"), "settings": np.array("{}")}, "unknown codec 'sclaed', did you mean 'scaled'"),
        ({"codec": np.array("../scaled"), "settings": np.array("{}")}, "unknown codec"),
        (
            {"codec": np.array("scaled"), "settings": np.array('{"scale": "min"}'), "unit": np.array(1.0)},
            "settings of codec 'scaled': scale: found 'min'",
        ),
        (
            {"codec": np.array("scaled"), "settings": np.array("{}"), "units": np.array(1.0)},
            r"codec 'scaled' has the arrays unit, found units\.",
        ),
        (
            {"codec": np.array("scaled"), "settings": np.array("{}")},
            r"codec 'scaled' has the arrays unit, found none\.",
        ),
    ],
)
def test_a_foreign_file_is_one_sentence(contents: dict[str, Array], sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "foreign.npz"
    np.savez(path, allow_pickle=False, **contents)
    with pytest.raises(WatchtimeError, match=sentence) as error:
        load(path)
    assert str(error.value).startswith(str(path))


def test_an_array_file_that_is_no_archive_is_one_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(WatchtimeError, match=r"it is not a whole \.npz"):
        load(tmp_path / "array.npy")
