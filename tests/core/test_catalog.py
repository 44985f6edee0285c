"""What the YAML files declare, against the code that they describe."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from watchtime.core.catalog import Catalog, MethodCard, find_root
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
    files = {path.stem for path in (PACKAGE / "methods").glob("*.py")} - {"__init__", "base"}
    assert files == set(METHODS)


@pytest.mark.parametrize("dataset", sorted(CATALOG.datasets))
def test_every_data_set_has_its_loader_and_knows_its_own_features(dataset: str) -> None:
    card = CATALOG.datasets[dataset]
    assert exists(f"datasets.{dataset}")
    assert all(set(names) <= set(card.features) for names in card.feature_sets.values())
    assert set(card.tasks) <= {"watch_time", "watch_ratio", "views_span", "ltv"}
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
    card = CATALOG.methods[method]
    codec = card.codec.settings if card.codec else {}
    for options in [*card.variants.values(), *card.sizes.values(), *card.regimes.values()]:
        assert set(options.settings) <= set(card.settings)
        assert set(options.codec) <= set(codec)
        assert options.features is None or any(
            options.features in one.feature_sets for one in CATALOG.datasets.values()
        )


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
    known = {"duration", "timestamp", "day", "truth"}
    for card in CATALOG.methods.values():
        assert {*card.needs, *(need for variant in card.variants.values() for need in variant.needs)} <= known
    assert all(set(card.provides) <= known - {"truth"} for card in CATALOG.datasets.values())


def test_papers_name_protocols_methods_and_variants_that_there_are() -> None:
    for name, artifact in CATALOG.artifacts().items():
        assert artifact.protocol is None or artifact.protocol in CATALOG.protocols, name
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
