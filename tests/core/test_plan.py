"""The plan of a run: jobs, settings in layers, paths, reasons, on a small catalogue of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from tiny_kuairand import SECOND_LOG, USERS, VIDEOS, write_folder
from watchtime.core import run_data
from watchtime.core.catalog import (
    Catalog,
    Leak,
    MethodCard,
    MethodOptions,
    Paper,
    Protocol,
    PublishedRow,
    Size,
    find_root,
)
from watchtime.core.config import DEMO, RunConfig
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec
from watchtime.core.pages import page_inputs
from watchtime.core.plan import Plan

NETWORK = {"family": "network", "title": "t", "summary": "s", "reference": "r", "tasks": ["watch_time", "watch_ratio"]}
METHODS = {
    "constant": {
        **NETWORK,
        "family": "trivial",
        "deterministic": True,
        "readouts": ["median"],
        "settings": {"statistic": "median"},
        "variants": {"median": {}, "mean": {"readouts": ["mean"], "settings": {"statistic": "mean"}}},
    },
    "one": {
        **NETWORK,
        "readouts": ["mean"],
        "stackable": True,
        "settings": {"weight": 1.0, "form": "a"},
        "codec": {"name": "scaled", "settings": {"scale": "max", "multiplier": 1.0}},
        "variants": {
            "paper": {},
            "twin": {"settings": {"form": "b"}},
            "wide": {"codec": {"multiplier": 2.0}, "encoder": {"embedding": 99}, "features": {"kuairand_pure": "few"}},
        },
        "sizes": {"tiny": {"settings": {"weight": 2.0}, "training": {"epochs": 2, "patience": 1}}},
        "regimes": {"as_published": {"training": {"epochs": 30, "batch": 64}}},
        "search": {"training.learning_rate": [0.1, 0.2]},
    },
    "two": {
        **NETWORK,
        "tasks": ["watch_time"],
        "needs": ["duration"],
        "readouts": ["mean"],
        "codec": {"name": "scaled", "settings": {"multiplier": 1.0, "scale": "max"}},
        "variants": {"paper": {}, "ratio": {"tasks": ["watch_ratio"]}, "knows": {"needs": ["truth"]}},
    },
    "oracle": {
        **NETWORK,
        "family": "oracle",
        "needs": ["truth"],
        "readouts": ["mean"],
        "variants": {"default": {}},
    },
}
ARTIFACTS = {
    "table1": {
        "title": "Table 1",
        "question": "?",
        "template": "comparison",
        "protocol": "random_622",
        "rows": {"a": {"title": "One", "method": "one", "variant": "paper"}, "b": {"title": "Other"}},
    },
    "figure1": {"title": "Figure 1", "question": "?", "template": "distribution", "reads": ["interactions"]},
}
ENCODER = {"embedding": 8, "layers": [16]}


def catalog(**data: Any) -> Catalog:
    card = Catalog.load(find_root()).datasets["kuairand_pure"]
    card = card.model_copy(update={"feature_sets": {"few": ["user", "item"]}, **data})
    return Catalog(
        root=find_root(),
        datasets={"kuairand_pure": card, "second": card.model_copy(update={"title": "Second"})},
        methods={name: MethodCard.model_validate(values) for name, values in METHODS.items()},
        protocols={
            name: Protocol(title=name, order="random", shares=shares)
            for name, shares in {"random_622": (6, 2, 2), "random_811": (8, 1, 1)}.items()
        },
        sizes={
            name: Size.model_validate({"encoder": ENCODER, "training": {"epochs": epochs}})
            for name, epochs in {"tiny": 5, "small": 50, "paper": 500}.items()
        },
        papers={"paper": Paper.model_validate({"title": "P", "reference": "R", "artifacts": ARTIFACTS})},
    )


def plan(**values: Any) -> Plan:
    usual = {"name": "run", "datasets": {"kuairand_pure": {}}, "tasks": ["watch_time"], "methods": "all"}
    return Plan(RunConfig.model_validate({**usual, **values}), catalog())


def spec(method: str, variant: str = "paper", **values: Any) -> JobSpec:
    return plan(**values).jobs[
        f"kuairand_pure/watch_time/random_622/{values.get('regime', 'shared')}/{method}/{variant}"
    ]


def folder_of(tmp_path: Path) -> dict[str, Any]:
    return {"kuairand_pure": {"folder": str(write_folder(tmp_path))}}


# Jobs


def test_every_variant_that_can_run_is_a_job_of_each_table() -> None:
    jobs = plan(tasks=["watch_time", "watch_ratio"], protocols=["random_622", "random_811"]).jobs
    time = ["constant/median", "constant/mean", "one/paper", "one/twin", "one/wide", "two/paper", "two/knows"]
    ratio = ["constant/median", "constant/mean", "one/paper", "one/twin", "one/wide", "two/ratio"]
    assert list(jobs) == [
        f"kuairand_pure/{task}/{protocol}/shared/{job}"
        for task, runnable in (("watch_time", time), ("watch_ratio", ratio))
        for protocol in ("random_622", "random_811")
        for job in [*runnable, "oracle/default"]
    ]
    assert all(key == job.key for key, job in jobs.items())


def names(run: Plan) -> list[str]:
    return ["/".join(key.split("/")[-2:]) for key in run.jobs]


def test_main_methods_are_first_variants_and_all_of_those_that_stand_in_every_table() -> None:
    assert names(plan(methods="main")) == [
        "constant/median",
        "constant/mean",
        "one/paper",
        "two/paper",
        "oracle/default",
    ]


def test_the_word_main_is_no_list_that_a_name_could_stand_in() -> None:
    cards = replace(catalog(), methods={"ai": catalog().methods["one"]})
    assert cards.listed(RunConfig.model_validate({"methods": "main"}), "kuairand_pure") == [("ai", "paper")]


def test_methods_are_listed_whole_or_by_variant_and_artifacts_add_what_they_show() -> None:
    assert names(plan(methods=["two", "one/twin"], artifacts=[])) == ["one/twin", "two/paper", "two/knows"]
    assert names(plan(methods=["one/twin"])) == ["one/paper", "one/twin"], "table1 shows one/paper"
    own = plan(datasets={"kuairand_pure": {"methods": ["two/paper"]}})
    assert names(own) == ["one/paper", "two/paper"]


def test_a_data_sets_own_list_is_one_of_the_three_too() -> None:
    def own(methods: object) -> list[str]:
        return names(plan(datasets={"kuairand_pure": {"methods": methods}}, methods=["two/paper"], artifacts=[]))

    assert own(None) == ["two/paper"]
    assert own("main") == ["constant/median", "constant/mean", "one/paper", "two/paper", "oracle/default"]
    assert own("all") == names(plan(methods="all"))
    assert own(["one/wide"]) == ["one/wide"]


def test_a_row_that_cannot_run_is_no_job_but_has_its_reason() -> None:
    data = catalog(provides=[])
    shown = {"a": {"title": "Two", "method": "two", "variant": "paper"}}
    table = (
        data.papers["paper"]
        .artifacts["table1"]
        .model_copy(update={"rows": {key: PublishedRow.model_validate(row) for key, row in shown.items()}})
    )
    papers = {"paper": data.papers["paper"].model_copy(update={"artifacts": {"table1": table}})}
    config = {"name": "run", "datasets": {"kuairand_pure": {}}, "tasks": ["watch_time"], "methods": ["one/paper"]}
    run = Plan(RunConfig.model_validate(config), replace(data, papers=papers))
    assert names(run) == ["one/paper"]
    assert run.excluded() == {
        "two/paper on kuairand_pure, watch_time": "needs duration, which KuaiRand-Pure does not have"
    }
    assert run.methods == ["one", "two"]


def test_the_methods_of_a_run_are_those_of_its_tables() -> None:
    """An artifact that none of its data sets can be shown in adds nothing."""
    assert plan(methods=["two"]).methods == ["one", "two"]
    assert plan(methods=["two"], tasks=["watch_ratio"]).methods == ["two"]
    assert plan(methods=["two"], artifacts=[]).methods == ["two"]


def test_a_leaderboard_shows_first_variants_and_listed_ones() -> None:
    firsts = {("constant", "median"), ("one", "paper"), ("two", "paper"), ("oracle", "default")}
    assert plan(methods=["one/twin"]).shown_variants("kuairand_pure") == {*firsts, ("one", "twin")}
    assert plan(methods=[]).shown_variants("kuairand_pure") == firsts


def test_artifacts_add_nothing_to_tables_of_other_protocols_and_targets() -> None:
    run = plan(methods=["two"], protocols=["random_811", "random_622"], tasks=["watch_time", "watch_ratio"])
    assert [key for key in run.jobs if "/one/" in key] == ["kuairand_pure/watch_time/random_622/shared/one/paper"]


def test_on_given_files_nothing_knows_the_truth(tmp_path: Path) -> None:
    run = plan(datasets=folder_of(tmp_path))
    assert not any(key.endswith(("two/knows", "oracle/default")) for key in run.jobs)
    reason = "needs the known distribution of a simulated log"
    assert run.excluded() == {
        "two/ratio on kuairand_pure, watch_time": "predicts watch_ratio, not watch_time",
        "two/knows on kuairand_pure, watch_time": reason,
        "oracle/default on kuairand_pure, watch_time": reason,
    }


def test_a_need_that_the_data_do_not_meet_is_the_reason() -> None:
    without = catalog(provides=[])
    assert (
        without.reason_against("two", "kuairand_pure", "watch_time", truth=True)
        == "needs duration, which KuaiRand-Pure does not have"
    )
    both = without.reason_against("two", "kuairand_pure", "watch_time", truth=False, variant="knows")
    assert both == "needs duration and truth, which KuaiRand-Pure does not have"
    assert without.reason_against("two", "kuairand_pure", "watch_time", False, "ratio") == (
        "predicts watch_ratio, not watch_time"
    )
    assert without.reason_against("one", "kuairand_pure", "watch_time", truth=False) is None


def test_a_list_of_methods_gets_those_of_its_artifacts_too() -> None:
    def methods(**values: Any) -> list[str]:
        return list(dict.fromkeys(job.method for job in plan(**values).jobs.values()))

    assert methods(methods=["two"], artifacts=[]) == ["two"]
    assert methods(methods=["two"], artifacts=["paper/table1"]) == ["one", "two"]
    assert methods(methods=["two"], artifacts=["paper/figure1"]) == ["two"]
    assert methods(methods="all") == list(METHODS)
    own = {"kuairand_pure": {"methods": ["two"]}}
    assert methods(methods="all", datasets=own, artifacts=[]) == ["two"]
    assert methods(methods="all", datasets=own) == ["one", "two"], "a data set's own list leaves no published row out"


def test_an_empty_list_of_artifacts_is_none_of_them() -> None:
    assert plan(artifacts=[]).artifacts == {}
    assert list(plan().artifacts) == ["paper/table1", "paper/figure1"]


def test_methods_without_randomness_run_once() -> None:
    assert spec("constant", "median", repetitions=7).repetitions == 1
    assert spec("one", repetitions=7).repetitions == 7


def test_only_stackable_methods_are_stacked() -> None:
    assert spec("one", seeds_together="stacked").stacked
    assert not spec("two", seeds_together="stacked").stacked
    assert not spec("one").stacked


def test_several_processes_train_networks_alone() -> None:
    assert spec("one", processes=2).processes == 2
    assert spec("constant", "median", processes=2, device="cuda").processes == 1
    assert (spec("one", processes=2, device="cuda").gpus, spec("one", processes=2).gpus) == (2, 0)
    with pytest.raises(ValueError, match="found processes: 2 and seeds_together: stacked"):
        RunConfig(processes=2, seeds_together="stacked")


def test_what_several_processes_cannot_share_is_left_out_with_a_reason() -> None:
    """The settings of variants and of the run count; one process trains everything."""
    cards = dict(catalog().methods)
    cards["one"] = cards["one"].model_copy(update={"separable": {"form": ["a"]}})
    cards["two"] = cards["two"].model_copy(update={"separable": False})

    def run(**values: Any) -> Plan:
        return Plan(
            plan(methods=["one", "two/paper"], artifacts=[], **values).config, replace(catalog(), methods=cards)
        )

    assert names(run()) == ["one/paper", "one/twin", "one/wide", "two/paper"]
    assert names(run(processes=2)) == ["one/paper", "one/wide"]
    reason = "its training looks at rows together, which several processes cannot share: set processes to 1"
    left_out = {f"{name} on kuairand_pure, watch_time": reason for name in ("one/twin", "two/paper")}
    assert run(processes=2).excluded() == left_out
    assert names(run(processes=2, settings={"one": {"form": "b"}})) == []


def test_a_search_is_off_unless_asked_for_and_possible() -> None:
    assert (spec("one").search_trials, spec("one").search) == (0, {})
    assert (spec("one", search_trials=4).search_trials, spec("one", search_trials=4).search) == (
        4,
        {"training.learning_rate": [0.1, 0.2]},
    )
    assert spec("two", search_trials=4).search_trials == 0


# Settings


def test_settings_come_in_layers() -> None:
    """Method, then size, variant, regime and the run's own: the later wins."""
    assert spec("one", size="small").settings == {"weight": 1.0, "form": "a"}
    assert spec("one", size="tiny").settings == {"weight": 2.0, "form": "a"}
    assert spec("one", "twin", size="tiny").settings == {"weight": 2.0, "form": "b"}
    own = {"one": {"weight": 3.0, "form": "c"}}
    assert spec("one", "twin", size="tiny", settings=own).settings == {"weight": 3.0, "form": "c"}
    assert spec("constant", "mean").settings == {"statistic": "mean"}


