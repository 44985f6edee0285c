"""The verdicts: every rule by hand-made numbers, then every published cell of a run that nobody trained."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from handmade_run import own_log, write_run
from watchtime.core.catalog import find_root
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.reporting.published.cells import read_published, row_counts
from watchtime.reporting.published.rules import (
    WORDS,
    Estimate,
    Ordering,
    Verdict,
    count_obstacles,
    data_obstacles,
    judge,
    judge_count,
    judge_setting,
    run_obstacles,
)
from watchtime.reporting.published.verdicts import all_verdicts, count_verdicts, verdicts

PUBLISHED = sorted((find_root() / "config" / "published").glob("*.csv"))
HEADER = "artifact,dataset,task,method,variant,metric,direction,value,spread,unit,note"
AS_PUBLISHED = Ordering(-1.0, -2.0, 0.01)
OPPOSITE = Ordering(-1.0, 2.0, 0.01)
OPEN = Ordering(-1.0, -2.0, 0.06)
EQUAL = Ordering(0.0, 2.0, 0.01)
REFERENCE = "the reference row of its table"
CIKM16 = {"cikm16": {"protocols": ["random_82"]}}
UNKNOWN = "no published number of rows says whether the log is complete"
SPLIT = "protocol days_8_2 instead of random_622"


def around(mean: float, half: float) -> Estimate:
    return Estimate(mean, mean - half, mean + half, 5)


@pytest.mark.parametrize(
    ("published", "ours", "ordering", "obstacles", "word"),
    [
        # Rule 4: the value, at a tolerance of 2 % of 50, which is 1.
        (50.0, around(50.9, 0.3), REFERENCE, [], "reproduced"),
        (50.0, around(51.0, 1.0), REFERENCE, [], "reproduced"),
        (50.0, around(49.0, 0.0), REFERENCE, [], "reproduced"),
        (50.0, around(50.9, 0.3), OPPOSITE, [], "reproduced"),
        (-50.0, around(-50.9, 0.3), REFERENCE, [], "reproduced"),
        (50.0, around(50.9, 1.1), REFERENCE, [], "not comparable"),
        (50.0, Estimate(50.9, None, None, 1), REFERENCE, [], "not comparable"),
        (50.0, around(50.9, 0.3), REFERENCE, ["simulated data"], "not comparable"),
        # Rules 5 and 6: the order, with and without obstacles, significant or not.
        (50.0, around(60.0, 0.3), AS_PUBLISHED, [], "ordering holds"),
        (50.0, around(60.0, 0.3), AS_PUBLISHED, ["simulated data"], "ordering holds"),
        (50.0, around(50.0, 0.3), AS_PUBLISHED, ["size tiny"], "ordering holds"),
        (50.0, around(50.0, 0.3), OPPOSITE, ["size tiny"], "differs"),
        (50.0, around(60.0, 30.0), OPPOSITE, [], "differs"),
        (50.0, around(60.0, 0.3), Ordering(1.0, 2.0, 0.05), ["size tiny"], "ordering holds"),
        (50.0, around(60.0, 0.3), Ordering(1.0, 2.0, 0.0501), ["size tiny"], "not comparable"),
        (50.0, around(60.0, 0.3), Ordering(1.0, -2.0, 0.05), ["size tiny"], "differs"),
        (50.0, around(60.0, 0.3), OPEN, ["size tiny"], "not comparable"),
        (50.0, around(60.0, 0.3), Ordering(0.0, -2.0, 0.01), ["size tiny"], "not comparable"),
        (50.0, around(60.0, 0.3), Ordering(-1.0, -2.0, None), ["size tiny"], "not comparable"),
        # Rule 7: the published value lies outside the interval widened by 1.
        (50.0, around(51.4, 0.3), OPEN, [], "differs"),
        (50.0, around(48.6, 0.3), REFERENCE, [], "differs"),
        (50.0, around(51.2, 0.3), OPEN, [], "not comparable"),
        (50.0, around(48.8, 0.3), REFERENCE, [], "not comparable"),
        (50.0, around(51.4, 0.3), OPEN, ["size tiny"], "not comparable"),
        (50.0, Estimate(90.0, None, None, 1), REFERENCE, [], "not comparable"),
    ],
)
def test_a_measured_cell_gets_the_first_rule_that_applies(
    published: float, ours: Estimate, ordering: Ordering | str, obstacles: list[str], word: str
) -> None:
    assert judge(published, ours, ordering, obstacles, 0.02).word == word


@pytest.mark.parametrize(
    ("ours", "ordering", "obstacles", "reason"),
    [
        (around(50, 0.3), REFERENCE, [], "within 2\u00a0%"),
        (around(60, 0.3), AS_PUBLISHED, [], "the published order; the value is more than 2\u00a0% off"),
        (around(60, 0.3), OPPOSITE, ["a", "b"], "the opposite order; values not compared: a, b"),
        (around(51, 9.9), OPEN, [], "no significant difference to the reference row; our interval is too wide to tell"),
        (around(60, 9.9), REFERENCE, ["a"], f"{REFERENCE}; values not compared: a"),
        (
            Estimate(60, None, None, 1),
            Ordering(-1.0, -2.0, None),
            [],
            "the repetitions say nothing about the order; one repetition gives no interval",
        ),
        (
            around(60, 1),
            Ordering(0.0, 2.0, 0.01),
            ["a"],
            "published as equal to the reference row; values not compared: a",
        ),
    ],
)
def test_the_reason_says_what_was_found(
    ours: Estimate, ordering: Ordering | str, obstacles: list[str], reason: str
) -> None:
    assert judge(50.0, ours, ordering, obstacles, 0.02).reason == reason


@given(
    published=st.floats(-100, 100),
    mean=st.floats(-100, 100),
    half=st.floats(0, 10),
    ordering=st.builds(Ordering, st.floats(-1, 1), st.floats(-1, 1), st.none() | st.floats(0, 1)) | st.just(REFERENCE),
    size=st.sampled_from(["tiny", "paper"]),
    rows=st.integers(1, 10**6),
    tolerance=st.floats(0.001, 0.9),
)
def test_simulated_data_are_never_reproduced(
    published: float, mean: float, half: float, ordering: Ordering | str, size: str, rows: int, tolerance: float
) -> None:
    of_run = run_obstacles(size, "as_published", "random_622", "random_622", stated=True)
    obstacles = data_obstacles(True, [rows], rows) + of_run
    assert judge(published, around(mean, half), ordering, obstacles, tolerance).word != "reproduced"
    assert judge_count(published, mean, "as read", obstacles, tolerance).word == "not comparable"


SAMPLE = "a sample of the data set"
MORE = "more than the published data set"


@pytest.mark.parametrize(
    ("simulated", "rows", "published", "of_values", "of_counts"),
    [
        (False, [1000], 1000.0, [], []),
        (False, [750], 1000.0, [], []),
        (False, [1250], 1000.0, [], []),
        (False, [749], 1000.0, [f"{SAMPLE} (749 of 1,000 rows)"], [f"{SAMPLE} (749 of 1,000 rows)"]),
        (False, [1251], 1000.0, [f"{MORE} (1,251 of 1,000 rows)"], []),
        # The closest reading counts, and whether it is a sample is seen from the log as read, which stands first.
        (False, [100, 900, 5000], 1000.0, [], []),
        (False, [5000, 900], 1000.0, [], []),
        (False, [100, 1500, 200], 1000.0, [f"{SAMPLE} (1,500 of 1,000 rows)"], [f"{SAMPLE} (1,500 of 1,000 rows)"]),
        (False, [5000, 600], 1000.0, [f"{MORE} (600 of 1,000 rows)"], []),
        (False, [1000], None, [UNKNOWN], [UNKNOWN]),
        (True, [1000], 1000.0, ["simulated data"], ["simulated data"]),
        (True, [2000], 1000.0, ["simulated data"], ["simulated data"]),
    ],
)
def test_what_stands_in_the_way_on_the_side_of_the_data(
    simulated: bool, rows: list[float], published: float | None, of_values: list[str], of_counts: list[str]
) -> None:
    assert data_obstacles(simulated, rows, published) == of_values
    assert count_obstacles(simulated, rows, published) == of_counts


@pytest.mark.parametrize(
    ("size", "regime", "protocol", "published", "expected"),
    [
        ("paper", "as_published", "random_622", "random_622", []),
        ("paper", "as_published", "random_622", None, []),
        ("paper", "shared", "random_622", "random_622", ["regime shared"]),
        ("small", "as_published", "random_622", "random_622", ["size small"]),
        ("tiny", "shared", "days_8_2", "random_622", ["size tiny", "regime shared", SPLIT]),
    ],
)
def test_what_stands_in_the_way_on_the_side_of_the_run(
    size: str, regime: str, protocol: str, published: str | None, expected: list[str]
) -> None:
    assert run_obstacles(size, regime, protocol, published, stated=True) == expected


def test_a_protocol_that_the_paper_does_not_name_stands_in_the_way_even_if_it_is_ours() -> None:
    for protocol in ("random_622", "days_8_2"):
        found = run_obstacles("paper", "as_published", protocol, "random_622", stated=False)
        assert found == ["the paper names no protocol"]
    both = run_obstacles("tiny", "as_published", "random_622", None, stated=False)
    assert both == ["size tiny", "the paper names no protocol"]


def test_counts_and_settings() -> None:
    assert judge_count(100, 102, "as read", [], 0.02) == Verdict("reproduced", "within 2\u00a0%: as read")
    off = Verdict("differs", "the closest reading is 3.0\u00a0% off: watched")
    assert judge_count(100, 103, "watched", [], 0.02) == off
    assert judge_count(100, 97, "watched", [], 0.02) == off
    assert judge_count(100, 100, "as read", ["a sample"], 0.02) == Verdict("not comparable", "a sample")
    assert judge_setting(512, [512.0]) == Verdict("used")
    assert judge_setting(0.001, [0.0003, 0.001]) == Verdict("used")
    assert judge_setting(512, [64.0, 128.0]) == Verdict("differs", "this run has 64 and 128")


# A whole run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_published_cell_gets_exactly_one_verdict(here: Path) -> None:
    plan = write_run(here)
    names = ("artifact", "dataset", "task", "method", "variant", "metric")
    printed: Counter[tuple[str, ...]] = Counter()
    for path in PUBLISHED:
        with path.open(encoding="utf-8", newline="") as stream:
            printed.update((path.stem, *(row[name] for name in names)) for row in csv.DictReader(stream))
    frame = pl.read_parquet(plan.folder / "verdicts.parquet")
    assert frame.height == printed.total() == 1103
    assert Counter(frame.select("paper", *names).iter_rows()) == printed
    assert set(frame["verdict"]) <= set(WORDS)
    assert frame["verdict"].null_count() == 0
    assert not frame.filter(pl.col("verdict") != "used", pl.col("reason") == "").height
    assert not frame.filter(verdict="reproduced").height


def test_the_page_of_an_artifact_judges_as_the_run_does(here: Path) -> None:
    plan = write_run(here)
    whole = all_verdicts(plan).filter(paper="prowtp")
    for name in ("table1", "table6"):
        assert verdicts(plan, f"prowtp/{name}").equals(whole.filter(artifact=name))
    assert verdicts(plan, "prowtp/figure1").is_empty()


def one(frame: pl.DataFrame, **names: str) -> dict[str, object]:
    found = frame.filter(**names)
    assert found.height == 1
    return found.row(0, named=True)


def corrected(raw: list[float]) -> list[float]:
    """Return Holm's p-values: the smallest times the number of tests, the next times one fewer, never falling."""
    order = sorted(range(len(raw)), key=lambda place: raw[place])
    adjusted, highest = [0.0] * len(raw), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(raw) - rank) * raw[place]))
        adjusted[place] = highest
    return adjusted


