"""Findings on hand-made numbers: what an effect is, how large, whether another row becomes the best, what is said."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handmade_run import Scores, by_order, write_run
from watchtime.core.files import write_text
from watchtime.core.job import JobSpec
from watchtime.core.pages import page_inputs
from watchtime.evaluation.statistics import compare, compare_unpaired, holm
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell, Table
from watchtime.reporting.findings import finding_conclusion, finding_figure, finding_table, findings_summary
from watchtime.reporting.findings.effects import Effect, groups, largest, sizes
from watchtime.reporting.findings.finding import Finding
from watchtime.reporting.measured.results import Line, Measure
from watchtime.reporting.report import Report

KUAIREC = {"kuairec": {"protocols": ["big_to_small", "random_811"], "methods": ["training_constant/median"]}}
CIKM16 = {"cikm16": {"protocols": ["random_82"], "methods": ["training_constant/median"]}}
WECHAT21 = {"wechat21": {"protocols": ["days_12_1_1"], "core": 20, "tasks": ["label"], "methods": []}}
SHOPPERS = {"valued_shoppers": {"protocols": ["random_712"], "methods": ["training_constant/median"]}}
KUAIRAND = {"kuairand_pure": {"protocols": ["random_622"], "methods": ["training_constant/median"]}}
DATASETS: dict[str, dict[str, Any]] = {
    "findings/tie_rule": KUAIREC,
    "findings/tie_rule_values": SHOPPERS,
    "findings/protocol": KUAIREC,
    "findings/selection_on_test": CIKM16,
    "findings/readouts": KUAIRAND,
    "findings/gr_schedule": KUAIREC,
    "findings/labelcraft_metric": WECHAT21,
    "findings/tpm_variance": KUAIREC,
    "findings/statistics_over_all_rows": KUAIREC,
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(here: Path, name: str, scores: Scores = by_order, **config: Any) -> tuple[Report, Finding]:
    write_run(here, scores=scores, tables=False, datasets=DATASETS[name], artifacts=[name], **config)
    report = Report("results/demo", name)
    return report, Finding.of_page(report, report.datasets[0])


def effect(title: str, usual: list[float], changed: list[float], metric: str = "mae", **other: Any) -> Effect:
    line = Line(title, "paper", "mean")
    before, after = (dict(enumerate(one)) for one in (usual, changed))
    return Effect(title, "a change", line, Measure.of(metric), before, after, **other)


def cells(table: Table) -> list[list[Any]]:
    rows = [row for row in table.rows if isinstance(row, list)]
    return [[one.value if isinstance(one, Cell) else one for one in row] for row in rows]


def test_the_size_of_an_effect_by_hand() -> None:
    (size,) = sizes([effect("a", [10.0, 20.0, 30.0], [11.0, 22.0, 33.0])])
    # The differences are 1, 2, 3: mean 2, and t_{2, 0.975} / √3 = 2.484138.
    assert size.difference.comparison.difference == pytest.approx(2)
    assert size.percent == pytest.approx(10)
    assert size.percent_ends == pytest.approx((10 - 12.42069, 10 + 12.42069), abs=1e-4)
    (unpaired,) = sizes([effect("a", [10.0, 20.0, 30.0], [11.0, 22.0, 33.0], paired=False)])
    assert unpaired.difference.comparison == compare_unpaired([11.0, 22.0, 33.0], [10.0, 20.0, 30.0], "lower")


def test_an_effect_without_randomness_has_a_size_and_no_test() -> None:
    (size,) = sizes([effect("a", [2.0] * 3, [3.0] * 3)])
    assert (size.percent, size.percent_ends, size.is_tested) == (50.0, None, False)
    (size,) = sizes([effect("a", [0.0] * 3, [3.0] * 3)])
    assert (size.percent, size.percent_ends) == (None, None)


def test_effects_are_tested_together() -> None:
    usual = [1.0, 2.0, 3.0]
    changed = [[1.1, 2.2, 3.2], [1.5, 2.1, 3.3], [0.9, 2.4, 2.8]]
    alone = [compare(dict(enumerate(one)), dict(enumerate(usual)), "lower").p_value for one in changed]
    together = sizes([effect(str(place), usual, one) for place, one in enumerate(changed)])
    assert [one.difference.p_value for one in together] == holm(alone)


def test_the_best_row_and_the_turned_pairs_by_hand() -> None:
    """Of a < b < c the change makes b < a < c on MAE; on XAUC, where higher is better, c stays the best."""
    usual = {"a": 1.0, "b": 2.0, "c": 3.0}
    changed = {"a": 2.0, "b": 1.0, "c": 3.0}
    noise = [0.0, 0.01, 0.02]
    made = [
        effect(one, [usual[one] + x for x in noise], [changed[one] + x * (1 + place / 9) for x in noise], metric)
        for metric in ("mae", "xauc")
        for place, one in enumerate(usual)
    ]
    mae, xauc = groups(sizes(made))
    assert mae.ranking is not None
    assert xauc.ranking is not None
    assert (mae.ranking.before, mae.ranking.after, mae.ranking.turned, mae.ranking.pairs) == ("a", "b", 1, 3)
    assert mae.ranking.changes_beyond_noise
    assert (xauc.ranking.before, xauc.ranking.after, xauc.ranking.p_value) == ("c", "c", None)
    assert not xauc.ranking.changes


def test_a_winner_that_changes_within_noise_is_called_so() -> None:
    made = [effect("a", [1.0, 1.1, 1.2], [2.0, 1.0, 3.0]), effect("b", [1.5, 1.6, 1.7], [1.0, 3.0, 1.9])]
    (group,) = groups(sizes(made))
    assert group.ranking is not None
    assert group.ranking.changes
    assert not group.ranking.changes_beyond_noise


def test_rows_of_one_method_are_no_ranking() -> None:
    made = effect("a", [1.0, 2.0], [2.0, 1.0])
    (group,) = groups(sizes([made, made]))
    assert group.ranking is None


def test_the_largest_effect_is_the_largest_that_is_significant() -> None:
    wild = effect("wild", [1.0, 1.0, 1.0], [1.0, 9.0, 2.0])
    sure = effect("sure", [1.0, 2.0, 3.0], [1.1, 2.10001, 3.10002])
    one, other = largest(sizes([wild, sure])), largest(sizes([wild]))
    assert one is not None
    assert one.effect == sure
    assert other is not None
    assert other.effect == wild
    assert largest([]) is None


# Where effects come from


def ties(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
    """GR has the best XAUC where ties are left out, and loses a half by the rule `ptpm`."""
    value = by_order(spec, readout, metric, "strict", repetition)
    if metric != "xauc" or spec.method != "gr":
        return value
    return value - 0.3 * (1 + repetition / 100) if convention == "ptpm" else value


def test_a_rule_for_ties_is_set_beside_strict_on_the_same_predictions(here: Path) -> None:
    report, finding = found(here, "findings/tie_rule", ties)
    changed = {one.effect.change for one in finding.sizes if one.effect.measure.metric == "xauc"}
    assert changed == {f"rule {one}" for one in ("tpm", "rqreg", "d2q", "ptpm", "prowtp")}, (
        "dadf is ptpm by another name"
    )
    moved = [one for one in finding.sizes if one.difference.comparison.difference]
    assert [(one.effect.change, one.effect.title, one.difference.is_significant) for one in moved] == [
        ("rule ptpm", "GR", True)
    ]
    assert moved[0].percent == pytest.approx(-100 * 0.303 / moved[0].effect.usual_mean)
    by_rule = {
        group.change.removeprefix("rule "): group.ranking for group in finding.groups if group.measure.metric == "xauc"
    }
    assert by_rule["ptpm"] is not None
    assert by_rule["tpm"] is not None
    assert (by_rule["tpm"].before, by_rule["tpm"].after) == ("GR", "GR")
    assert (by_rule["ptpm"].before, by_rule["ptpm"].after) == ("GR", "VR")
    assert by_rule["ptpm"].turned > by_rule["tpm"].turned == 0
    shown = finding_table.effects(report, finding, finding.measures[0])
    assert isinstance(shown, Table)
    assert [row[-1] for row in cells(shown)][:2] == [100 * 0.01] * 2
    assert "ptpm" in finding_table.definitions(finding)


def test_readouts_are_those_of_the_same_network_and_a_rank_has_no_error(here: Path) -> None:
    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        usual = by_order(spec, "mean", metric, convention, repetition)
        return usual - 1 if (metric, readout) == ("mae", "median") else usual

    _, finding = found(here, "findings/readouts", scores)
    assert {(one.effect.change, one.effect.measure.metric) for one in finding.sizes} == {
        ("median in place of mean", "mae"),
        ("median in place of mean", "rmse"),
        ("median in place of mean", "xauc"),
        ("rank in place of mean", "xauc"),
    }
    assert {one.difference.comparison.difference for one in finding.sizes if one.effect.measure.metric == "rmse"} == {0}
    assert all(
        one.difference.comparison.difference == pytest.approx(-1)
        for one in finding.sizes
        if one.effect.measure.metric == "mae"
    )
    gr = next(one.effect for one in finding.sizes if one.effect.title == "GR")
    assert gr.line.readout == "mean", "the usual readout is the mean, not GR's own first one"


def test_protocols_are_compared_unpaired(here: Path) -> None:
    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        value = by_order(spec, readout, metric, convention, repetition)
        return value * (1.1 + repetition / 50) if spec.protocol == "random_811" else value

    _, finding = found(here, "findings/protocol", scores)
    assert {one.effect.change for one in finding.sizes} == {"random 8:1:1"}
    titles = ["Training median", "User + item mean", "VR", "D2Q", "TPM", "CREAD"]
    assert [one.effect.title for one in finding.sizes if one.effect.measure.metric == "mae"] == titles
    for one in finding.sizes:
        changed, usual = (list(values.values()) for values in (one.effect.changed, one.effect.usual))
        assert one.difference.comparison == compare_unpaired(changed, usual, one.effect.measure.direction)
    assert not finding.sizes[0].is_tested, "the training median has no randomness"
    assert finding.sizes[2].percent == pytest.approx(12, abs=0.1)


def test_rows_are_set_beside_the_rows_that_the_card_names(here: Path) -> None:
    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        own = {"no_variance": 1.0, "variance_as_released": 3.0}.get(spec.variant, 0.0)
        return 10 + own + {"mean": 0.1, "median": 0.2, "rank": 0.3}[readout] if metric == "mae" else 1.0

    _, finding = found(here, "findings/tpm_variance", scores)
    moved: list[Any] = [(one.effect.change, one.effect.title, one.percent) for one in finding.sizes if one.percent]
    assert moved == [
        ("no variance term", "TPM (mean)", pytest.approx(100 / 10.1)),
        ("no variance term", "TPM (median)", pytest.approx(100 / 10.2)),
        ("the term as coded", "TPM (mean)", pytest.approx(300 / 10.1)),
        ("the term as coded", "TPM (median)", pytest.approx(300 / 10.2)),
        ("as coded, beside none", "without the term (mean)", pytest.approx(200 / 11.1)),
        ("as coded, beside none", "without the term (median)", pytest.approx(200 / 11.2)),
    ]
    assert all(group.ranking is None for group in finding.groups)


def test_a_measure_has_the_papers_convention_as_the_usual_one(here: Path) -> None:
    _, finding = found(here, "findings/labelcraft_metric")
    assert {(one.effect.measure.convention, one.effect.change) for one in finding.sizes} == {("paper", "rule released")}


# Pages


@pytest.mark.parametrize("name", DATASETS)
def test_a_page_runs_with_what_it_declares_alone(here: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    report, _ = found(here, name)
    inputs = {path.resolve() for path in page_inputs(report.plan, name)}
    for path in report.plan.folder.rglob("*"):
        if path.is_file() and path.resolve() not in inputs and path.name != "config.yaml":
            path.unlink()
    text = report.plan.template(name).read_text(encoding="utf-8")
    write_text(here / "page.py", text.replace("findings/readouts", name))
    runpy.run_path(str(here / "page.py"))
    assert "Traceback" not in capsys.readouterr().err
    assert report.heading().startswith(r"# Findings\: ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda repetition: 0.2 * (1 + repetition / 100), "Of 9 effects with a test, 3 are significant."),
        (lambda repetition: 10 * (repetition - 1) - 5, "Of 9 effects with a test, none is significant."),
    ],
)
def test_a_conclusion_says_what_is_no_chance(here: Path, change: Callable[[int], float], said: str) -> None:
    def scores(spec: JobSpec, readout: str, metric: str, convention: str, repetition: int) -> float:
        leaks = spec.leak is not None and metric == "mae"
        noise = repetition * (1 + len(metric)) / 10_000 if spec.leak else 0.0
        return by_order(spec, readout, metric, convention, repetition) - noise - (change(repetition) if leaks else 0.0)

    report, finding = found(here, "findings/statistics_over_all_rows", scores)
    assert said in finding_conclusion.conclusion(report, finding)
    assert "in per cent moves the MAE of" in finding_conclusion.conclusion(report, finding)


def test_one_repetition_concludes_nothing_from_chance(here: Path) -> None:
    report, finding = found(here, "findings/selection_on_test", repetitions=1)
    assert "One repetition" in finding_conclusion.conclusion(report, finding)
    assert all(one.percent_ends is None for one in finding.sizes)
    finding_figure.draw(report, finding)


def test_a_page_whose_rows_were_not_run_says_so(here: Path) -> None:
    report, finding = found(here, "findings/statistics_over_all_rows")
    empty = Finding(finding.plan, finding.name, finding.dataset, finding.metrics.clear())
    assert "None of the rows" in str(finding_table.changes(report, empty))
    assert "No effect on MAE" in str(finding_table.effects(report, empty, empty.measures[0]))
    assert "nothing can be concluded" in finding_conclusion.conclusion(report, empty)


def test_the_summary_has_one_row_for_each_finding_with_its_largest_effect(here: Path) -> None:
    names = ["findings/protocol", "findings/statistics_over_all_rows"]
    write_run(here, datasets=KUAIREC, artifacts=names)
    rows = cells(findings_summary.table(Report("results/demo", "summary")))  # type: ignore[arg-type]
    assert [row[-1] for row in rows] == names
    for row in rows:
        report = Report("results/demo", row[-1])
        finding = Finding.of_page(report, "kuairec")
        one = largest(finding.sizes)
        assert one is not None
        assert row[2].endswith(f"{one.effect.title}: {one.effect.change}")
        shown = row[3].mean if isinstance(row[3], Interval) else row[3]
        assert (shown, row[4]) == (one.percent, one.difference.p_value)


def test_a_run_without_findings_has_none_in_its_summary(here: Path) -> None:
    write_run(here, datasets=KUAIRAND, artifacts=[])
    assert "None of the effects" in str(findings_summary.table(Report("results/demo", "summary")))
