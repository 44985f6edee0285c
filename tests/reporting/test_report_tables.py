"""The tables and texts of the pages, on a run that nobody trained."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from handmade_run import by_order, own_log, write_run
from watchtime.core.job import JobSpec
from watchtime.core.pages import page_inputs
from watchtime.core.plan import SUMMARIES
from watchtime.reporting.comparisons import agreement, comparison, leaderboard
from watchtime.reporting.comparisons.opening import opening
from watchtime.reporting.data import data_statistics, distribution
from watchtime.reporting.data.duration_groups import duration_groups
from watchtime.reporting.elements.alignment import MINUS, Interval
from watchtime.reporting.elements.tables import Cell, Section, Table
from watchtime.reporting.report import Report
from watchtime.reporting.summaries import resource_tables, run_facts, verdict_summary

DATA = "kuairand_pure"
BOARD = leaderboard.Board(DATA, "watch_time", "random_622")
TWO = {"kuairec": {"protocols": ["big_to_small"]}, "cikm16": {"protocols": ["random_82"]}}
PAGES = [*SUMMARIES, "prowtp/figure1", "prowtp/table1", "prowtp/table6"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(table: object) -> list[list[object]]:
    """Return the bare values of a table's rows, without sections."""
    assert isinstance(table, Table)
    return [
        [cell.value if isinstance(cell, Cell) else cell for cell in row]
        for row in table.rows
        if not isinstance(row, Section)
    ]


def column(table: object, title: str, place: int = 0) -> int:
    assert isinstance(table, Table)
    return [index for index, one in enumerate(table.columns) if one.title.startswith(title)][place]


def bold(table: Table, title: str) -> set[object]:
    """Return the titles of the rows that are bold in a column."""
    found: set[object] = set()
    for row in table.rows:
        cell = None if isinstance(row, Section) else row[column(table, title)]
        if isinstance(cell, Cell) and cell.best and not isinstance(row, Section):
            name = row[column(table, "Method")]
            found.add(name.value if isinstance(name, Cell) else name)
    return found


# The comparison


def test_the_comparison_has_every_published_row_every_readout_and_the_rows_that_tables_leave_out(here: Path) -> None:
    write_run(here, tables=False)
    table = comparison.table(Report("results/demo", "prowtp/table1"), DATA)
    lines = [(row[0], row[1]) for row in rows_of(table)]
    assert lines[:10] == [
        ("TR", "mean"),
        ("WLR", "mean"),
        ("OR", "mean"),
        ("OR", "median"),
        ("OR", "rank"),
        ("D2Q", "quantile"),
        ("TPM", "mean"),
        ("TPM", "median"),
        ("TPM", "rank"),
        ("ProWTP", "mean"),
    ]
    assert set(lines[10:]) == {
        ("Duration-bucket median", "median"),
        ("LightGBM (l2)", "mean"),
        ("LightGBM (l1)", "median"),
        ("LightGBM (rank)", "rank"),
        ("Training constant (median)", "median"),
        ("Training constant (mean)", "mean"),
        ("User + item mean", "mean"),
        ("Oracle", "mean"),
        ("Oracle", "median"),
        ("Oracle", "rank"),
    }


def test_the_published_number_stands_beside_the_readout_of_the_paper_with_its_verdict(here: Path) -> None:
    write_run(here, tables=False)
    report = Report("results/demo", "prowtp/table1")
    table = comparison.table(report, DATA)
    paper = column(table, "Paper", 1)
    printed = {(row[0], row[1]): row[paper] for row in rows_of(table)}
    assert printed["TR", "mean"] == 28.09
    assert printed["TPM", "mean"] == 24.58
    assert printed["TPM", "median"] is None
    assert printed["ProWTP", "mean"] == 24.33
    for row in table.rows:
        if not isinstance(row, Section) and isinstance(row[0], Cell) and row[0].value == "D2Q":
            cell = row[paper]
            assert isinstance(cell, Cell)
            verdict = report.verdicts.filter(dataset=DATA, method="d2q", metric="mae")["verdict"].item()
            assert table.notes[cell.note].lower() == f"{verdict}."