def test_training_comes_in_layers_over_that_of_the_size() -> None:
    assert spec("two", size="small").training.epochs == 50
    assert (spec("one", size="tiny").training.epochs, spec("one", size="tiny").training.patience) == (2, 1)
    published = spec("one", size="tiny", regime="as_published").training
    assert (published.epochs, published.patience, published.batch) == (30, 1, 64)
    own = {"one": {"training": {"epochs": 4}}}
    assert spec("one", size="tiny", regime="as_published", settings=own).training.epochs == 4
    assert spec("two", settings=own) == spec("two")


def test_codec_and_encoder_settings_reach_the_job() -> None:
    wide = spec("one", "wide")
    assert wide.codec is not None
    assert wide.codec.settings == {"scale": "max", "multiplier": 2.0}
    assert (wide.encoder.embedding, wide.encoder.layers) == (99, (16,))
    own = spec("one", "wide", settings={"one": {"codec": {"multiplier": 3.0}, "encoder": {"layers": [4, 2]}}})
    assert own.codec is not None
    assert own.codec.settings == {"scale": "max", "multiplier": 3.0}
    assert (own.encoder.embedding, own.encoder.layers) == (99, (4, 2))


def test_a_feature_set_is_that_of_the_data_set() -> None:
    assert spec("one", "wide").features == ["user", "item"]
    assert spec("one").features is None


