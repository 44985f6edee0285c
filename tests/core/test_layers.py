"""How a job's settings come about: which layer wins, and what a variant with another codec takes of the layers."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from watchtime.core.catalog import Catalog, MethodCard, find_root
from watchtime.core.check import check
from watchtime.core.config import RunConfig, validate
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec, resolve

REAL = Catalog.load(find_root())
# From what every later layer overrides to what wins over all.
LAYERS = ("card", "size", "data set", "regime", "variant", "variant's size", "user")
OTHER = {"codec_name": "quantile_tree", "codec": {"leaves": 16, "ties": "keep"}}


def card(**changes: Any) -> dict[str, Any]:
    return {
        "title": "One",
        "summary": "s",
        "reference": "r",
        "family": "network",
        "tasks": ["watch_time"],
        "readouts": ["mean"],
        "settings": {"weight": 0, "form": "a"},
        "codec": {"name": "thresholds", "settings": {"count": 0, "ties": "merge"}},
        "variants": {"paper": {}},
        **changes,
    }


def catalog(**changes: Any) -> Catalog:
    return replace(REAL, methods={"one": MethodCard.model_validate(card(**changes))})


def job(changes: dict[str, Any], variant: str = "paper", **options: Any) -> JobSpec:
    config = RunConfig.model_validate({"size": "tiny", "regime": "as_published", "methods": ["one"], **options})
    return resolve(catalog(**changes), config, "kuairand_pure", "watch_time", "random_622", "one", variant)


def layered(group: str, name: str, values: dict[str, Any]) -> JobSpec:
    """Return the job of a card whose layers, named in ``values``, give the setting ``name`` of ``group`` a value."""
    options = {layer: {group: {name: value}} for layer, value in values.items()}
    changes: dict[str, Any] = {
        "sizes": {"tiny": options.get("size", {})},
        "datasets": {"kuairand_pure": options.get("data set", {})},
        "variants": {"paper": {**options.get("variant", {}), "sizes": {"tiny": options.get("variant's size", {})}}},
        "regimes": {"as_published": options.get("regime", {})},
    }
    if "user" not in values:
        return job(changes)
    own = {name: values["user"]} if group == "settings" else {group: {name: values["user"]}}
    return job(changes, settings={"one": own})


def value_of(spec: JobSpec, group: str, name: str) -> Any:
    if group == "codec":
        assert spec.codec is not None
        return spec.codec.settings[name]
    return spec.settings[name] if group == "settings" else getattr(getattr(spec, group), name)


@pytest.mark.parametrize(
    ("group", "name"), [("settings", "weight"), ("codec", "count"), ("encoder", "embedding"), ("training", "epochs")]
)
def test_of_any_two_layers_the_later_wins(group: str, name: str) -> None:
    numbers = {layer: 100 + place for place, layer in enumerate(LAYERS) if place}
    for layer, number in numbers.items():
        assert value_of(layered(group, name, {layer: number}), group, name) == number
    for earlier, later in combinations(numbers, 2):
        spec = layered(group, name, {earlier: numbers[earlier], later: numbers[later]})
        assert value_of(spec, group, name) == numbers[later], (earlier, later)
    assert value_of(layered(group, name, numbers), group, name) == numbers["user"]


def test_without_layers_the_card_and_the_size_of_the_run_stand() -> None:
    spec = job({})
    assert spec.settings == {"weight": 0, "form": "a"}
    assert spec.codec is not None
    assert (spec.codec.name, spec.codec.settings) == ("thresholds", {"count": 0, "ties": "merge"})
    assert (spec.encoder, spec.training) == (REAL.sizes["tiny"].encoder, REAL.sizes["tiny"].training)


def test_layers_of_other_sizes_data_sets_regimes_and_variants_are_not_laid() -> None:
    other = {"settings": {"weight": 9}}
    changes = {
        "sizes": {"small": other, "paper": other},
        "datasets": {"kuairec": other},
        "variants": {"paper": {"sizes": {"small": other}}, "twin": {**other, "sizes": {"tiny": other}}},
        "regimes": {"shared": other},
    }
    assert job(changes).settings["weight"] == 0
    assert job(changes, "twin").settings["weight"] == 9


def test_layers_change_only_what_they_name() -> None:
    changes = {"variants": {"paper": {"settings": {"form": "b"}, "training": {"batch": 7}, "codec": {"count": 3}}}}
    spec, size = job(changes), REAL.sizes["tiny"]
    assert spec.settings == {"weight": 0, "form": "b"}
    assert spec.training == size.training.model_copy(update={"batch": 7})
    assert spec.codec is not None
    assert spec.codec.settings == {"count": 3, "ties": "merge"}


def test_features_are_those_of_the_last_layer_that_names_some_for_the_data_set() -> None:
    changes = {
        "sizes": {"tiny": {"features": {"kuairand_pure": "prowtp", "kuairec": "gr"}}},
        "variants": {
            "paper": {"features": {"kuairec": "none"}},
            "twin": {"features": {"kuairand_pure": "all"}},
            "last": {"features": {"kuairand_pure": "own"}},
        },
        "regimes": {"as_published": {"features": {"kuairand_pure": "own"}}},
    }
    feature_sets = {"prowtp": ["user", "item"], "own": ["tab"]}
    data = REAL.datasets["kuairand_pure"].model_copy(update={"feature_sets": feature_sets})

    def features(variant: str, **options: Any) -> list[str] | None:
        cards = replace(catalog(**changes), datasets={"kuairand_pure": data, "kuairec": data})
        config = RunConfig.model_validate({"methods": ["one"], **options})
        return resolve(cards, config, "kuairand_pure", "watch_time", "random_622", "one", variant).features

    assert features("paper", size="small") is None
    assert features("paper", size="tiny") == ["user", "item"]
    assert features("last", size="tiny") == ["tab"]
    assert features("paper", size="tiny", regime="as_published") == ["tab"]
    said = r"^settings of one/twin: features of kuairand_pure: unknown feature set 'all'.* Allowed: own, prowtp\.$"
    with pytest.raises(WatchtimeError, match=said):
        features("twin")


@pytest.mark.parametrize("dataset", ["kuairand_pure", "kuairec", "wechat21", "cikm16"])
def test_a_variant_without_the_duration_reads_nothing_that_is_made_of_it(dataset: str) -> None:
    """The order is the data set's; sets that a regime names lose the same features."""
    variants = {"paper": {}, "blind": {"without": ["duration"]}}
    regimes = {"as_published": {"features": {"kuairand_pure": "prowtp"}}}
    cards = catalog(variants=variants, regimes=regimes)

    def features(variant: str, regime: str) -> list[str] | None:
        config = RunConfig.model_validate({"datasets": {dataset: {}}, "methods": ["one"], "regime": regime})
        return resolve(cards, config, dataset, "watch_time", "random_622", "one", variant).features

    assert features("paper", "shared") is None
    told = {name for name in REAL.datasets[dataset].features if name.startswith("duration")}
    assert len(told) == {"kuairec": 3, "cikm16": 0}.get(dataset, 2)
    assert features("blind", "shared") == [name for name in REAL.datasets[dataset].features if name not in told]
    if dataset == "kuairand_pure":
        chosen = [one for one in REAL.datasets[dataset].feature_sets["prowtp"] if one != "duration_level"]
        assert features("blind", "as_published") == chosen