@pytest.mark.parametrize(("dataset", "has_durations"), [("kuairand_pure", True), ("cikm16", False)])
def test_a_measure_that_the_paper_does_not_print_stands_alone_where_the_data_have_it(
    here: Path, dataset: str, has_durations: bool
) -> None:
    write_run(here, datasets={dataset: {}}, tables=False)
    table = comparison.table(Report("results/demo", "prowtp/table8"), dataset)
    truncated = [["RMSE (truncated) ↓"], ["MAE (truncated) ↓"]] if has_durations else [[], []]
    assert [one.title for one in table.columns[3:]] == [
        *("RMSE ↓", "Paper", *truncated[0], "MAE ↓", "Paper", *truncated[1]),
        *("XAUC ↑", "Paper", "XGAUC ↑", "Paper"),
    ]
    assert {len(row) for row in rows_of(table)} == {len(table.columns)}


def test_a_rank_has_no_error_and_a_method_without_randomness_no_interval(here: Path) -> None:
    write_run(here, tables=False)
    table = comparison.table(Report("results/demo", "prowtp/table1"), DATA)
    rows = {(row[0], row[1]): row for row in rows_of(table)}
    mae = column(table, "MAE")
    assert rows["TPM", "rank"][mae] is None
    assert isinstance(rows["TPM", "mean"][mae], Interval)
    assert isinstance(rows["LightGBM (l2)", "mean"][mae], float)


def test_a_study_has_no_published_numbers_and_sets_its_rows_against_its_reference(here: Path) -> None:
    """The rule makes widened networks better than GR's, and the plain ones worse."""

    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        better = {"widened": 0.01, "paper": -0.01}.get(spec.variant, 0.0) * (spec.method != "gr")
        typical = {"mae": 20.0 * (1 - better), "xauc": 0.6 * (1 + better)}.get(metric, 0.5)
        return typical * (1 + 0.0001 * np.sin(1 + repetition + len(spec.method + readout)))

    write_run(here, datasets={"kuairec": {"protocols": ["big_to_small"]}}, scores=scores, tables=False)
    report = Report("results/demo", "gr/equal_sizes")
    table = comparison.table(report, "kuairec")
    assert [one.title for one in table.columns if one.title.startswith("Paper")] == []
    assert next(row.title for row in table.rows if isinstance(row, Section)) == "Compared rows"
    assert {row[0] for row in rows_of(table)} >= {"VR", "VR widened", "TPM widened", "CREAD widened", "GR"}
    assert "paper prints" not in str(table.caption)
    said = str(agreement.conclusions(report, "kuairec")).replace("\\", "").splitlines()
    better, worse = (f"VR{kind}, TPM{kind} (mean), CREAD{kind} (mean)" for kind in (" widened", ""))
    for line, metric in zip(said[1:], ("MAE", "XAUC"), strict=True):
        assert line.startswith(f"- *{metric}*: ")
        assert line.endswith(f"Against GR (sequence), the reference, better: {better}; worse: {worse}.")


def test_fitted_numbers_are_counted_for_all_but_the_oracle(here: Path) -> None:
    write_run(here)
    table = comparison.table(Report("results/demo", "prowtp/table1"), DATA)
    board = leaderboard.table(Report("results/demo", "summary"), BOARD)
    for shown, names in ((table, ("LightGBM (l2)", "TPM", "User + item mean")), (board, ("LightGBM (l2)",))):
        name, count = column(shown, "Method"), column(shown, "Parameters")
        counts = {row[name]: row[count] for row in rows_of(shown)}
        assert {counts[one] for one in names} == {1000}
        assert counts["Oracle"] is None