def test_readouts_are_the_variants_own_where_it_has_some() -> None:
    assert (spec("constant", "median").readouts, spec("constant", "mean").readouts) == (["median"], ["mean"])


def test_any_setting_changes_the_hash_of_its_job_only() -> None:
    before = {key: job.hash for key, job in plan().jobs.items()}
    changed = {key: job.hash for key, job in plan(settings={"one": {"weight": 5.0}}).jobs.items()}
    assert {key for key in before if before[key] != changed[key]} == {key for key in before if "/one/" in key}
    assert len(set(before.values())) == len(before)
    assert not set(before.values()) & {job.hash for job in plan(seed=1).jobs.values()}


# Files


def test_equal_codecs_share_one_file_and_others_do_not() -> None:
    run = plan()
    files = {key.rsplit("/shared/")[1]: run.codec_file(job) for key, job in run.jobs.items()}
    assert files["one/paper"] == files["one/twin"] == files["two/paper"]
    assert files["one/wide"] != files["one/paper"]
    assert files["constant/median"] is None
    place = run.codec_file(spec("one"))
    assert place is not None
    assert place.parent == Path("results/run/codecs/kuairand_pure/watch_time/random_622")
    assert place.name.startswith("scaled-")


def test_codecs_of_other_rows_or_targets_have_other_files() -> None:
    run = plan(tasks=["watch_time", "watch_ratio"], protocols=["random_622", "random_811"])
    files = {run.codec_file(job) for job in run.jobs.values() if job.method == "one" and job.variant == "paper"}
    assert len(files) == 4