def test_cells_without_a_number_say_why(here: Path) -> None:
    frame = all_verdicts(write_run(here, artifacts=["prowtp/table6"]))
    assert one(frame, artifact="table1", paper="prowtp", dataset="kuairand_pure", method="tr", metric="mae")[
        "reason"
    ] == ("artifact not in this run")
    frame = all_verdicts(write_run(here, artifacts=["prowtp/table1"]))
    table1 = frame.filter(paper="prowtp", artifact="table1", metric="mae")
    assert one(table1, dataset="wechat21", method="tr")["reason"] == "data set not in this run: wechat21"
    table6 = frame.filter(paper="prowtp", artifact="table6", metric="n_users")
    assert one(table6, dataset="shortvideo")["verdict"] == "not comparable"
    assert one(table6, dataset="shortvideo")["reason"] == "private data"
    assert "artifact not built yet" in set(frame.filter(paper="gr", artifact="text_abstract")["reason"])
    assert set(frame.filter(paper="labelcraft", artifact="figure3")["reason"]) == {
        "no verdict on a statement about no one data set: its page repeats it"
    }


def test_a_data_set_without_the_protocol_of_a_table_is_not_run(here: Path) -> None:
    """WeChat21 leaves the page where another data set has ProWTP's protocol, and stays where none has it.

    That its own list names no TPM leaves no row of a table out.
    """
    methods = {"methods": ["vr"]}
    both = {"kuairand_pure": methods, "wechat21": {"protocols": ["days_12_1_1"], "core": 20, **methods}}
    plan = write_run(here, datasets=both)
    frame = verdicts(plan, "prowtp/table1").filter(metric="mae")
    wechat = frame.filter(dataset="wechat21", method="tr")
    assert one(wechat)["reason"] == "protocol not in this run on wechat21: random_622"
    for method in ("tr", "tpm"):
        assert one(frame, dataset="kuairand_pure", method=method)["ours"] is not None
    assert verdicts(plan, "prowtp/table1").equals(all_verdicts(plan).filter(paper="prowtp", artifact="table1"))
    frame = verdicts(write_run(here, datasets=both, protocols=["days_8_2"]), "prowtp/table1").filter(metric="mae")
    for dataset, protocol in (("wechat21", "days_12_1_1"), ("kuairand_pure", "days_8_2")):
        reason = str(one(frame, dataset=dataset, method="tr")["reason"])
        assert reason.endswith(f"protocol {protocol} instead of random_622")