def test_a_method_that_cannot_run_says_why(here: Path) -> None:
    write_run(here, real=True, tables=False)
    table = comparison.table(Report("results/demo", "prowtp/table1"), DATA)
    reasons = {
        row[0].value: table.notes[row[0].note]
        for row in table.rows
        if not isinstance(row, Section) and isinstance(row[0], Cell) and row[0].note
    }
    assert reasons["Oracle"] == "Not run: needs the known distribution of a simulated log."
    write_run(here, tables=False, methods=["vr"])
    table = comparison.table(Report("results/demo", "prowtp/table1"), DATA)
    assert "Not run: left out by this run's list of methods." in table.notes.values()


def test_the_oracle_does_not_compete(here: Path) -> None:
    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        value = by_order(spec, readout, metric, convention, repetition)
        return value * {"mae": 0.1, "rmse": 0.1, "xauc": 1.5}.get(metric, 1.0) if spec.method == "oracle" else value

    write_run(here, scores=scores)
    table = comparison.table(Report("results/demo", "prowtp/table1"), DATA)
    assert bold(table, "MAE")
    assert "Oracle" not in bold(table, "MAE")
    board = leaderboard.table(Report("results/demo", "summary"), BOARD)
    assert "Oracle" not in bold(board, "MAE")
    assert [row[0] for row in rows_of(board)[:4]] == [None, None, None, 1]


def test_every_rule_for_ties_has_its_column_and_the_tie_masses_are_told(here: Path) -> None:
    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        places = {"strict": 0.1, "tpm": 0.2, "rqreg": 0.3, "d2q": 0.4, "ptpm": 0.5, "prowtp": 0.6, "cwm": 0.7}
        fixed = {"target_tie_mass": 0.0125, "prediction_tie_mass": 0.25, "users": 90.0, "xgauc_users": 70.0}
        return fixed.get(metric, places.get(convention, 0.0))

    write_run(here, scores=scores, tables=False)
    report = Report("results/demo", "prowtp/table1")
    first = rows_of(comparison.conventions(report, DATA))[0]
    assert first == ["TR", "mean", 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.1, 0.7, 25.0]
    text = comparison.tie_mass(report, DATA)
    assert "1.25\u00a0% are tied" in text
    assert "70 of 90 users" in text


def test_the_conclusions_count_verdicts_and_name_the_best(here: Path) -> None:
    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        worse = {"tpm": 1.0, "lightgbm": 1.1, "vr": 1.3}.get(spec.method, 2.0)
        return (worse if metric in ("mae", "rmse") else 1 / worse) * (1 + 1e-4 * (repetition + len(spec.method)) ** 2)

    write_run(here, scores=scores, tables=False)
    report = Report("results/demo", "prowtp/table1")
    text = agreement.conclusions(report, DATA)
    counted = [int(number) for number in re.findall(r"(\d+) \*", text.splitlines()[0])]
    assert sum(counted) == 24
    assert "as published: 7, such as XAUC of WLR, XGAUC of WLR, XAUC of OR; the other way" in text.splitlines()[1]
    assert re.search(r"\*RMSE\*: TPM .* has the best mean", text)
    assert re.search(r"Against LightGBM .*better: TPM.*worse: 5, such as TR, WLR, OR", text)
    assert "One number for every row" not in text


def test_on_real_data_the_best_constant_stands_beside_the_published_errors(here: Path) -> None:
    write_run(here, real=True, tables=False)
    text = agreement.conclusions(Report("results/demo", "prowtp/table1"), DATA)
    assert "the training median, has an MAE of" in text
    assert "print 24.33 to 28.09" in text


def test_a_log_of_ones_own_under_no_papers_name_has_no_published_order(here: Path) -> None:
    write_run(here, datasets={"mine": own_log(here, duration="length")}, tables=False)
    report = Report("results/demo", "prowtp/table1")
    text = agreement.conclusions(report, "mine")
    assert "The paper prints no number" in text
    assert "as published" not in text
    assert opening(report).count("**Data.** Mine, a log of one's own") == 1