def test_files_lie_below_the_run() -> None:
    run = plan()
    assert run.job_folder(spec("one")) == Path("results/run/jobs/kuairand_pure/watch_time/random_622/shared/one/paper")
    assert run.encoded_folder("kuairand_pure", "random_622") == Path(
        "results/run/data/kuairand_pure/random_622/encoded"
    )


def test_the_simulators_settings_and_version_identify_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def folder(**simulator: int) -> Path:
        return plan(datasets={"kuairand_pure": {"simulator": simulator}}).raw_folder("kuairand_pure")

    assert folder() == folder(rows=20_000)
    assert len({folder(), folder(seed=2), folder(rows=21_000), folder(users=100)}) == 4
    before = folder()
    monkeypatch.setattr(run_data, "SIMULATOR_VERSION", 10**6)
    assert folder() != before
    assert before.parent == Path("data/simulated")


def test_given_files_are_those_that_are_there(tmp_path: Path) -> None:
    run = plan(datasets=folder_of(tmp_path))
    files = [tmp_path / "data" / name for name in (SECOND_LOG, USERS, VIDEOS)]
    assert run.raw_files("kuairand_pure") == files
    assert run.raw_identity("kuairand_pure") == {str(path): path.stat().st_size for path in files}
    assert run.truth("kuairand_pure") is None
    assert plan().truth("kuairand_pure") == plan().raw_folder("kuairand_pure") / "truth.npz"