def test_a_protocol_is_that_of_the_data_set(here: Path) -> None:
    both = {"kuairec": {"protocols": ["big_to_small"]}, "cikm16": {"protocols": ["random_622"]}}
    plan = write_run(here, datasets=both, methods=[], artifacts=["gr/table1", "ptpm/table2"])
    frame = all_verdicts(plan).filter(method="tpm", metric="mae", task="watch_time")
    shown = one(frame, paper="gr", artifact="table1", dataset="kuairec")
    assert str(shown["reason"]).endswith("values not compared: simulated data, size tiny, regime shared")
    missing = one(frame, paper="gr", artifact="table1", dataset="cikm16")
    assert missing["reason"] == "protocol not in this run on cikm16: random_82"
    unstated = one(frame, paper="ptpm", artifact="table2", dataset="kuairec")
    assert str(unstated["reason"]).endswith("size tiny, regime shared, the paper names no protocol")


def test_a_row_that_cannot_run_says_why(here: Path) -> None:
    plan = write_run(here, datasets=CIKM16, methods=[], artifacts=["gr/table1"])
    frame = all_verdicts(plan).filter(paper="gr", artifact="table1", dataset="cikm16")
    for method in ("d2q", "cwm"):
        assert set(frame.filter(method=method)["reason"]) == {"needs duration, which CIKM16 does not have"}
    assert frame.filter(method="wlr")["ours"].null_count() == 0