def test_the_opening_names_methods_with_an_encoder_or_training_of_their_own(here: Path) -> None:
    def exceptions(**settings: object) -> str:
        write_run(here, artifacts=["prowtp/table1"], size="small", settings=settings)
        return opening(Report("results/demo", "prowtp/table1")).partition("none are sampled.")[2].split("\n")[0]

    assert exceptions() == ""
    own = {"training": {"epochs": 3, "learning_rate": 0.01}}
    assert exceptions(vr=own, wlr=own) == " Exceptions: VR, WLR with epochs 3, learning rate 0.01."
    deep = {"encoder": {"layers": [8, 4], "history": {"events": 5, "attention": 6}}}
    said = " Exceptions: VR with layers 8 and 4, history of events 5 and attention 6; WLR with epochs 3, "
    assert exceptions(vr=deep, wlr=own).startswith(said)


def test_the_opening_names_what_stands_in_the_way(here: Path) -> None:
    write_run(here, tables=False)
    text = opening(Report("results/demo", "prowtp/table1"))
    assert "simulated from seed 1" in text
    assert "simulated data, size tiny" in text
    write_run(here, tables=False, protocols=["days_8_2"])
    assert "is not in this run" in opening(Report("results/demo", "prowtp/table1"))


def test_the_opening_names_the_protocol_of_each_data_set_and_whether_the_paper_does(here: Path) -> None:
    write_run(here, datasets=TWO, methods=[], artifacts=["gr/table1", "ptpm/table2"], tables=False)
    lines = opening(Report("results/demo", "gr/table1")).split("\n\n")
    named = [line for line in lines if line.startswith("**Protocol.**")]
    assert [("KuaiRec" in line, "CIKM16" in line) for line in named] == [(True, False), (False, True)]
    assert all("as the paper's as far as it says" in line for line in named)
    unstated = opening(Report("results/demo", "ptpm/table2"))
    assert unstated.count("; the paper names none.") == 2
    assert "simulated data, size tiny, regime shared, the paper names no protocol" in unstated


def test_a_method_that_one_data_set_of_a_table_has_no_duration_for_says_so(here: Path) -> None:
    write_run(here, datasets=TWO, methods=[], artifacts=["gr/table1"], tables=False)
    report = Report("results/demo", "gr/table1")
    for dataset, readout in (("kuairec", "quantile"), ("cikm16", None)):
        table = comparison.table(report, dataset)
        assert ("D2Q", readout) in [(row[0], row[1]) for row in rows_of(table)]
        reason = "Not run: needs duration, which CIKM16 does not have."
        assert (reason in table.notes.values()) == (dataset == "cikm16")


def test_a_gain_is_told_under_its_own_heading_and_counted_once(here: Path) -> None:
    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        return {"gr": 1.2, "tpm": 0.9}.get(spec.method, 1.0) * (1 + 1e-4 * repetition * len(spec.method)) / 2

    write_run(here, scores=scores, datasets=TWO, methods=[], artifacts=["gr/table1"])
    report = Report("results/demo", "gr/table1")
    table = agreement.table(report, "kuairec")
    assert isinstance(table, Table)
    sections = [row.title for row in table.rows if isinstance(row, Section)]
    assert sections == ["MAE ↓", "XAUC (tpm) ↑", "XAUC (tpm), gain over VR (%)"]
    gains = [row for row in rows_of(table)[-6:] if row[0] == "GR"]
    assert [row[:3] for row in gains] == [["GR", "gr/paper", "14.981"]]
    assert str(gains[0][3]).startswith("20.")
    orders = agreement.conclusions(report, "kuairec").splitlines()[1]
    assert orders.count("XAUC of GR") == orders.count("XAUC of TPM") == 1
    summary = verdict_summary.measured_cells(Report("results/demo", "summary"))
    assert isinstance(summary, Table)
    first, second, *_ = (place for place, row in enumerate(summary.rows) if isinstance(row, Section))
    assert summary.rows[first] == Section("GR, table 1: KuaiRec (simulated)")
    shown = [row for row in summary.rows[first + 1 : second] if not isinstance(row, Section)]
    assert [row[2] for row in shown if list(row[:2]) == ["GR", "XAUC gain (%)"]] == ["14.98"]


