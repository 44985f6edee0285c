"""What the YAML files declare, against the code that they describe."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, get_args

import pytest

from watchtime.core.catalog import Catalog, MethodCard, MethodOptions, find_root
from watchtime.core.config import RunConfig
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import resolve
from watchtime.core.sources import PACKAGE, exists

CATALOG = Catalog.load(find_root())
METHODS = sorted(CATALOG.methods)
VARIANTS = [(method, variant) for method in METHODS for variant in CATALOG.methods[method].variants]


def test_every_card_loads_under_the_name_of_its_file() -> None:
    for folder, cards in (("datasets", CATALOG.datasets), ("methods", CATALOG.methods), ("papers", CATALOG.papers)):
        assert list(cards) == sorted(path.stem for path in (CATALOG.root / "config" / folder).glob("*.yaml"))
        assert cards
    assert "random_622" in CATALOG.protocols
    assert set(CATALOG.sizes) == {"tiny", "small", "paper"}


def test_every_method_is_one_file_and_one_card() -> None:
    files = {path.stem for path in (PACKAGE / "methods").glob("*.py")} - {"__init__", "base", "network", "ranking"}
    assert files == set(METHODS)


@pytest.mark.parametrize("dataset", sorted(CATALOG.datasets))
def test_every_data_set_has_its_loader_and_knows_its_own_features(dataset: str) -> None:
    card = CATALOG.datasets[dataset]
    assert exists(f"datasets.{dataset}")
    assert all(set(names) <= set(card.features) for names in card.feature_sets.values())
    assert set(card.tasks) <= {"watch_time", "watch_ratio", "views_span", "ltv", "label"}
    assert set(card.truth) <= set(card.tasks)
    for option in card.options.values():
        assert not option.choices or option.default in option.choices
        for choice in option.choices.values():
            assert set(choice.without) <= set(card.features)
            assert set(choice.tasks or []) <= set(card.tasks)
    assert all(feature.source for feature in card.features.values() if feature.kind == "bucket")


@pytest.mark.parametrize("method", METHODS)
def test_a_cards_settings_are_those_of_the_class(method: str) -> None:
    from watchtime.methods.base import method_class

    assert_same_settings(method_class(method).Settings, CATALOG.methods[method].settings)


@pytest.mark.parametrize("method", [name for name in METHODS if CATALOG.methods[name].codec])
def test_a_cards_codec_settings_are_those_of_the_codec(method: str) -> None:
    from watchtime.labels.storage import find_codec

    codec = CATALOG.methods[method].codec
    assert codec is not None
    assert_same_settings(find_codec(codec.name).Settings, codec.settings)


def assert_same_settings(model: Any, settings: dict[str, Any]) -> None:
    """The same names, and values that the model takes as they are: 1 for 1.0 would be another hash for one setting."""
    assert set(settings) == set(model.model_fields)
    validated = model.model_validate(settings).model_dump(mode="json")
    assert {name: (type(value), value) for name, value in validated.items()} == {
        name: (type(value), value) for name, value in settings.items()
    }


@pytest.mark.parametrize("size", sorted(CATALOG.sizes))
@pytest.mark.parametrize("regime", ["shared", "as_published"])
@pytest.mark.parametrize(("method", "variant"), VARIANTS)
def test_every_variant_is_valid_in_every_size_and_regime(method: str, variant: str, size: str, regime: str) -> None:
    from watchtime.labels.storage import find_codec
    from watchtime.methods.base import method_class

    config = RunConfig.model_validate({"size": size, "regime": regime})
    spec = resolve(CATALOG, config, "kuairand_pure", "watch_time", "random_622", method, variant)
    method_class(method).Settings.model_validate(spec.settings)
    if spec.codec:
        find_codec(spec.codec.name).Settings.model_validate(spec.codec.settings)


@pytest.mark.parametrize("method", METHODS)
def test_a_card_changes_only_what_it_declares(method: str) -> None:
    """Where a variant has another codec, what lies over the variant may change that one too."""
    card = CATALOG.methods[method]
    codec = set(card.codec.settings) if card.codec else set()
    others = {name for options in card.variants.values() if options.codec_name for name in options.codec}
    for options in layers(card):
        assert set(options.settings) <= set(card.settings)
        assert options.codec_name or set(options.codec) <= codec | others
        for dataset, features in options.features.items():
            assert features in CATALOG.datasets[dataset].feature_sets


@pytest.mark.parametrize("method", METHODS)
def test_a_card_has_layers_for_what_exists(method: str) -> None:
    card = CATALOG.methods[method]
    assert set(card.sizes) <= set(CATALOG.sizes)
    assert set(card.datasets) <= set(CATALOG.datasets)
    assert set(card.regimes) <= set(get_args(RunConfig.model_fields["regime"].annotation))
    for variant in card.variants.values():
        assert set(variant.sizes) <= set(CATALOG.sizes)
        assert variant.codec_name is None or card.codec is not None


@pytest.mark.parametrize("method", METHODS)
def test_only_variants_say_what_only_variants_can_change(method: str) -> None:
    """In any other layer a note, targets, needs, readouts, a codec's name and sizes would be read by nobody."""
    card = CATALOG.methods[method]
    variants = set(map(id, card.variants.values()))
    for options in layers(card):
        if id(options) not in variants:
            changed = options.model_dump(exclude_defaults=True)
            assert set(changed) <= {"settings", "codec", "encoder", "training", "features"}