def test_a_printed_table_of_two_targets_is_judged_on_two_pages(here: Path) -> None:
    kuairec = {"kuairec": {"protocols": ["big_to_small"]}}
    tasks = ["watch_time", "watch_ratio"]
    plan = write_run(here, datasets=kuairec, tasks=tasks, methods=[], artifacts="all")
    whole = all_verdicts(plan).filter(paper="gr", artifact="table1")
    time, ratio = (verdicts(plan, f"gr/{name}") for name in ("table1", "table1_watch_ratio"))
    assert time.equals(whole.filter(task="watch_time"))
    assert ratio.equals(whole.filter(task="watch_ratio"))
    assert (set(time["dataset"]), set(ratio["dataset"])) == ({"kuairec", "cikm16", "indust"}, {"kuairec"})
    assert one(ratio, method="gr", metric="mae")["ours"] is not None
    without = all_verdicts(write_run(here, datasets=kuairec, tasks=tasks, methods=[], artifacts=["gr/table1"]))
    reasons = without.filter(paper="gr", artifact="table1", task="watch_ratio")["reason"]
    assert set(reasons) == {"artifact not in this run"}


def test_a_printed_gain_is_measured_from_the_values_beside_it(here: Path) -> None:
    """GR's is 10 %, TPM's −10 %; the values rise and fall together, each with a little noise of its own."""
    base = {"vr": 0.5, "gr": 0.55, "tpm": 0.45}

    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        noise = 1e-4 * (repetition - 1) ** 2 * len(spec.method + spec.variant) + 1e-4 * repetition * len(spec.method)
        value = base.get(spec.method, 0.5) * (0.9 + 0.1 * repetition) + noise
        return value if (metric, convention) in (("xauc", "tpm"), ("mae", "")) else 1.0

    kuairec = {"kuairec": {"protocols": ["big_to_small"]}}
    plan = write_run(here, scores=scores, datasets=kuairec, methods=[], artifacts=["gr/table1"], tables=False)
    frame = verdicts(plan, "gr/table1").filter(dataset="kuairec")
    gains = frame.filter(metric="xauc_relative_gain_pct")
    assert gains["method"].to_list() == ["wlr", "d2q", "cwm", "tpm", "cread", "gr"]
    shown = {plan.jobs[key].method: plan.jobs[key] for key in plan.artifact_keys("gr/table1")}
    names = ["vr", "wlr", "d2q", "cwm", "tpm", "cread", "gr"]
    values = {name: [scores(shown[name], "", "xauc", "tpm", repetition) for repetition in range(3)] for name in names}
    expected = [100 * (ours - other) / other for ours, other in zip(values["gr"], values["vr"], strict=True)]
    gain, value = (one(frame, method="gr", metric=name) for name in ("xauc_relative_gain_pct", "xauc"))
    assert gain["ours"] == gain["difference"] == pytest.approx(sum(expected) / 3)
    assert (gain["published"], gain["published_difference"]) == (14.981, 14.981)
    assert (gain["p_value"], gain["verdict"]) == (value["p_value"], "ordering holds")
    assert one(gains, method="tpm")["verdict"] == "differs"
    raw = [float(stats.ttest_rel(values[name], values["vr"]).pvalue) for name in names[1:]]
    # MAE has the same values as XAUC, so the table has every p-value twice, and not a third time.
    assert [one(frame, method=name, metric="xauc")["p_value"] for name in names[1:]] == pytest.approx(
        corrected(raw + raw)[:6], rel=1e-6
    )