def test_a_target_that_is_not_a_data_sets_first_one_has_a_heading_of_its_own(here: Path) -> None:
    tasks, artifacts = ["watch_time", "watch_ratio"], ["gr/table1", "gr/table1_watch_ratio"]
    write_run(here, datasets=TWO, tasks=tasks, methods=[], artifacts=artifacts)
    table = verdict_summary.measured_cells(Report("results/demo", "summary"))
    assert isinstance(table, Table)
    sections = [row.title for row in table.rows if isinstance(row, Section)]
    titles = [f"GR, table 1: {name} (simulated)" for name in ("KuaiRec", "CIKM16")]
    assert [title for title in sections if "table 1:" in title] == [
        *titles,
        *(f"{title}, watch ratio" for title in titles[:1]),
    ]


# The other pages


def test_the_leaderboard_is_ranked_by_strict_xauc_and_says_what_can_be_detected(here: Path) -> None:
    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        reversed_ = 1 - 0.01 * len(spec.method) if convention == "prowtp" else 0.01 * len(spec.method + spec.variant)
        return reversed_ + 1e-6 * repetition * len(spec.variant)

    write_run(here, scores=scores, repetitions=5)
    report = Report("results/demo", "summary")
    table = leaderboard.table(report, BOARD)
    values = [row[column(table, "XAUC")] for row in rows_of(table)]
    means = [value.mean if isinstance(value, Interval) else float(str(value)) for value in values]
    assert means == sorted(means, reverse=True)
    assert "5 repetitions" in leaderboard.detectable(report, BOARD)
    write_run(here, repetitions=1)
    assert "One repetition" in leaderboard.detectable(Report("results/demo", "summary"), BOARD)


def test_a_leaderboard_of_lists_is_ranked_by_what_they_gain(here: Path) -> None:
    write_run(here, datasets={"wechat21": {}}, tasks=["label"], protocols=["days_12_1_1"])
    report, board = Report("results/demo", "summary"), leaderboard.Board("wechat21", "label", "days_12_1_1")
    table = leaderboard.table(report, board)
    assert [one.title for one in table.columns[4:]] == ["NWTG@10 ↑", "NEG@10 ↑", "DS@10 ↑", "NWTG@3 ↑"]
    assert "ranked by NWTG@10 (paper)" in str(table.caption)


def test_the_summary_lists_what_did_not_run(here: Path) -> None:
    write_run(here, real=True)
    *unable, (names, *rest) = rows_of(leaderboard.excluded(Report("results/demo", "summary")))
    here_and_why = {tuple(row[1:]): str(row[0]).split(", ") for row in unable}
    place = "KuaiRand-Pure, watch time"
    assert set(here_and_why) == {
        (place, "needs the known distribution of a simulated log"),
        (place, "predicts label, not watch_time"),
        (place, "predicts ltv, not watch_time"),
    }
    assert ["Oracle"] in here_and_why.values()
    lifetime_value = here_and_why[place, "predicts ltv, not watch_time"]
    assert {"ZILN (paper)", "OptDist (paper)"} < set(lifetime_value), "methods of one reason share a row"
    assert "LightGBM (tweedie)" not in lifetime_value, "nobody misses it among watch times"
    assert rest == ["all", "left out by the list of methods"]
    assert re.fullmatch(r"\d+ variants of methods that ran", str(names)), "every method runs as its paper has it"