def test_the_split_is_one_per_data_set_and_protocol() -> None:
    run = plan(datasets={"kuairand_pure": {}, "second": {}})
    pairs = [(data, protocol) for data in ("kuairand_pure", "second") for protocol in ("random_622", "random_811")]
    assert len({run.split_seed(*pair) for pair in pairs}) == 4
    assert plan(repetitions=9, methods=["one"]).split_seed(*pairs[0]) == run.split_seed(*pairs[0])
    assert plan(seed=1).split_seed(*pairs[0]) != run.split_seed(*pairs[0])


# Artifacts


def test_an_artifact_shows_its_rows_the_trivial_ones_and_the_oracle() -> None:
    table = "kuairand_pure/watch_time/random_622/shared"
    assert plan().artifact_keys("paper/table1") == [
        f"{table}/{job}" for job in ("constant/median", "constant/mean", "one/paper", "oracle/default")
    ]
    assert plan().artifact_keys("paper/figure1") == []


def test_an_artifact_stands_under_its_own_protocol_where_the_run_has_it() -> None:
    table = catalog().artifacts()["paper/table1"]
    assert plan(protocols=["random_811", "random_622"]).artifact_protocol(table, "kuairand_pure") == "random_622"
    assert plan(protocols=["random_811"]).artifact_protocol(table, "kuairand_pure") == "random_811"


def with_table(**changes: Any) -> Catalog:
    """Return the catalogue in which table 1 is another one."""
    own = catalog()
    table = own.papers["paper"].artifacts["table1"].model_copy(update=changes)
    return replace(own, papers={"paper": own.papers["paper"].model_copy(update={"artifacts": {"table1": table}})})


def test_an_artifact_may_have_another_protocol_on_each_data_set() -> None:
    own = with_table(protocol={"kuairand_pure": "random_811", "second": "random_622"})
    table = own.artifacts()["paper/table1"]
    assert (table.protocol_on("kuairand_pure"), table.protocol_on("second")) == ("random_811", "random_622")
    assert table.protocol_on("third") is None
    assert catalog().artifacts()["paper/table1"].protocol_on("second") == "random_622"
    config = {"name": "run", "datasets": {"kuairand_pure": {}, "second": {}}, "tasks": ["watch_time"], "methods": []}
    run = Plan(RunConfig.model_validate({**config, "protocols": ["random_622", "random_811"]}), own)
    assert list(run.jobs) == [
        "kuairand_pure/watch_time/random_811/shared/one/paper",
        "second/watch_time/random_622/shared/one/paper",
    ]
    assert run.artifact_keys("paper/table1") == list(run.jobs)
    run = Plan(RunConfig.model_validate({**config, "protocols": ["random_622"]}), own)
    assert run.artifact_datasets("paper/table1") == ["second"], "the other one has not its protocol"