def test_only_columns_that_features_are_made_of_can_be_left_out() -> None:
    with pytest.raises(WatchtimeError, match=r"variants\.paper\.without.*found 'durations'"):
        validate(MethodCard, card(variants={"paper": {"without": ["durations"]}}), "one.yaml")


# Another codec


def test_a_variants_codec_takes_the_place_of_the_methods_with_its_own_settings_alone() -> None:
    """What size and data set change of the method's codec is not about this one, even where a name is the same."""
    changes = {
        "sizes": {"tiny": {"codec": {"count": 5, "ties": "keep_size"}}},
        "datasets": {"kuairand_pure": {"codec": {"ties": "keep_data"}}},
        "variants": {"paper": {}, "other": OTHER},
    }
    found, own = job(changes, "other").codec, job(changes).codec
    assert found is not None
    assert own is not None
    assert (found.name, found.settings) == ("quantile_tree", {"leaves": 16, "ties": "keep"})
    assert (own.name, own.settings) == ("thresholds", {"count": 5, "ties": "keep_data"})


def test_later_layers_change_of_it_what_it_has() -> None:
    """``count`` is a setting of the method's own codec alone, ``leaves`` of the other one, ``ties`` of both."""
    sized = {**OTHER, "sizes": {"tiny": {"codec": {"leaves": 4}}}}
    changes = {"variants": {"paper": {}, "other": sized}, "regimes": {"as_published": {"codec": {"count": 30}}}}
    user = {"one": {"codec": {"ties": "split"}}}
    found, own = (job(changes, variant, settings=user).codec for variant in ("other", "paper"))
    assert found is not None
    assert own is not None
    assert (found.name, found.settings) == ("quantile_tree", {"leaves": 4, "ties": "split"})
    assert (own.name, own.settings) == ("thresholds", {"count": 30, "ties": "split"})
    plain = job(changes, "other").codec
    assert plain is not None
    assert plain.settings == {"leaves": 4, "ties": "keep"}


def test_variants_with_other_codecs_have_other_codec_files() -> None:
    changes = {"variants": {"paper": {}, "twin": {}, "other": OTHER}}
    keys = [job(changes, variant).codec_key for variant in ("paper", "twin", "other")]
    assert keys[0] == keys[1]
    assert str(keys[0]).startswith("thresholds-")
    assert str(keys[2]).startswith("quantile_tree-")


def test_a_user_who_names_what_the_methods_codec_has_not_is_told() -> None:
    changes = {"variants": {"paper": {}, "other": OTHER}}
    options = {"methods": ["one"], "artifacts": [], "settings": {"one": {"codec": {"leafs": 4}}}}
    config = RunConfig.model_validate({"datasets": {"kuairand_pure": {}}, **options})
    said = r"^run\.yaml: settings\.one\.codec: unknown setting 'leafs'.* Allowed: .*\.$"
    with pytest.raises(WatchtimeError, match=said):
        check(config, catalog(**changes), "run.yaml")


@pytest.mark.parametrize(("group", "name"), [("encoder", "layer"), ("training", "epoch")])
def test_a_layer_with_an_unknown_shared_setting_is_told(group: str, name: str) -> None:
    with pytest.raises(
        WatchtimeError, match=rf"^settings of one/paper: unknown key '{name}', did you mean '{name}s'\?"
    ):
        job({"variants": {"paper": {group: {name: 3}}}})