def test_what_an_analysis_measures_has_no_verdict(here: Path) -> None:
    plan = write_run(here, datasets={"kuairec": {"protocols": ["big_to_small"]}}, methods=[])
    frame = all_verdicts(plan).filter(paper="rqreg", artifact="table6")
    assert frame.height == 4
    assert set(frame["reason"]) == {"no verdict on what an analysis measures: its page shows it"}
    assert set(frame["verdict"]) == {"not run"}


def test_a_log_of_ones_own_gets_our_numbers_and_is_never_comparable(here: Path) -> None:
    columns = {"user": "viewer", "duration": "length"}
    plan = write_run(
        here, scores=as_printed(0.0), datasets={"kuairand_pure": {}, "shortvideo": own_log(here, **columns)}
    )
    frame = all_verdicts(plan).filter(dataset="shortvideo")
    assert set(frame["verdict"]) == {"not comparable"}
    reason = "private data, a log of one's own stands for it"
    users = one(frame, artifact="table6", metric="n_users")
    assert (users["ours"], users["reason"]) == (300.0, reason)
    assert one(frame, artifact="table8", method="tr", metric="mae")["reason"] == reason
    assert set(frame.filter(artifact="figure8")["reason"]) == {"private data"}
    unprinted = verdicts(plan, "prowtp/table1")
    assert "shortvideo" not in set(unprinted["dataset"])
    public = write_run(here, datasets={"kuairand_pure": own_log(here, duration="length")}, tables=False)
    frame = verdicts(public, "prowtp/table1").filter(pl.col("ours").is_not_null())
    assert frame.height
    assert set(frame["reason"]) == {"a log of one's own stands for it"}