def test_an_artifact_of_every_protocol_shows_its_rows_under_each_and_needs_two() -> None:
    own = with_table(every_protocol=True)
    config = {"name": "run", "datasets": {"kuairand_pure": {}, "second": {"protocols": ["random_811"]}}}
    config |= {"tasks": ["watch_time"], "methods": [], "protocols": ["random_811", "random_622"]}
    run = Plan(RunConfig.model_validate(config), own)
    assert run.artifact_datasets("paper/table1") == ["kuairand_pure"], "the other one has a single protocol"
    protocols = ["random_622", "random_811"]
    assert run.artifact_protocols(own.artifacts()["paper/table1"], "kuairand_pure") == protocols
    keys = [f"kuairand_pure/watch_time/{protocol}/shared/one/paper" for protocol in protocols]
    assert run.artifact_keys("paper/table1") == keys
    assert sorted(run.jobs) == keys
    for protocol in protocols:
        assert run.data_folder("kuairand_pure") / protocol / "counts.json" in page_inputs(run, "paper/table1")
    with pytest.raises(KeyError):
        Plan(RunConfig.model_validate({**config, "protocols": ["random_622"]}), own).artifact_keys("paper/table1")


def test_a_codec_over_all_rows_has_a_file_of_its_own_and_other_leaks_share_the_honest_one() -> None:
    own = catalog()
    leaks = {one: MethodOptions(leak=one) for one in get_args(Leak)}
    card = own.methods["one"].model_copy(update={"variants": {"paper": MethodOptions(), **leaks}})
    run = Plan(plan(methods=[f"one/{one}" for one in leaks]).config, replace(own, methods={**own.methods, "one": card}))
    jobs = {job.variant: job for job in run.jobs.values() if job.method == "one"}
    files = {variant: run.codec_file(job) for variant, job in jobs.items()}
    assert files["paper"] == files["selection_on_test"] != files["statistics_over_all_rows"]
    assert len({job.hash for job in jobs.values()}) == 3
    assert [(job.fits_codec_on_all_rows, job.chooses_epoch_on_test) for job in jobs.values()] == [
        (False, False),
        (False, True),
        (True, False),
    ]
    assert ("one", "selection_on_test") not in run.shown_variants("kuairand_pure")


def test_artifacts_add_nothing_to_data_sets_that_they_are_not_about() -> None:
    config = {"name": "run", "datasets": {"kuairand_pure": {}, "second": {}}, "tasks": ["watch_time"], "methods": []}
    run = Plan(RunConfig.model_validate(config), with_table(datasets=["second"]))
    assert list(run.jobs) == ["second/watch_time/random_622/shared/one/paper"]


def test_a_data_set_for_which_an_artifact_names_no_protocol_has_its_first_one() -> None:
    own = with_table(protocol={"second": "random_811"})
    config = {"name": "run", "datasets": {"kuairand_pure": {}}, "tasks": ["watch_time"], "methods": []}
    run = Plan(RunConfig.model_validate({**config, "protocols": ["random_622", "random_811"]}), own)
    assert list(run.jobs) == ["kuairand_pure/watch_time/random_622/shared/one/paper"]


def test_an_artifact_depends_on_what_it_reads() -> None:
    run = plan()
    table, figure = page_inputs(run, "paper/table1"), page_inputs(run, "paper/figure1")
    assert table[0] == run.catalog.root / "reports" / "comparison.py"
    assert run.job_folder(spec("one")) / "metrics.json" in table
    assert run.job_folder(spec("two")) / "metrics.json" not in table
    assert run.data_folder("kuairand_pure") / "interactions.parquet" in figure
    assert not any("jobs" in path.parts for path in figure)


# From a file and from Snakemake


