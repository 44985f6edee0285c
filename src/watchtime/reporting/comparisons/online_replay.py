"""The page of an online test: what the paper measured on live traffic beside an offline replay of the two policies."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import numpy as np

from watchtime.analyses.replay.stage import EXPECTED
from watchtime.evaluation.gains import Gain, users_needed
from watchtime.reporting.comparisons.replay import ALL, PURCHASES, WATCH_TIME, Replay
from watchtime.reporting.elements.alignment import Interval, format_number
from watchtime.reporting.elements.figures import PALETTE, figure, show
from watchtime.reporting.elements.notes import Notes
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown, escape
from watchtime.reporting.elements.words import sentence
from watchtime.reporting.measured.repetitions import by_repetition, mean
from watchtime.reporting.published.cells import PublishedCell, read_published
from watchtime.reporting.report import Report

AUC, TIME = "AUC", "prediction time"
STANDS_FOR = {
    "video_consumption_time_gain_pct": WATCH_TIME,
    "watch_time_gain_pct": WATCH_TIME,
    "adv_gain_pct": PURCHASES,
    "auc_gain_pct": AUC,
    "latency_change_pct": TIME,
    "cpu_time_change_pct": TIME,
}
"""What is measured here for a metric of a live test; a metric that is not named has no counterpart."""

TITLES = {
    "app_usage_time_gain_pct": "App usage time",
    "avg_app_usage_per_user_gain_pct": "App usage time per user",
    "usage_time_gain_pct": "App usage time",
    "video_consumption_time_gain_pct": "Video consumption time",
    "watch_time_gain_pct": "Watch time",
    "adv_gain_pct": "Advertiser value",
    "auc_gain_pct": "AUC",
    "latency_change_pct": "Latency",
    "cpu_time_change_pct": "CPU time",
}
PARTS = {"full": ALL, "overall": ALL, "longtail": "long tail"}
"""The part of the items that a published row is about."""


def about(replay: Replay) -> Markdown:
    """Say what is replayed: on whom, with what, and how it differs from a test on live traffic."""
    report, stage, options = replay.report, replay.stage, replay.options
    simulated = report.plan.is_simulated(replay.dataset)
    outcome = {PURCHASES: "what is bought", WATCH_TIME: "the seconds for which they are watched"}[replay.measured]
    source = (
        "drawn from the simulator's law, anew every day, and the same for both policies where they show the same"
        if simulated
        else "read from the log, in which nearly every pair was watched"
    )
    control, treatment = map(escape, replay.titles)
    left_out, users = stage["without_enough"], stage["visitors"] + stage["without_enough"]
    few = f" {left_out:,} users with fewer are left out." if left_out else ""
    return Markdown(
        f"**Replay.** Every day each of {stage['visitors']:,} users is offered {options.candidates} "
        f"{report.items(replay.dataset)}, drawn at random from {stage['pairs'] / users:,.0f} on average.{few} "
        f"{treatment} (treatment) and {control} (control) each show the {options.shown} with the highest prediction; "
        f"what follows, {outcome}, is {source}. *Same users* compares what both policies bring from the same users, "
        "which only a replay can do. *Two buckets* splits the users in two halves at random, as a live test does, and "
        "has the treatment in one of them. On A/A days both have the control."
    )


def table(replay: Replay) -> Table:
    """Every metric of the live test, and over all test days what stands for it in the replay."""
    notes, rows = Notes(), list[Section | list[Cell | Value]]()
    printed = [cell for cell in _published(replay.report) if cell.metric in TITLES and cell.variant in PARTS]
    for cell in printed:
        measured = STANDS_FOR.get(cell.metric)
        said = _verdict(replay.report, cell) + ("" if measured else " Nothing stands for it in a replay.")
        name = f"{TITLES[cell.metric]}{_of(PARTS[cell.variant])}"
        rows.append([name, Cell(cell.value, note=notes.letter(said)), *_found(replay, cell, measured)])
    for part in [] if printed else replay.parts:
        rows.append([f"{replay.measured.capitalize()}{_of(part)}", None, *_gains(replay, part), None])
    columns = [Column("Gain in"), Column("Paper", "%")]
    columns += [Column(name, "%", 2) for name in ("Same users", "Over repetitions", "Expected", "Two buckets")]
    control, treatment = replay.titles
    expected = "by the law's expectations, not draws" if replay.knows_expectations else "not known of real logs"
    caption = (
        f"Gains of {treatment} over {control} on {replay.report.data_title(replay.dataset)}, over all test days. Same "
        "users: ± half of the 95 % interval of a bootstrap over users. Over repetitions: the mean over networks "
        f"trained from other seeds, with their 95 % interval. Expected: {expected}. Two buckets: as a live test on so "
        "many users would see it. Last column: how many users such a test needs for an interval of ± the paper's gain."
    )
    return Table([*columns, Column("Users needed")], rows, caption=caption, notes=notes.texts)


def daily_table(replay: Replay) -> Table:
    """The gain of every day, beside the printed one where the paper has one per day."""
    printed = _printed_by_day(replay)
    rows: list[Section | list[Cell | Value]] = []
    for part in replay.parts:
        if part != ALL:
            rows.append(Section(part.capitalize()))
        for day, phase in replay.days:
            same = _interval(replay.same_users(part, day=day)) if phase == "test" else None
            cells: list[Cell | Value] = [str(day), "A/B" if phase == "test" else "A/A"]
            cells += [printed.get(day)] if printed else []
            rows.append([*cells, same, _interval(replay.two_buckets(part, day))])
    columns = [Column("Day", align="right"), Column("Phase")]
    columns += [Column("Paper", "%", 3)] if printed else []
    columns += [Column("Same users", "%", 2), Column("Two buckets", "%", 2)]
    control, treatment = replay.titles
    caption = (
        f"Daily gain in {replay.measured} of {treatment} over {control} on {replay.report.data_title(replay.dataset)}, "
        "± half of the 95 % interval over users. On A/A days the same users have the same policy twice, so nothing "
        "differs."
    )
    return Table(columns, rows, caption=caption)


def draw(replay: Replay) -> None:
    """Draw the daily gains as two buckets show them, those of the same users beside them, A/A days shaded."""
    drawing = figure("full", 52)
    panels = drawing.subplots(1, len(replay.parts), squeeze=False)[0]
    printed = _printed_by_day(replay)
    for panel, part in zip(panels, replay.parts, strict=True):
        both = {day: replay.two_buckets(part, day) for day, _ in replay.days}
        same = {day: replay.same_users(part, day=day) for day, phase in replay.days if phase == "test"}
        _dots(panel, both, -0.12, color=PALETTE["blue"], fmt="o", label="two buckets")
        _dots(panel, same, 0.12, color=PALETTE["vermilion"], fmt="s", label="same users")
        if printed:
            panel.plot(list(printed), list(printed.values()), "x", color=PALETTE["black"], label="paper")
        for day in (day for day, phase in replay.days if phase == "same"):
            panel.axvspan(day - 0.5, day + 0.5, color="#eeeeee", zorder=0)
        panel.axhline(0, color=PALETTE["black"], linewidth=0.6)
        title = "" if len(replay.parts) == 1 else "All products" if part == ALL else part.capitalize()
        panel.set(xlabel="Day", ylabel=f"Gain in {replay.measured} (%)", title=title, xticks=list(both))
    drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    control, treatment = replay.titles
    caption = (
        f"Daily gain in {replay.measured} of {treatment} over {control} on {replay.report.data_title(replay.dataset)}, "
        f"with 95 % intervals over users. Grey: A/A days, on which both buckets have {control}."
    )
    show(drawing, caption)


def conclusion(replay: Replay) -> Markdown:
    """Say what the replay finds, what an A/A day looks like, and how large a live test would have to be."""
    control, treatment = replay.titles
    lines = []
    for part in replay.parts:
        gain, trainings = replay.same_users(part), replay.by_repetition(part)
        gaining = f"; {sum(one > 0 for one in trainings.values())} of {len(trainings)} trainings gain"
        lines.append(
            f"{treatment} brings {_word(gain)} {replay.measured}{_of(part)} than {control} from the same users: "
            f"{_said(gain)}{gaining if len(trainings) > 1 else ''}."
        )
    same = [replay.two_buckets(ALL, day) for day, phase in replay.days if phase == "same"]
    if same:
        half = float(np.mean([(gain.high - gain.low) / 2 for gain in same]))
        lines.append(
            f"On an A/A day two buckets of this size differ by chance alone: half of the interval is "
            f"{format_number(half, 1)} %."
        )
    lines += [
        f"The paper prints a gain of {cell.value:g} % in {TITLES[cell.metric].lower()}{_of(PARTS[cell.variant])}. To "
        f"tell it from chance, two buckets of such users would need {_needed(replay, cell):,} users in all."
        for cell in _published(replay.report)
        if STANDS_FOR.get(cell.metric) == replay.measured and cell.variant in PARTS
    ]
    return Markdown("\n".join(f"- {escape(line)}" for line in lines))


def _published(report: Report) -> list[PublishedCell]:
    return [cell for cell in read_published(report.plan.published_files) if cell.name == report.name]


def _printed_by_day(replay: Replay) -> dict[int, float]:
    """Return the printed gains by day, of what is measured here."""
    return {
        int(cell.variant.removeprefix("day")): cell.value
        for cell in _published(replay.report)
        if cell.variant.startswith("day") and STANDS_FOR.get(cell.metric) == replay.measured
    }


def _verdict(report: Report, cell: PublishedCell) -> str:
    found = report.verdicts.filter(method=cell.method, variant=cell.variant, metric=cell.metric)
    return sentence(f"{found['verdict'][0]}: {found['reason'][0]}")


def _found(replay: Replay, cell: PublishedCell, measured: str | None) -> list[Cell | Value]:
    """Return what stands for a printed metric, below the columns of the table; what does not is empty."""
    part = PARTS[cell.variant]
    if measured == replay.measured:
        return [*_gains(replay, part), _needed(replay, cell)]
    changed = {AUC: _auc_change, TIME: _time_change}.get(measured or "")
    return [None, changed(replay, part) if changed else None, None, None, None]


def _gains(replay: Replay, part: str) -> list[Cell | Value]:
    expected = _interval(replay.same_users(part, EXPECTED)) if replay.knows_expectations else None
    repetitions = mean(replay.by_repetition(part))
    return [_interval(replay.same_users(part)), repetitions, expected, _interval(replay.two_buckets(part))]


def _needed(replay: Replay, cell: PublishedCell) -> int:
    return users_needed(replay.two_buckets(PARTS[cell.variant]), replay.stage["visitors"], cell.value)


def _auc_change(replay: Replay, part: str) -> Value:
    """Return by how many per cent the treatment's AUC is higher, over repetitions."""
    frame = replay.report.analysis(replay.dataset, "auc").filter(part=part)
    control, treatment = (by_repetition(frame.filter(row=row), "auc") for row in (replay.control, replay.treatment))
    return mean({one: 100 * (treatment[one] / control[one] - 1) for one in control.keys() & treatment.keys()})