def test_a_task_that_the_run_lacks_is_not_run(here: Path) -> None:
    frame = all_verdicts(write_run(here, tasks=["watch_ratio"])).filter(paper="prowtp", artifact="table1")
    assert set(frame.filter(dataset="kuairand_pure", method="tr")["reason"]) == {"task not in this run: watch_time"}


def test_settings_are_used_or_differ(here: Path) -> None:
    frame = all_verdicts(write_run(here, size="paper")).filter(paper="prowtp", artifact="text_s5.1")
    words = dict(frame.select(pl.concat_str("metric", "variant", separator=" "), "verdict").iter_rows())
    used = ("hp_batch hp", "hp_embedding_dim hp", "hp_hidden_layers hp", "hp_patience hp", "hp_split_valid none")
    assert {words[name] for name in (*used, "hp_lr grid_1e-3")} == {"used"}
    assert words["hp_lr grid_1e-4"] == "differs"
    assert words["hp_dropout hp"] == "not run"
    tiny = all_verdicts(write_run(here, size="tiny")).filter(paper="prowtp")
    assert one(tiny, artifact="text_s5.1", metric="hp_patience")["reason"] == "this run has 2"
    assert one(tiny, artifact="text_table8_caption", metric="hp_n_seeds")["reason"] == "this run has 3"


def test_a_setting_of_one_data_set_is_that_of_its_own_jobs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = write_run(here)
    batch = [cell for cell in read_published(PUBLISHED) if (cell.paper, cell.metric) == ("prowtp", "hp_batch")][:1]
    for dataset, verdict in (("none", "used"), ("kuairand_pure", "used"), ("wechat21", "not run")):
        found = [replace(batch[0], dataset=dataset)]
        monkeypatch.setattr("watchtime.reporting.published.verdicts.published_cells", lambda plan, found=found: found)
        assert all_verdicts(plan)["verdict"].to_list() == [verdict]


def test_a_setting_of_a_method_is_that_of_its_own_row(here: Path) -> None:
    """RQ-Reg's first row is WLR, which has no codebook; its LTV data sets have no table here."""
    both = {"kuairec": {"protocols": ["big_to_small"]}, **CIKM16}
    plan = write_run(here, datasets=both, methods=[], artifacts=["rqreg/table2"], size="paper")
    frame = all_verdicts(plan).filter(paper="rqreg", artifact="text_s4.1.2")
    words = {(row["dataset"], row["metric"]): row["verdict"] for row in frame.iter_rows(named=True)}
    used = ("hp_L", "hp_K", "hp_tau", "hp_lambda1", "hp_lambda2", "hp_lstm_hidden")
    assert {words["none", name] for name in used} == {"used"}
    assert words["kuairec", "hp_huber_delta"] == words["cikm16", "hp_huber_delta"] == "used"
    assert words["cikm16", "hp_split_train"] == words["cikm16", "hp_split_test"] == "used"
    ltv = frame.filter(dataset="criteo_ssc", metric="hp_huber_delta")
    assert one(ltv)["reason"] == "no job of the paper's tables in this run"
    changed = write_run(here, datasets=both, methods=[], artifacts=["rqreg/table2"], settings={"rqreg": {"delta": 3.0}})
    frame = all_verdicts(changed).filter(paper="rqreg", metric="hp_huber_delta")
    assert one(frame, dataset="kuairec")["reason"] == "this run has 3"


def test_a_searched_setting_counts_with_every_value_of_its_space(here: Path) -> None:
    frame = all_verdicts(write_run(here, search_trials=2)).filter(paper="prowtp", metric="hp_lr")
    words = dict(frame.select("published", "verdict").iter_rows())
    assert words[1e-3] == "used"
    assert one(frame, variant="grid_1e-4")["reason"] == "this run has 0.0003 and 0.001 and 0.003"