def test_the_summary_lists_the_variants_that_a_list_of_methods_leaves_out(here: Path) -> None:
    def left(**config: object) -> list[list[object]]:
        write_run(here, **config)  # type: ignore[arg-type]
        rows = rows_of(leaderboard.excluded(Report("results/demo", "summary")))
        return [row[:2] for row in rows if row[2] == "left out by the list of methods"]

    ((names, place),) = left(methods=["vr"], artifacts=["prowtp/table1"])
    methods, others = str(names).split("; ")
    assert place == "all"
    plan = Report("results/demo", "summary").plan
    ran = {(spec.method, spec.variant) for spec in plan.jobs.values()}
    cards = {name: plan.catalog.methods[name] for name, _ in ran}
    there = {(name, one) for name, card in cards.items() for one, options in card.variants.items() if not options.leak}
    assert others == f"{len(there - ran)} variants of others"
    assert {"OptDist", "GR", "LabelCraft"} <= set(methods.split(", "))
    assert not {card.title for card in cards.values()} & set(methods.split(", "))
    everywhere = {"kuairand_pure": {"methods": "all"}, "wechat21": {"methods": ["vr"]}}
    ((names, place),) = left(datasets=everywhere, artifacts=[])
    assert place == "WeChat21 (simulated)"
    assert "TPM" in str(names).split("; ")[0].split(", ")


def test_a_data_set_on_which_nothing_can_run_has_no_leaderboard(here: Path) -> None:
    write_run(here, datasets={"kuairand_pure": {"methods": ["vr"]}, "criteo_ssc": {"methods": ["d2q"]}}, artifacts=[])
    report = Report("results/demo", "summary")
    assert leaderboard.boards(report) == [BOARD]
    rows = rows_of(leaderboard.excluded(report))
    assert [row[:2] for row in rows if "duration" in str(row[2]) or "ltv" in str(row[2])]
    hashes = {row[0]: row[-1] for row in rows_of(run_facts.data(report))}
    assert hashes == {"KuaiRand-Pure": "0" * 16, "Criteo-SSC": None}


def test_the_verdict_tables_add_up(here: Path) -> None:
    write_run(here)
    report = Report("results/demo", "summary")
    *papers, total = rows_of(verdict_summary.counts(report))
    assert total[-1] == 1103
    assert [sum(int(str(row[place])) for row in papers) for place in range(1, 8)] == total[1:]
    assert sum(int(str(row[-1])) for row in rows_of(verdict_summary.reasons(report))) == 1103
    shown = rows_of(verdict_summary.measured_cells(report))
    # Rows of tables 1, 2, 3, 4, 8 and 9.
    assert len([row for row in shown if row[1] == "MAE"]) == 6 + 6 + 4 + 4 + 8 + 3
    assert {row[-1] for row in shown} >= {"not comparable", "used", "differs"}
    assert [None, "users", "27,285", "300", None, "not comparable"] in shown
    assert [None, "duration buckets", "5", "5", None, "not comparable"] in shown
    assert {str(row[0]) for row in shown} >= {"ProWTP", "w/o SUOT"}


def test_of_variants_only_what_is_otherwise_is_listed(here: Path) -> None:
    """Whoever lays a variant's line over the first one's has all settings, of the codec too."""
    write_run(here)
    report = Report("results/demo", "summary")
    lines = {
        str(row[0]): [str(cell) if cell else "" for cell in row[1:3]] for row in rows_of(run_facts.settings(report))
    }
    assert len(lines) == len({(spec.method, spec.variant) for spec in report.plan.jobs.values()})
    for spec in report.plan.jobs.values():
        first = next(one for one in report.plan.jobs.values() if one.method == spec.method)
        title, first_title = (report.method_title(one.method, one.variant) for one in (spec, first))
        for key, value in spec.settings.items():
            told = run_facts._plain({key: value})
            there = [line for line in (lines[title][0], lines[first_title][0]) if told in line.split(", ")]
            assert there or isinstance(value, dict), (title, key)
            same = spec != first and first.settings[key] == value
            assert not same or told not in lines[title][0].split(", "), (title, key)
    whole, blind = lines["ProWTP (paper)"], lines["ProWTP (no alignment)"]
    assert len(blind[0]) < len(whole[0]) / 4
    assert blind[1] == ""