def _time_change(replay: Replay, part: str) -> Value:
    """Return by how many per cent the treatment takes longer to predict the test rows."""
    jobs = replay.report.jobs(replay.dataset)
    control, treatment = (
        replay.report.measured_time(jobs[row])["prediction_seconds"] for row in (replay.control, replay.treatment)
    )
    return float(100 * (treatment / control - 1))


def _dots(panel: Any, gains: dict[int, Gain], shift: float, **look: Any) -> None:
    centre = [gain.percent for gain in gains.values()]
    reach = [
        [max(0.0, gain.percent - gain.low) for gain in gains.values()],
        [max(0.0, gain.high - gain.percent) for gain in gains.values()],
    ]
    panel.errorbar([day + shift for day in gains], centre, reach, linewidth=0.9, linestyle="none", **look)


def _interval(gain: Gain) -> Interval:
    return Interval(gain.percent, gain.low, gain.high)


def _of(part: str) -> str:
    return "" if part == ALL else f" ({part})"


def _word(gain: Gain) -> str:
    return "more" if gain.low > 0 else "less" if gain.high < 0 else "neither more nor less"


def _said(gain: Gain) -> str:
    return f"{gain.percent:+.1f} % ({gain.low:+.1f} to {gain.high:+.1f})".replace("-", "−")
