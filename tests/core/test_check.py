"""Names and values of a run configuration against what exists: each mistake in one sentence, all at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tiny_kuairand import FIRST_LOG, SECOND_LOG, USERS, write_folder
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.check import check
from watchtime.core.config import DatasetSource, RunConfig
from watchtime.core.errors import WatchtimeError
from watchtime.core.plan import Plan

CATALOG = Catalog.load(find_root())


def mistakes(**values: Any) -> list[str]:
    """Return what is said about these values, one entry per line."""
    usual = {"datasets": {"kuairand_pure": {}}, "tasks": ["watch_time"]}
    config = RunConfig.model_validate({**usual, **values})
    try:
        check(config, CATALOG, "run.yaml")
    except WatchtimeError as error:
        return str(error).split("\n")
    return []


def test_the_default_configuration_has_no_mistakes() -> None:
    assert mistakes() == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"datasets": {"kuairand": {}}},
            "run.yaml: datasets: unknown data set 'kuairand', did you mean 'kuairand_pure'? Allowed: ",
        ),
        (
            {"protocols": ["random_623"]},
            "run.yaml: protocols: unknown protocol 'random_623', did you mean 'random_622'? Allowed: ",
        ),
        ({"methods": ["d2g"]}, "run.yaml: methods: unknown method 'd2g', did you mean 'd2q'? Allowed: "),
        ({"methods": ["all"]}, "run.yaml: methods: unknown method 'all'. Allowed: "),
        ({"methods": ["main", "vr"]}, "run.yaml: methods: unknown method 'main'"),
        ({"methods": ["d2g/paper"]}, "run.yaml: methods: unknown method 'd2g', did you mean 'd2q'? Allowed: "),
        (
            {"methods": ["vr", "vr/papr"]},
            "run.yaml: methods: vr: unknown variant 'papr', did you mean 'paper'? Allowed: paper, released",
        ),
        ({"methods": ["vr/"]}, "run.yaml: methods: vr: unknown variant ''. Allowed: paper, released"),
        (
            {"artifacts": ["prowtp/tabel1"]},
            "run.yaml: artifacts: unknown artifact 'prowtp/tabel1', did you mean 'prowtp/table1'? Allowed: ",
        ),
        ({"settings": {"tmp": {}}}, "run.yaml: settings: unknown method 'tmp', did you mean 'tpm'? Allowed: "),
        (
            {"settings": {"vr": {"outputs": "linear"}}},
            "run.yaml: settings.vr: unknown setting 'outputs', did you mean 'output'? "
            "Allowed: codec, encoder, output, training.",
        ),
        (
            {"settings": {"vr": {"codec": {"scales": "max"}}}},
            "run.yaml: settings.vr.codec: unknown setting 'scales', did you mean 'scale'? Allowed: multiplier, scale.",
        ),
        (
            {"settings": {"vr": {"training": {"epoch": 3}}}},
            "run.yaml: settings.vr.training: unknown key 'epoch', did you mean 'epochs'? Allowed: ",
        ),
        (
            {"settings": {"vr": {"encoder": {"layers": [0]}}}},
            "run.yaml: settings.vr.encoder: layers.0: found 0, allowed: 1 or more.",
        ),
        (
            {"settings": {"vr": {"training": 3}}},
            "run.yaml: settings.vr.training: found 3, allowed: a mapping of keys to values.",
        ),
        (
            {"settings": {"vr": {"codec": "scaled"}}},
            "run.yaml: settings.vr.codec: found 'scaled', allowed: a mapping of keys to values.",
        ),
        (
            {"settings": {"training_constant": {"training": {"epochs": 3}}}},
            "run.yaml: settings.training_constant: unknown setting 'training'. Allowed: statistic.",
        ),
        (
            {"settings": {"oracle": {"codec": {}}}},
            "run.yaml: settings.oracle: unknown setting 'codec'. Allowed: nothing.",
        ),
    ],
)
def test_an_unknown_name_gets_the_nearest_spelling(values: dict[str, Any], said: str) -> None:
    (line,) = mistakes(**values)
    assert line.startswith(said)


@pytest.mark.parametrize(
    ("method", "values", "said"),
    [
        ("vr", {"output": 3}, "output: found 3, allowed: text such as 'linear'."),
        ("vr", {"codec": {"multiplier": "1e-3"}}, "codec.multiplier: found '1e-3', allowed: a number such as 1.0."),
        ("vr", {"codec": {"multiplier": float("inf")}}, "codec.multiplier: found inf, allowed: a number such as 1.0."),
        ("d2q", {"codec": {"groups": 30.5}}, "codec.groups: found 30.5, allowed: a whole number such as 30."),
        ("d2q", {"codec": {"groups": True}}, "codec.groups: found True, allowed: a whole number such as 30."),
        ("d2q", {"codec": {"groups": None}}, "codec.groups: found None, allowed: a whole number such as 30."),
    ],
)
def test_a_setting_of_another_kind_is_refused(method: str, values: dict[str, Any], said: str) -> None:
    assert mistakes(settings={method: values}) in (
        [f"run.yaml: settings.{method}: {said}"],
        [f"run.yaml: settings.{method}.{said}"],
    )


def test_settings_of_a_method_that_the_run_does_not_use_are_told() -> None:
    chosen = {"methods": ["vr"], "settings": {"vr": {}, "tpm": {"training": {"epochs": 3}}}}
    assert mistakes(**chosen, artifacts=[]) == ["run.yaml: settings.tpm: this run does not use tpm; add it to methods."]
    assert mistakes(**chosen, artifacts=["prowtp/table1"]) == [], "the table has a row of TPM"


@pytest.mark.parametrize(
    ("method", "name", "said"),
    [
        ("vr", "training.batch", None),
        ("vr", "output", None),
        ("vr", "training.bacth", "unknown setting 'bacth', did you mean 'batch'? Allowed: "),
        ("vr", "trainning.batch", "unknown group of settings 'trainning', did you mean 'training'? Allowed: "),
        ("vr", "ouput", "unknown setting 'ouput', did you mean 'output'? Allowed: output."),
        ("vr", "codec.scale", "'codec.scale' cannot be searched, because a codec is fitted before the training."),
        ("lightgbm", "rounds", None),
        ("lightgbm", "training.batch", "unknown group of settings 'training'. Allowed: nothing."),
    ],
)
def test_the_names_of_a_search_space_are_checked_where_the_run_searches(
    method: str, name: str, said: str | None
) -> None:
    card = CATALOG.methods[method].model_copy(update={"search": {name: [1]}})
    catalog = replace(CATALOG, methods={**CATALOG.methods, method: card})
    one = {"kuairand_pure": DatasetSource()}
    check(RunConfig(datasets=one), catalog, "run.yaml")
    check(RunConfig(datasets=one, search_trials=2, methods=["oracle"], artifacts=[]), catalog, "run.yaml")
    if said is None:
        check(RunConfig(datasets=one, search_trials=2), catalog, "run.yaml")
        return
    with pytest.raises(WatchtimeError) as caught:
        check(RunConfig(datasets=one, search_trials=2), catalog, "run.yaml")
    assert str(caught.value).startswith(f"config/methods/{method}.yaml: search: {said}")
    assert "\n" not in str(caught.value)


def test_settings_may_be_of_a_method_that_one_data_set_alone_uses() -> None:
    settings = {"d2q": {"codec": {"groups": 60}}}
    one = {"kuairand_pure": {"methods": ["d2q"]}}
    assert mistakes(methods=["vr"], artifacts=[], datasets=one, settings=settings) == []
    (line,) = mistakes(methods=["vr"], artifacts=[], settings=settings)
    assert line == "run.yaml: settings.d2q: this run does not use d2q; add it to methods."


def test_variants_are_listed_for_the_run_and_for_a_data_set() -> None:
    listed = ["vr", "tpm/released", "tpm/leaf_mean"]
    assert mistakes(methods=listed) == []
    assert mistakes(datasets={"kuairand_pure": {"methods": listed}}) == []
    (line,) = mistakes(datasets={"kuairand_pure": {"methods": ["tpm/relesed"]}})
    assert line.startswith("run.yaml: datasets.kuairand_pure.methods: tpm: unknown variant 'relesed', did you mean ")
    for word in ("main", "all"):
        assert mistakes(methods=word, datasets={"kuairand_pure": {"methods": word}}) == []


def test_a_whole_number_will_do_for_a_number() -> None:
    assert mistakes(settings={"vr": {"codec": {"multiplier": 2}, "training": {"learning_rate": 1}}}) == []


def test_several_mistakes_are_told_at_once() -> None:
    lines = mistakes(
        datasets={"kuairand_pure": {"folder": "nowhere"}},
        protocols=["random_811", "random"],
        methods=["vr", "xyz", "d2"],
        settings={"vr": {"ouput": "linear", "training": {"epochs": 0, "batches": 3}}},
    )
    assert [line.removeprefix("run.yaml: ").split(":")[0] for line in lines] == [
        "protocols",
        "methods",
        "methods",
        "datasets.kuairand_pure.folder",
        "settings.vr",
        "settings.vr.training",
        "settings.vr.training",
    ]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (line,) = mistakes(datasets={"kuairand_pure": {"folder": str(tmp_path / "raw")}})
    assert line.startswith(f"run.yaml: datasets.kuairand_pure.folder: the folder '{tmp_path}/raw' does not exist")


def test_a_folder_needs_every_table_and_one_log(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    assert mistakes(datasets={"kuairand_pure": {"folder": str(folder)}}) == []
    (folder / "data" / SECOND_LOG).unlink()
    (folder / "data" / USERS).unlink()
    place = "run.yaml: datasets.kuairand_pure.folder:"
    assert mistakes(datasets={"kuairand_pure": {"folder": str(folder)}}) == [
        f"{place} '{folder}/data/{USERS}' is missing.",
        f"{place} '{folder}' holds none of the logs data/{FIRST_LOG}, data/{SECOND_LOG}, "
        "data/log_random_4_22_to_5_08_pure.csv.",
    ]


def test_a_data_set_without_a_simulator_needs_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchtime.core.check.exists", lambda module: "simulator" not in module)
    assert mistakes() == [
        "run.yaml: datasets.kuairand_pure.folder: found nothing, and kuairand_pure has no simulated logs."
    ]


def test_a_target_that_the_data_set_does_not_have_is_named() -> None:
    card = CATALOG.datasets["kuairand_pure"].model_copy(update={"tasks": {"watch_time": "s"}})
    catalog = Catalog(CATALOG.root, {"kuairand_pure": card}, CATALOG.methods, CATALOG.protocols, CATALOG.sizes, {})
    one = {"kuairand_pure": DatasetSource()}
    for config, said in (
        (RunConfig(datasets=one, tasks=["watch_ratio"], artifacts=[]), "tasks: unknown target 'watch_ratio'"),
        (
            RunConfig(datasets={"kuairand_pure": DatasetSource(tasks=["watch_ratio"])}, artifacts=[]),
            "datasets.kuairand_pure.tasks: KuaiRand-Pure has no target 'watch_ratio', only watch_time.",
        ),
    ):
        with pytest.raises(WatchtimeError) as caught:
            check(config, catalog, "run.yaml")
        assert f"run.yaml: {said}" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"download": True, "folder": "x"}, None),
        ({"methods": ["d2g"]}, "methods: unknown method 'd2g', did you mean 'd2q'?"),
        ({"protocols": ["random_813"]}, "protocols: unknown protocol 'random_813', did you mean 'random_811'?"),
        (
            {"protocols": ["big_to_small"]},
            "protocols: 'big_to_small' needs the log 'big', which KuaiRand-Pure does not",
        ),
        ({"log": {"file": "nowhere.csv"}}, "log.file: the file 'nowhere.csv' does not exist."),
        ({"options": {"policy": "random"}}, "options: unknown option 'policy'. Allowed: nothing."),
        ({"tasks": ["ltv"]}, "tasks: KuaiRand-Pure has no target 'ltv', only watch_time, watch_ratio, label."),
    ],
)
def test_a_mistake_in_a_data_set_is_told(source: dict[str, Any], said: str | None) -> None:
    if said is None:
        with pytest.raises(ValueError, match="found folder and download, allowed: one of them"):
            mistakes(datasets={"kuairand_pure": source})
        return
    (line,) = mistakes(datasets={"kuairand_pure": source})
    assert line.startswith(f"run.yaml: datasets.kuairand_pure.{said}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"join": "views_onyl"}, "options.join: unknown choice 'views_onyl', did you mean 'views_only'?"),
        ({"join": 3}, "options.join: found 3, allowed: text such as 'sum_of_queries'."),
        ({"jion": "views_only"}, "options: unknown option 'jion', did you mean 'join'?"),
        ({"longest_list": "ten"}, "options.longest_list: found 'ten', allowed: a whole number such as 10."),
    ],
)
def test_a_mistake_in_an_option_is_told(options: dict[str, Any], said: str) -> None:
    (line,) = mistakes(datasets={"cikm16": {"options": options}})
    assert line.startswith(f"run.yaml: datasets.cikm16.{said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("datasets: {kuairand_pure: {}}\nmethods: []\nartifacts: []", "methods: nothing can run (the list is empty)."),
        (
            "methods: [oracle]\nartifacts: []\ndatasets: {kuairand_pure: {folder: raw}}",
            "methods: nothing can run (oracle/default on kuairand_pure, watch_time: "
            "needs the known distribution of a simulated log).",
        ),
    ],
)
def test_a_run_in_which_nothing_can_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    root = find_root()
    write_folder(tmp_path / "raw")
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text(text)
    with pytest.raises(WatchtimeError) as caught:
        Plan.load(Path("run.yaml"), root)
    assert str(caught.value) == f"run.yaml: {said}"