def test_the_workflow_lays_the_command_line_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("name: one\nmethods: [vr]\nartifacts: []\nrepetitions: 3\ndatasets: {kuairand_pure: {}}\n")
    values = {"name": "one", "methods": ["vr"], "artifacts": [], "repetitions": 2}
    run = Plan.from_workflow(values, [str(path)], find_root())
    assert (run.config.name, run.config.repetitions) == ("one", 2)
    assert Plan.from_workflow({}, [], find_root()).config == DEMO
    raw = write_folder(tmp_path)
    assert Plan.from_workflow({"source": str(raw)}, [str(path)], find_root()).config.datasets[
        "kuairand_pure"
    ].folder == str(raw)


def test_the_workflow_checks_every_file(tmp_path: Path) -> None:
    """Snakemake's own reader lets a key stand twice."""
    (tmp_path / "one.yaml").write_text("name: one\nname: two\n")
    (tmp_path / "two.yaml").write_text("methods: [vr]\n")
    with pytest.raises(WatchtimeError, match=r"one\.yaml: .* 'name' twice"):
        Plan.from_workflow({}, [str(tmp_path / "one.yaml"), str(tmp_path / "two.yaml")], find_root())


def test_the_written_configuration_gives_the_same_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = find_root()
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text("methods: [vr]\nsettings: {vr: {training: {learning_rate: 1e-3}}}\n")
    run = Plan.load(Path("run.yaml"), root)
    run.write_config()
    assert Plan.load(run.folder / "config.yaml", root).jobs == run.jobs


def test_a_card_is_read_only() -> None:
    with pytest.raises(ValueError, match="frozen"):
        DatasetCard.model_validate(catalog().datasets["second"].model_dump()).title = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("metrics.parquet", True),
        ("jobs/kuairand_pure/watch_time/random_622/shared/vr/paper/metrics.json", True),
        ("jobs/kuairand_pure/watch_time/random_622/shared/gone/paper/metrics.json", False),
        ("jobs/kuairand_pure/watch_time/random_82/shared/vr/paper/metrics.json", False),
        ("codecs/kuairand_pure/watch_time/random_622/scaled-000000000000.npz", False),
        ("reports/prowtp/table1.pdf", True),
        ("notebooks/prowtp/table99.ipynb", False),
        ("reports/summary.pdf", True),
        ("reports/summary.html", True),
        ("reports/resources.html", False),
        ("data/kuairand_pure/counts.json", True),
        ("data/kuairand_pure/random_622/encoded/log.json", True),
        ("data/kuairand_pure/random_82/part.npy", False),
    ],
)
def test_files_of_an_earlier_configuration_do_not_belong(name: str, part: bool) -> None:
    plan = Plan.from_workflow({}, [], find_root())
    assert plan.belongs(Path(name)) == part


def test_every_codec_of_the_plan_belongs_with_its_facts() -> None:
    plan = Plan.from_workflow({}, [], find_root())
    for file in filter(None, map(plan.codec_file, plan.jobs.values())):
        assert plan.belongs(file.relative_to(plan.folder))
        assert plan.belongs(file.with_suffix(".json").relative_to(plan.folder))


def test_an_artifact_is_in_a_run_that_has_a_data_set_for_it() -> None:
    second: dict[str, Any] = {"second": {}}
    assert list(plan(datasets=second).artifacts) == ["paper/table1", "paper/figure1"]
    assert list(plan(datasets=second, tasks=["watch_ratio"], methods=["one"]).artifacts) == []
    own = catalog(provides=["timestamp"])
    needy = own.papers["paper"].artifacts["figure1"].model_copy(update={"needs": ["duration"]})
    counted = needy.model_copy(update={"needs": [], "task": "stats", "datasets": ["second"]})
    artifacts = {"figure1": needy, "table6": counted}
    papers = {"paper": own.papers["paper"].model_copy(update={"artifacts": artifacts})}
    for name, found in (("kuairand_pure", []), ("second", ["paper/table6"])):
        config = RunConfig.model_validate({"name": "run", "datasets": {name: {}}, "methods": ["one"]})
        assert list(Plan(config, replace(own, papers=papers)).artifacts) == found


def test_an_artifact_that_no_data_set_of_the_run_fits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("datasets: {criteo_ssc: {}}\nmethods: [vr]\nartifacts: [prowtp/table1]\nprotocols: [random_712]\n")
    with pytest.raises(WatchtimeError, match="none of the run's data sets can be shown in prowtp/table1"):
        Plan.load(path, find_root())