def as_printed(shift: float) -> Callable[[JobSpec, str, str, str, int], float]:
    """Return scores that are what ProWTP prints for KuaiRand-Pure, times 1 + shift, with 0.01 % of noise."""
    cells = [cell for cell in read_published(PUBLISHED) if cell.name == "prowtp/table1"]
    values = {(cell.method, cell.metric): cell.value for cell in cells if cell.dataset == "kuairand_pure"}
    rows = {"vr": "tr", "wlr": "wlr", "d2q": "d2q", "tpm": "tpm", "ordinal_regression": "or", "prowtp": "prowtp"}

    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        single = (("vr", "paper"), ("wlr", "every_impression"), ("d2q", "paper"), ("prowtp", "paper"))
        own = (spec.method, spec.variant) in single
        several = spec.method in ("tpm", "ordinal_regression")
        own = own or (several and (spec.variant, readout) == ("paper", "mean"))
        value = values.get((rows.get(spec.method, ""), metric), 1.0) if own else 1.0
        value *= 0.5 if (metric, convention) in (("xauc", "strict"), ("xgauc", "cwm")) else 1.0
        return value * (1 + shift + 0.0001 * (repetition - 1) * (1 + len(spec.method) % 3))

    return scores


WHOLE = 1_231_181


@pytest.fixture
def complete(here: Path) -> Callable[..., pl.DataFrame]:
    """Return the verdicts on KuaiRand-Pure of a run on a real and complete log."""

    def judged(**config: object) -> pl.DataFrame:
        settings: dict[str, object] = {
            "real": True,
            "rows": WHOLE,
            "size": "paper",
            "regime": "as_published",
            "scores": as_printed(0.0),
            **config,
        }
        plan: Plan = write_run(here, tables=False, **settings)  # type: ignore[arg-type]
        return verdicts(plan, "prowtp/table1").filter(pl.col("ours").is_not_null())

    return judged


def test_a_whole_table_can_be_reproduced(complete: Callable[..., pl.DataFrame]) -> None:
    """Only with the paper's own readout (TPM and OR: the mean) and its own rule for ties do the values agree."""
    frame = complete()
    assert frame.height == 24
    assert set(frame["verdict"]) == {"reproduced"}


@pytest.mark.parametrize(
    ("changed", "obstacle"),
    [
        ({"real": False}, "simulated data"),
        ({"rows": 171_671}, "a sample of the data set (171,671 of 1,231,181 rows)"),
        ({"size": "small"}, "size small"),
        ({"regime": "shared"}, "regime shared"),
        ({"protocols": ["chronological_811"]}, "protocol chronological_811 instead of random_622"),
    ],
)
def test_one_obstacle_is_enough(
    complete: Callable[..., pl.DataFrame], changed: dict[str, object], obstacle: str
) -> None:
    frame = complete(**changed)
    assert not frame.filter(verdict="reproduced").height
    assert all(reason.endswith(f"values not compared: {obstacle}") for reason in frame["reason"])
    assert set(frame.filter(method="tr")["verdict"]) == {"not comparable"}
    assert frame.filter(method="tpm", verdict="ordering holds").height == 4


def test_the_tolerance_of_the_run_decides(complete: Callable[..., pl.DataFrame]) -> None:
    off = complete(scores=as_printed(0.03))
    assert "reproduced" not in set(off["verdict"])
    assert one(off, method="tr", metric="mae")["verdict"] == "differs"
    assert set(complete(scores=as_printed(0.03), tolerance=0.04)["verdict"]) == {"reproduced"}