def test_the_search_is_told(here: Path) -> None:
    write_run(here)
    assert run_facts.searches(Report("results/demo", "summary")) == "No settings were searched."
    write_run(here, search_trials=2)
    rows = rows_of(run_facts.searches(Report("results/demo", "summary")))
    assert ["VR (paper)", *rows[0][1:]] in rows
    assert rows[0][1:] == [2, "RMSE of the mean", "training learning rate 0.1", "1.1 to 1.2"]


def test_the_counts_of_the_data_sets_of_a_paper(here: Path) -> None:
    write_run(here, tables=False)
    report = Report("results/demo", "prowtp/table6")
    table = data_statistics.published(report)
    assert isinstance(table, Table)
    published = rows_of(table)
    assert ["Users", "27,285", "300", "300", f"{MINUS}98.9", "as read", "not comparable"] in published
    assert ["Videos", "7,551", "50", "50", f"{MINUS}99.3", "as read", "not comparable"] in published
    assert ["Interactions", "7,210,290", None, None, None, None, "not run"] in published
    sections = [row.title for row in table.rows if isinstance(row, Section)]
    assert sections == ["wechat21", "KuaiRand-Pure (simulated)", "shortvideo"]
    buckets = rows_of(data_statistics.duration_buckets(report, DATA))
    assert sum(int(str(row[2])) for row in buckets) == 3000


def test_equal_durations_stay_in_one_group() -> None:
    frame = pl.DataFrame({"duration": [5.0, 5.0, 5.0, 5.0, 9.0, 12.0, 0.0], "watch_time": [1.0] * 7})
    groups = duration_groups(frame, ("short", "middle", "long"))
    assert [(group.name, group.duration.tolist()) for group in groups] == [
        ("short", [5.0, 5.0, 5.0, 5.0]),
        ("long", [9.0, 12.0]),
    ]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([0, 100, 10, 0], [1]),
        ([100, 10, 60, 10, 0], [0, 2]),
        ([200, 50, 60, 10, 0], [0]),
        ([200, 50, 100, 10, 0], [0, 2]),  # 100 − 50 = 50 > 4 √150 = 49.0
        ([200, 50, 98, 10, 0], [0]),  # 98 − 50 = 48 < 4 √148 = 48.7
        ([0, 0, 20, 1, 3], [2]),
        ([0, 0, 0], []),
    ],
)
def test_a_mode_exceeds_its_saddle_by_four_standard_errors(counts: list[int], expected: list[int]) -> None:
    assert distribution.modes(np.array(counts)) == expected


def test_the_modes_of_the_watch_ratio_are_found(here: Path) -> None:
    write_run(here, tables=False)
    report = Report("results/demo", "prowtp/figure1")
    rows = rows_of(distribution.table(report, DATA))
    assert [row[0] for row in rows] == ["Short", "Middle", "Long"]
    assert {row[-1] for row in rows} == {"0.12, 1.02"}
    assert [row[3] for row in rows] == pytest.approx([33.4, 33.3, 33.3])
    assert "3 of 3 groups have more than one" in distribution.conclusion(report, DATA)


def test_only_the_resources_page_holds_measured_time(here: Path) -> None:
    write_run(here)
    table = resource_tables.jobs(Report("results/demo", "resources"))
    assert rows_of(table)[0][1:] == ["cpu", 1.5, 1000.0, 0.5, 5000.0, 123.0]
    for name in PAGES:
        if name != "resources":
            assert not {path.name for path in page_inputs(Report("results/demo", name).plan, name)} & {
                "resources.json",
                "resources.parquet",
                "environment.json",
            }