@pytest.mark.parametrize("method", METHODS)
def test_a_variants_own_codec_is_whole(method: str) -> None:
    from watchtime.labels.storage import find_codec

    for options in CATALOG.methods[method].variants.values():
        if options.codec_name:
            assert_same_settings(find_codec(options.codec_name).Settings, options.codec)


def layers(card: MethodCard) -> list[MethodOptions]:
    """Return all that a card may lay over its defaults."""
    groups = (card.variants, card.sizes, card.datasets, card.regimes, *(one.sizes for one in card.variants.values()))
    return [options for group in groups for options in group.values()]


@pytest.mark.parametrize("method", CATALOG.methods)
def test_a_card_says_what_a_method_does_on_watch_ratio_and_without_duration(method: str) -> None:
    card = CATALOG.methods[method]
    for line in (card.watch_ratio, card.without_duration):
        assert line
        assert line == line.strip(". ")
        assert "\n" not in line
    assert card.without_duration.startswith("cannot run") == ("duration" in card.needs)


@pytest.mark.parametrize("method", METHODS)
def test_a_search_names_settings_that_there_are(method: str) -> None:
    card = CATALOG.methods[method]
    size = CATALOG.sizes["tiny"]
    groups: dict[str, Any] = {
        "training": type(size.training).model_fields,
        "encoder": type(size.encoder).model_fields,
        "codec": card.codec.settings if card.codec else {},
    }
    for key, values in card.search.items():
        group, _, name = key.rpartition(".")
        assert name in (groups[group] if group else card.settings), key
        assert len(values) == len(set(map(str, values))) > 1, key


def test_what_is_needed_is_what_data_sets_provide() -> None:
    known = {"duration", "timestamp", "day", "clicks", "every_pair", "truth"}
    for card in CATALOG.methods.values():
        assert {*card.needs, *(need for variant in card.variants.values() for need in variant.needs)} <= known
    assert all(set(artifact.needs) <= known for artifact in CATALOG.artifacts().values())
    assert all(set(card.provides) <= known - {"truth"} for card in CATALOG.datasets.values())


def test_papers_name_protocols_methods_and_variants_that_there_are() -> None:
    for name, artifact in CATALOG.artifacts().items():
        protocols = artifact.protocol if isinstance(artifact.protocol, dict) else {"": artifact.protocol}
        assert {*protocols.values()} <= {None, *CATALOG.protocols}, name
        assert {*protocols} <= {"", *CATALOG.datasets}, name
        assert artifact.reference_row is None or artifact.reference_row in artifact.rows, name
        for row in artifact.rows.values():
            assert row.method is None or row.variant in CATALOG.methods[row.method].variants, (name, row.title)


@pytest.mark.parametrize("protocol", sorted(CATALOG.protocols))
def test_shares_of_a_protocol_leave_training_and_test_rows(protocol: str) -> None:
    training, validation, test = CATALOG.protocols[protocol].shares
    assert training > 0
    assert test > 0
    assert validation >= 0


def test_the_project_is_found_from_its_folder_and_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = PACKAGE.parents[1]
    monkeypatch.chdir(tmp_path)
    assert find_root() == beside
    (tmp_path / "config" / "methods").mkdir(parents=True)
    assert find_root() == tmp_path


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("methods/vr.yaml", "titel: VR", "config/methods/vr.yaml: the key 'title' is missing."),
        (
            "methods/vr.yaml",
            "titel: VR",
            "config/methods/vr.yaml: unknown key 'titel', did you mean 'title'? Allowed: "
            + ", ".join(sorted(MethodCard.model_fields))
            + ".",
        ),
        (
            "protocols.yaml",
            "random: 3",
            "config/protocols.yaml: random: found 3, allowed: a mapping of keys to values.",
        ),
        ("sizes.yaml", "- tiny", "a mapping of keys to values was expected, found a list."),
    ],
)
def test_a_mistake_in_a_card_is_told_with_its_file(tmp_path: Path, file: str, text: str, said: str) -> None:
    shutil.copytree(find_root() / "config", tmp_path / "config")
    (tmp_path / "config" / file).write_text(text)
    with pytest.raises(WatchtimeError) as caught:
        Catalog.load(tmp_path)
    assert any(line.endswith(said) for line in str(caught.value).split("\n"))