def test_differences_are_paired_with_the_reference_row_and_corrected_over_the_table(
    complete: Callable[..., pl.DataFrame],
) -> None:
    frame = complete(real=False)
    scores = as_printed(0.0)
    plan = Plan.load(Path("results/demo/config.yaml"), find_root())
    shown = [plan.jobs[key] for key in plan.artifact_keys("prowtp/table1")]
    specs = {spec.method.replace("ordinal_regression", "or"): spec for spec in shown if spec.family == "network"}

    def values(method: str, metric: str) -> list[float]:
        spec, convention = specs[method], {"xauc": "prowtp", "xgauc": "strict"}.get(metric, "")
        return [scores(spec, spec.readouts[0], metric, convention, repetition) for repetition in range(3)]

    tested = frame.filter(pl.col("method") != "tr")
    raw = [
        float(stats.ttest_rel(values(method, metric), values("vr", metric)).pvalue)
        for method, metric in tested.select("method", "metric").iter_rows()
    ]
    assert tested["p_value"].to_list() == pytest.approx(corrected(raw), rel=1e-6)
    mae = one(tested, method="d2q", metric="mae")
    assert mae["published_difference"] == pytest.approx(27.82 - 28.09)
    assert mae["difference"] == pytest.approx(sum(values("d2q", "mae")) / 3 - sum(values("vr", "mae")) / 3)


def test_one_repetition_gives_no_verdict_on_values_or_orders(complete: Callable[..., pl.DataFrame]) -> None:
    frame = complete(repetitions=1)
    assert set(frame["verdict"]) == {"not comparable"}
    assert set(frame["p_value"]) == {None}


def test_counts_are_compared_with_every_reading_and_only_where_the_log_is_complete(here: Path) -> None:
    other = {"candidates": [{"rule": "both logs", "rows": 1_436_609, "users": 27_285, "items": 7_551}]}
    plan = write_run(here, real=True, rows=1_141_112, counts=other, tables=False)
    frame = verdicts(plan, "prowtp/table6").filter(dataset="kuairand_pure")
    found = {one["metric"]: (one["ours"], one["verdict"], one["reason"]) for one in frame.iter_rows(named=True)}
    assert found == {
        "n_users": (27_285.0, "reproduced", "within 2\u00a0%: both logs"),
        "n_items": (7_551.0, "reproduced", "within 2\u00a0%: both logs"),
        "n_interactions": (1_141_112.0, "differs", "the closest reading is 7.3\u00a0% off: as read"),
        "n_duration_buckets": (5.0, "reproduced", "within 2\u00a0%: the number that this project uses"),
    }
    sample = verdicts(write_run(here, real=True, rows=1000, tables=False), "prowtp/table6")
    assert set(sample.filter(dataset="kuairand_pure")["verdict"]) == {"not comparable"}


def test_the_counts_of_a_data_set_are_those_of_all_papers(here: Path) -> None:
    """They need no page of their paper: LabelCraft's are judged by the k-core, PTPM's stand in its text."""
    wechat = {"protocols": ["days_12_1_1"], "core": 20, "methods": ["vr"]}
    plan = write_run(here, datasets={"wechat21": wechat})
    frame = count_verdicts(plan, "wechat21")
    places = Counter(frame.select("paper", "artifact").iter_rows())
    expected = {("labelcraft", "table1"): 4, ("prowtp", "table6"): 4, ("prowtp", "text_a5"): 1}
    assert places == {**expected, ("ptpm", "text_s5.1.1"): 3}
    assert one(frame, paper="labelcraft", metric="density")["ours"] == 1000 / (25 * 20)
    assert set(frame["reason"]) == {"simulated data"}
    names = ["paper", "artifact", "metric"]
    whole = all_verdicts(plan).filter(dataset="wechat21", task="stats").join(frame, on=names, how="semi")
    assert whole.sort(names).equals(frame.sort(names))
    assert "artifact not built yet" not in set(whole["reason"])


def test_the_row_count_of_a_data_set_is_the_papers_own_before_any_other() -> None:
    cells = read_published(PUBLISHED)
    assert row_counts(cells, "prowtp")["wechat21"] == 7_210_290
    assert row_counts(cells, "labelcraft")["wechat21"] == 4_778_294
    assert row_counts(cells, "gr")["wechat21"] == 7_300_000
    assert row_counts(reversed(cells), "gr")["wechat21"] == 7_300_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "the columns are ['a', 'b'], expected are"),
        (
            PUBLISHED[0].read_text(encoding="utf-8").splitlines()[0] + "\nt,d,w,m,v,mae,lower,x,,,\n",
            "line 2: value: found 'x'",
        ),
    ],
)
def test_a_wrong_file_of_published_numbers_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "paper.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WatchtimeError) as caught:
        read_published([path])
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)
