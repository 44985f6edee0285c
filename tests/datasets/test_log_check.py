"""What `watchtime check-data` says: every problem at once, or what the log holds and what does not fit it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from own_logs import START, frame, own_log, write
from watchtime.core.catalog import find_root
from watchtime.core.config import DatasetSource, RunConfig, to_yaml
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json
from watchtime.core.own_card import own_card
from watchtime.datasets.log_check import check_log
from watchtime.datasets.prepare import prepare_interactions

DAY = 86_400


def standard(**columns: Any) -> pl.DataFrame:
    """Return ten rows of ten days under the standard names, five users of two items, but for the given columns."""
    table = {
        "user": [place // 2 for place in range(10)],
        "item": [place % 2 for place in range(10)],
        "watch_time": [0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        "duration": [4.0, 8.0] * 5,
        "timestamp": [START + place * DAY for place in range(10)],
        **columns,
    }
    return pl.DataFrame({name: values for name, values in table.items() if values is not None}, strict=False)


def said(table: pl.DataFrame, path: Path) -> tuple[dict[str, str], list[str]]:
    """Return the facts and the notes on a table that is written to ``path``."""
    if path.suffix == ".csv":
        table.write_csv(path)
    else:
        table.write_parquet(path)
    lines = check_log(path, None, None, find_root())
    notes = [line.removeprefix("note: ") for line in lines if line.startswith("note: ")]
    facts = lines[: len(lines) - len(notes)]
    # Names are padded to one width, and two spaces part them from the values.
    width = max(map(len, (line.split("  ")[0] for line in facts))) + 2
    assert all(line[width - 2 : width] == "  " and line[width] != " " for line in facts)
    return {line[:width].rstrip(): line[width:] for line in facts}, notes


def problems(path: Path, config: Path | None = None, dataset: str | None = None) -> list[str]:
    with pytest.raises(WatchtimeError) as error:
        check_log(path, config, dataset, find_root())
    return str(error.value).split("\n")


def configured(tmp_path: Path, **changes: Any) -> Path:
    """Write a run's configuration whose own log is not there: the file that is checked stands for it."""
    sources = {"mine": DatasetSource(log=own_log(tmp_path / "not there.parquet"))}
    config = RunConfig(**{"name": "mine", "datasets": sources, "tasks": ["watch_time"], "methods": ["vr"], **changes})
    (tmp_path / "run.yaml").write_text(to_yaml(config))
    return tmp_path / "run.yaml"


# What a log holds


@pytest.mark.parametrize("name", ["log.parquet", "log.csv"])
def test_the_summary_counts(tmp_path: Path, name: str) -> None:
    table = standard(watch_time=[0.0, 0, 2, 3, 4, 5, 6, 7, 41, 80], user=[0, 0, 0, 0, 1, 1, 1, 1, 2, 3])
    table = pl.concat([table, table.head(1)])
    facts, notes = said(table, tmp_path / name)
    assert facts == {
        "rows": "11",
        "users": "4, 50.0% of them with a single row",
        "items": "2, 0.0% of them with a single row",
        "watch_time": "0 to 80 s, median 4 s, 27.3% of the rows are 0",
        "duration": "4 to 8 s, median 4 s, 0.0% of the rows are 0",
        "watch ratio": "above 10 on 1 rows",
        "time": "2026-01-01 00:00:00 to 2026-01-10 00:00:00 (UTC, `time_unit: s`)",
        "days": "10 from the first to the last, 10 of them with rows",
        "repeated": "1 rows repeat a (user, item, time)",
        "rule zero_duration: drop": "drops 0 rows",
        "rule repeated_key: keep_first": "drops 1 rows",
        "rule largest_ratio: 10": "drops 1 rows",
    }
    assert notes == ["the log covers 10 days, so days_12_1_1 (14 days) does not fit."]


@pytest.mark.parametrize(
    ("times", "unit"),
    [
        ([START + place * DAY for place in range(10)], "s"),
        ([(START + place * DAY) * 1000 for place in range(10)], "ms"),
        ([f"2026-01-0{place + 1} 00:00:00" for place in range(9)] + ["2026-01-10T00:00:00"], "text"),
    ],
)
def test_the_unit_of_the_times_is_found_where_no_configuration_says_it(
    tmp_path: Path, times: list[Any], unit: str
) -> None:
    facts, _ = said(standard(timestamp=times), tmp_path / "log.csv")
    assert facts["time"] == f"2026-01-01 00:00:00 to 2026-01-10 00:00:00 (UTC, `time_unit: {unit}`)"


def test_a_gap_between_days_is_no_day_less(tmp_path: Path) -> None:
    facts, notes = said(
        standard(timestamp=[START + (0 if place < 5 else 13 * DAY) for place in range(10)]), tmp_path / "log.csv"
    )
    assert facts["days"] == "14 from the first to the last, 2 of them with rows"
    assert notes == ["the log covers 14 days, so days_8_2 (10 days) and days_4_3_3 (10 days) do not fit."]


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        (
            {"timestamp": None},
            "there is no time, so chronological_811, days_8_2, days_4_3_3 and days_12_1_1 do not fit and no row is "
            "known to repeat another.",
        ),
        (
            {"timestamp": [place * DAY for place in range(10)]},
            "all times lie in 1970: `time_unit: s` is wrong unless they count from a day of their own.",
        ),
        ({"duration": None}, "there is no duration, so there is no watch ratio, and "),
        ({"duration": None, "durations": [1] * 10}, "no column 'duration', found 'durations' instead; --config "),
        ({"watch_time": [7.0] * 10}, "watch_time never varies: there is nothing to predict."),
        (
            {"watch_time": [place * 1000.0 for place in range(10)]},
            "half of the rows are watched for more than 3600 s: is it `unit: ms`?",
        ),
        (
            {"watch_time": [0.0, 400.0] + [1.0] * 7 + [800.0]},
            "20% of the rows have a watch ratio above 10: are 'watch_time' and 'duration' in the same unit?",
        ),
        (
            {"user": [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]},
            "80% of the users have a single row: most are unknown in test, and XGAUC leaves them out.",
        ),
    ],
)
def test_what_a_user_may_want_to_know_is_noted(tmp_path: Path, columns: dict[str, Any], note: str) -> None:
    _, usual = said(standard(), tmp_path / "usual.csv")
    _, notes = said(standard(**columns), tmp_path / "log.csv")
    assert any(one.startswith(note) for one in notes), notes
    assert not any(one.startswith(note) for one in usual)


def test_methods_without_a_duration_are_named(tmp_path: Path) -> None:
    _, notes = said(standard(duration=None), tmp_path / "log.csv")
    (note,) = [one for one in notes if "duration" in one]
    assert " d2q" in note
    assert " vr" not in note


# What is wrong


def test_every_kind_of_problem_is_told_at_once_in_the_order_of_the_rows(tmp_path: Path) -> None:
    table = standard(
        watch_time=[0.0, -1, None, -3, float("inf"), 5, 6, 7, 8, 9],
        user=[0, 0, 1, 1, None, None, 2, 2, 3, 3],
        timestamp=[START] * 9 + [None],
    )
    table.write_parquet(tmp_path / "log.parquet")
    where = f"{tmp_path / 'log.parquet'}: row"
    assert [line.split(", allowed")[0] for line in problems(tmp_path / "log.parquet")] == [
        f"{where} 2, column watch_time: found '-1.0' (3 such rows)",
        f"{where} 3, column watch_time: found an empty cell",
        f"{where} 5, column user: found an empty cell (2 such rows)",
        f"{where} 10, column timestamp: found an empty cell",
    ]


def test_missing_columns_do_not_hide_wrong_cells_nor_varying_features(tmp_path: Path) -> None:
    table = frame().with_columns(liked=pl.lit(3)).drop("seconds", "device")
    table = table.with_columns(age=pl.int_range(60), tags=pl.lit("a"))
    path = write(table, tmp_path / "log.csv")
    found = problems(path, configured(tmp_path))
    assert [line.removeprefix(f"{path}: ").split(",")[0] for line in found] == [
        "the column 'seconds' is missing",
        "the column 'device' is missing",
        "row 1",
        "row 3",
    ]
    assert "found '3' (60 such rows), allowed: 0 or 1" in found[2]
    assert "of the same user" in found[3]
    assert f"({60 - 6} such rows)" in found[3]


def test_a_wrong_cell_is_not_told_again_as_one_that_varies(tmp_path: Path) -> None:
    ages = [None if place == 3 else "20" for place in range(9)]
    table = frame(9, users=1).with_columns(age=pl.Series(["20"] * 3 + ["old"] + ["20"] * 5))
    (line,) = problems(write(table, tmp_path / "log.csv"), configured(tmp_path))
    assert "row 4, column age: found 'old', allowed: a finite number" in line
    (line,) = problems(write(table.with_columns(age=pl.Series(ages)), tmp_path / "log.csv"), configured(tmp_path))
    assert "row 4, column age: found an empty cell, but row 1 of the same user '100' has '20'" in line


def test_without_a_configuration_the_standard_names_are_expected(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    standard().rename({"user": "user_id", "watch_time": "watchtime"}).write_csv(path)
    assert problems(path) == [
        f"{path}: the column 'user' is missing, found 'user_id' instead; `log.user` in the configuration names it.",
        f"{path}: the column 'watch_time' is missing, found 'watchtime' instead; "
        "`log.target` in the configuration names it.",
    ]


def test_rows_that_the_rules_all_drop_are_told(tmp_path: Path) -> None:
    standard(duration=[0] * 10).write_csv(tmp_path / "log.csv")
    said = "no row is left after the rule 'zero_duration: drop', 10 were there before it."
    assert problems(tmp_path / "log.csv") == [f"{tmp_path / 'log.csv'}: {said}"]


def test_the_protocols_of_the_configuration_have_to_fit(tmp_path: Path) -> None:
    config = configured(tmp_path, protocols=["random_622", "days_8_2", "days_12_1_1"])
    path = write(frame(200, days=9), tmp_path / "log.tsv")
    found = problems(path, config)
    assert [line.split(": ")[1] for line in found] == ["protocol days_8_2", "protocol days_12_1_1"]
    assert "the log covers 9 days (2026-01-01 to 2026-01-09), exactly 10 are expected" in found[0]
    assert check_log(path, configured(tmp_path, protocols=["chronological_811"]), None, find_root())
    two = write(frame(2), tmp_path / "two.csv")
    (line,) = problems(two, configured(tmp_path))
    assert line.startswith(f"{two}: protocol random_622: ")
    assert "part is empty" in line


def test_protocols_split_the_rows_that_count(tmp_path: Path) -> None:
    config = configured(tmp_path, protocols=["days_8_2"])
    table = frame(200, days=10)
    assert check_log(write(table, tmp_path / "log.csv"), config, None, find_root())
    last = pl.col("at") >= START + 9 * DAY
    short = table.with_columns(length=pl.when(last).then(0.0).otherwise("length"))
    (line,) = problems(write(short, tmp_path / "log.csv"), config)
    assert "the log covers 9 days" in line


def test_the_core_of_the_configuration_counts(tmp_path: Path) -> None:
    path = write(frame(400, days=14), tmp_path / "log.csv")
    sources = {name: DatasetSource(log=own_log(path), core=core) for name, core in (("mine", None), ("small", 5))}
    config = configured(tmp_path, datasets=sources, protocols=["days_12_1_1"])
    (line,) = problems(path, config, "mine")
    assert "no row is left in the 120-core" in line
    assert check_log(path, config, "small", find_root())


def test_long_times_in_milliseconds_are_not_doubted(tmp_path: Path) -> None:
    table = frame().with_columns(pl.col("seconds", "length") * 1e7)
    path = write(table, tmp_path / "log.csv")
    for unit, doubted in (("s", True), ("ms", False)):
        config = configured(tmp_path, datasets={"mine": DatasetSource(log=own_log(path, unit=unit))})
        assert any("is it `unit: ms`?" in line for line in check_log(path, config, None, find_root())) == doubted


def test_the_rows_that_count_are_those_of_the_run(tmp_path: Path) -> None:
    """What the summary says of the rules is what the run's own step counts; features are checked, the file is ours."""
    config = configured(tmp_path)
    path = write(frame(300).with_columns(seconds=pl.col("seconds") * 6), tmp_path / "log.csv")
    lines = check_log(path, config, "mine", find_root())
    card = own_card("mine", own_log(path))
    prepare_interactions("own_log", tmp_path, {}, card.rules, card, tmp_path / "output")
    counts = [step["rows"] for step in read_json(tmp_path / "output" / "counts.json")["rules"]]
    assert counts[-1] < counts[-2] <= 300
    drops = [int(line.split("drops ")[1].split(" ")[0]) for line in lines if line.startswith("rule ")]
    assert drops == [before - after for before, after in pairwise(counts)]


@pytest.mark.parametrize(
    ("changes", "dataset", "said"),
    [
        ({"datasets": {"kuairand_pure": DatasetSource()}}, None, "none of them has the key 'log'; config/own_log.yaml"),
        ({}, "mein", "--dataset: unknown own log 'mein', did you mean 'mine'? Allowed: mine."),
        ({"protocols": ["random_62"]}, None, "protocols: unknown protocol 'random_62', did you mean 'random_622'?"),
    ],
)
def test_a_configuration_that_does_not_fit_is_told(
    tmp_path: Path, changes: dict[str, Any], dataset: str | None, said: str
) -> None:
    path = write(frame(), tmp_path / "log.csv")
    (line,) = problems(path, configured(tmp_path, **changes), dataset)
    assert said in line


def test_of_several_own_logs_one_has_to_be_named(tmp_path: Path) -> None:
    path = write(frame(), tmp_path / "log.csv")
    sources = {name: DatasetSource(log=own_log(path)) for name in ("mine", "indust")}
    config = configured(tmp_path, datasets=sources)
    assert problems(path, config) == [f"{config}: datasets: found 2 own logs, --dataset says which: mine, indust."]
    assert check_log(path, config, "indust", find_root())


def test_a_data_set_without_a_configuration_is_told(tmp_path: Path) -> None:
    path = write(frame(), tmp_path / "log.csv")
    assert problems(path, None, "mine") == [
        "--dataset: found 'mine', but it needs --config, where the data sets stand."
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for config in (None, configured(tmp_path)):
        assert problems(tmp_path / "none.csv", config) == [f"{tmp_path / 'none.csv'}: the file does not exist."]


def test_the_moments_are_those_of_the_log(tmp_path: Path) -> None:
    table = frame(100)
    lines = check_log(write(table, tmp_path / "log.csv"), configured(tmp_path), None, find_root())
    first, last = (datetime.fromtimestamp(one, UTC) for one in (table["at"][0], table["at"][-1]))
    assert f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} (UTC" in "\n".join(lines)
