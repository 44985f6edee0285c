"""Fit the simulator's stored tables to the marginals of a real KuaiRand-Pure log. Run by hand.

    python benchmarks/fit_simulator_tables.py FOLDER behaviour  > src/watchtime/datasets/simulator/tables.py
    python benchmarks/fit_simulator_tables.py FOLDER attributes > src/watchtime/datasets/simulator/attributes.py

FOLDER holds ``data/log_standard_4_22_to_5_08_pure.csv`` and the two feature files in the official layout.
Only aggregates are printed: quantiles, shares and rates. The odds of the five kinds of view are calibrated last:
worlds are simulated, and the odds are scaled until the average share of each kind, by duration and by tab, is the
real one. That step reads the committed tables: after a change of the marginals, run twice.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from watchtime.datasets.simulator.arithmetic import bend, generator
from watchtime.datasets.simulator.exposure import draw_pairs
from watchtime.datasets.simulator.law import KINDS, duration_position, play_time_limits
from watchtime.datasets.simulator.population import make_world
from watchtime.datasets.simulator.world import affinity, tilts

DURATION_EDGES = np.array([0, 8e3, 13e3, 20e3, 30e3, 60e3, 120e3, 240e3, np.inf])
LEVELS = np.concatenate([np.arange(32) / 32, [63 / 64, 127 / 128, 255 / 256, 1.0]])
COARSE_LEVELS = np.arange(17) / 16
TAIL_LEVELS = np.concatenate([np.arange(32) / 32, [63 / 64, 127 / 128, 255 / 256, 511 / 512, 1.0]])
EVENTS = ("is_like", "is_follow", "is_comment", "is_forward", "is_hate", "is_profile_enter")
FEWEST_ROWS = 400
LARGEST_RATIO = 10.0


def read_log(folder: Path) -> pl.DataFrame:
    log = pl.read_csv(folder / "data/log_standard_4_22_to_5_08_pure.csv")
    log = log.unique(["user_id", "video_id", "time_ms"], keep="first", maintain_order=True)
    return log.filter((pl.col("duration_ms") > 0) & (pl.col("play_time_ms") < LARGEST_RATIO * pl.col("duration_ms")))


def kinds_of(play: Any, duration: Any) -> Any:
    bounds = play_time_limits(duration)
    return (play > 0).astype(int) + sum((play >= bound).astype(int) for bound in bounds[1:4]) * (play > 0)


def shape(position: Any, open_end: bool) -> list[float]:
    """Return the quantile knots of positions between a kind's lower (0) and upper (1) limit, strictly increasing."""
    knots = np.quantile(position, LEVELS).round(5)
    knots[0] = 0.0
    if not open_end:
        knots[-1] = 1.0
    steps = 1e-5 * np.arange(len(knots))
    return list((np.maximum.accumulate(knots - steps) + steps).round(5))


def shapes(play: Any, duration: Any, kind: Any, group: Any) -> dict[str, list[list[float]]]:
    """Return per kind and duration group its quantile knots; groups with few rows borrow from their neighbours."""
    bounds = play_time_limits(duration)
    found: dict[str, list[list[float]]] = {}
    for code, name in enumerate(KINDS[1:], start=1):
        low, high = bounds[code - 1], bounds[code]
        position = (play - low) / (high - low)
        found[name] = []
        for here in range(len(DURATION_EDGES) - 1):
            reach = 0
            while (chosen := (kind == code) & (abs(group - here) <= reach)).sum() < FEWEST_ROWS:
                reach += 1
            found[name].append(shape(position[chosen], open_end=name == "replay"))
    return found


def shares(values: Any, count: int) -> list[float]:
    return list((np.bincount(values, minlength=count) / len(values)).round(5))


def relative_knots(counts: Any) -> list[float]:
    return list(np.quantile(counts / counts.mean(), TAIL_LEVELS).round(3))


def behaviour(folder: Path) -> dict[str, Any]:
    """Return every table of ``tables.py`` but the odds, and the real shares that the odds are calibrated to."""
    log = read_log(folder)
    play, duration = log["play_time_ms"].to_numpy(), log["duration_ms"].to_numpy()
    tab, hour = log["tab"].to_numpy(), log["hourmin"].to_numpy() // 100
    kind = kinds_of(play, duration)
    group = np.searchsorted(DURATION_EDGES, duration, side="left") - 1
    engaged = np.array([(kind[(hour == h) & (kind > 0)] > 1).mean() for h in range(24)])
    video = pl.read_csv(folder / "data/video_features_basic_pure.csv", infer_schema_length=None)
    known = video["video_duration"].drop_nulls().to_numpy()
    rates = {}
    for event in EVENTS:
        happened = log[event].to_numpy()
        rates[event] = [round(float(happened[kind == code].mean()), 5) for code in range(5)]
    reading = log["comment_stay_time"].to_numpy()
    rates["comment_stay"] = [round(float((reading[kind == code] > 0).mean()), 5) for code in range(5)]
    overall = np.bincount(kind, minlength=5) / len(kind)
    by_tab = np.stack([np.bincount(kind[tab == t], minlength=5) + 20 * overall for t in range(15)])
    return {
        "DURATION_MS": [int(v) for v in np.quantile(known, TAIL_LEVELS)],
        "USER_ACTIVITY": relative_knots(log.group_by("user_id").len()["len"].to_numpy()),
        "ITEM_POPULARITY": relative_knots(log.group_by("video_id").len()["len"].to_numpy()),
        "TAB_SHARES": shares(tab, 15),
        "HOUR_SHARES": shares(hour, 24),
        "HOUR_EFFECTS": list((engaged / engaged.mean() - 1).round(3)),
        "COMMENT_STAY_MS": [int(v) for v in np.quantile(reading[reading > 0], COARSE_LEVELS)],
        "FEEDBACK_RATES": rates,
        "DURATION_NODES_MS": [float(np.median(duration[group == g])) for g in range(len(DURATION_EDGES) - 1)],
        "SHAPES": shapes(play, duration, kind, group),
        "real_by_duration": np.stack(
            [np.bincount(kind[group == g], minlength=5) / (group == g).sum() for g in range(group.max() + 1)]
        ),
        "real_by_tab": by_tab / by_tab.sum(axis=1, keepdims=True),
    }


def calibrate(tables: dict[str, Any], real: dict[str, Any], worlds: int = 8, rows: int = 60_000) -> None:
    """Rake the odds by duration and by tab until simulated worlds have the real shares of the five kinds.

    The kind zero depends on the tab alone: that tabs show videos of different durations is left out. The feedback
    rates are divided by the mean tilt that they get from the affinity of the pairs in each kind.
    """
    parts = []
    for seed in range(worlds):
        world = make_world(users=4000, items=3000, seed=1000 + seed)
        users, items, context = draw_pairs(world, generator(seed, part="calibration"), rows)
        node, fraction = duration_position(world.items.duration_ms[items])
        liking = bend(affinity(world, users, items))
        parts.append((tilts(world, users, items, context), node, fraction, context.tab, liking))
    tilt, node, fraction, tab, liking = (np.concatenate(column) for column in zip(*parts, strict=True))
    near = node + (fraction >= 0.5)
    played = real["real_by_duration"].copy()
    played[:, 0] = 0.0
    zero = real["real_by_tab"][tab].mean(axis=0)[0]
    wanted = (1.0 - zero) * played / played.sum(axis=1, keepdims=True) + zero * (np.arange(5) == 0)
    by_duration, by_tab = wanted.copy(), np.ones((15, 5))
    for _ in range(60):
        for table, code, target in ((by_duration, near, wanted), (by_tab, tab, real["real_by_tab"])):
            odds = (1 - fraction)[:, None] * by_duration[node] + fraction[:, None] * by_duration[node + 1]
            weight = odds * by_tab[tab] * tilt
            weight /= weight.sum(axis=1, keepdims=True)
            for value in np.unique(code):
                table[value] *= target[value] / weight[code == value].mean(axis=0)
            table /= table[:, 1:2]
        by_duration *= by_tab[1]
        by_tab /= by_tab[1].copy()
    tables["DURATION_ODDS"], tables["TAB_ODDS"] = by_duration.round(5), by_tab.round(5)
    mean_tilt = (weight * liking[:, None]).mean(axis=0) / weight.mean(axis=0)
    for name, rates in tables["FEEDBACK_RATES"].items():
        tables["FEEDBACK_RATES"][name] = list((np.asarray(rates) / mean_tilt).round(5))


def attributes(folder: Path) -> dict[str, Any]:
    """Return every table of ``attributes.py``: level shares and quantiles of the official feature columns."""
    user = pl.read_csv(folder / "data/user_features_pure.csv", infer_schema_length=None)
    video = pl.read_csv(folder / "data/video_features_basic_pure.csv", infer_schema_length=None)
    categories = [f"onehot_feat{k}" for k in (0, 1, 2, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17)]
    categories = ["user_active_degree", "is_live_streamer", "is_video_author", *categories]
    tags = video["tag"].drop_nulls().str.split(",")
    frames = video.select(pl.format("{}x{}", pl.col("server_width").cast(int), pl.col("server_height").cast(int)))
    return {
        "USER_LEVELS": {name: level_shares(user[name]) for name in categories},
        "USER_NUMBERS": {
            name: [int(v) for v in np.quantile(user[name].to_numpy(), TAIL_LEVELS)]
            for name in ("follow_user_num", "fans_user_num", "friend_user_num", "register_days")
        },
        "ITEM_LEVELS": {
            name: level_shares(video[name]) for name in ("video_type", "upload_dt", "upload_type", "music_type")
        },
        "FRAME_SIZES": level_shares(frames.to_series(), most=6),
        "TAGS": level_shares(tags.list.first(), most=30),
        "TAG_COUNTS": level_shares(tags.list.len()),
    }


def level_shares(column: pl.Series, most: int = 24) -> dict[str, float]:
    """Return the share of each of the ``most`` frequent levels as text; a missing level is the empty text."""
    if column.dtype.is_float():
        column = column.cast(pl.Float64)
    counts = (
        column.cast(pl.String)
        .fill_null("")
        .value_counts(sort=True)
        .sort(["count", column.name], descending=[True, False])
    )
    total = counts["count"].sum()
    return {str(level): round(count / total, 5) for level, count in counts.head(most).rows() if count / total >= 5e-5}


HEADS = {
    "behaviour": """What the simulator knows of real behaviour: aggregate statistics of KuaiRand-Pure.

    Fitted by ``benchmarks/fit_simulator_tables.py`` to the standard-policy log of 2022-04-25 to 2022-05-04
    (CC BY-SA 4.0, https://kuairand.com): quantiles, shares and rates, rounded; no row of it is kept here.
    Shares may be off 1 by rounding; whoever draws from them normalises.""",
    "attributes": """The official feature columns in aggregate: shares of levels and quantiles of numbers.

    Fitted by ``benchmarks/fit_simulator_tables.py`` to the user and video feature files of KuaiRand-Pure
    (CC BY-SA 4.0, https://kuairand.com); rounded; the empty text is a missing value.""",
}
COMMENTS = {
    "LEVELS": "probabilities at which the quantile functions of SHAPES have their knots",
    "COARSE_LEVELS": "probabilities of the knots of short quantile functions",
    "TAIL_LEVELS": "probabilities of the knots of long-tailed quantile functions",
    "DURATION_MS": "video duration in ms at TAIL_LEVELS, every video once",
    "USER_ACTIVITY": "rows per user over their mean, at TAIL_LEVELS",
    "ITEM_POPULARITY": "rows per video over their mean, at TAIL_LEVELS",
    "TAB_SHARES": "share of rows in tab 0, 1, ... 14",
    "HOUR_SHARES": "share of rows in hour 0, 1, ... 23, China time",
    "HOUR_EFFECTS": "share of played views that are no skips in each hour, over the mean of hours, minus 1",
    "COMMENT_STAY_MS": "time in the comments in ms at COARSE_LEVELS, where it is not zero",
    "FEEDBACK_RATES": "rate of each feedback after a view of kind zero, skip, partial, finish, replay at affinity 0",
    "DURATION_NODES_MS": "median duration of each of eight duration groups",
    "SHAPES": "per kind of view and duration node: the quantile function, at LEVELS, of where between its kind's\n"
    "# lower (0) and upper (1) limit a play time lies; the limits are those of world.play_time_limits",
    "DURATION_ODDS": "odds of zero, skip, partial, finish, replay against skip at each duration node",
    "TAB_ODDS": "factors on those odds in tab 0, 1, ... 14",
    "USER_LEVELS": "levels of the categorical user columns",
    "USER_NUMBERS": "numeric user columns at tables.TAIL_LEVELS",
    "ITEM_LEVELS": "levels of the categorical video columns",
    "FRAME_SIZES": "server_width x server_height",
    "TAGS": "first tag of a video",
    "TAG_COUNTS": "number of tags of a video",
}


def literal(value: Any, pad: str = "") -> str:
    """Return ``value`` as a Python literal with short numbers; what holds further containers has one per line."""
    if isinstance(value, float | np.floating):
        return repr(float(f"{value:.9g}"))
    if isinstance(value, int | np.integer):
        return repr(int(value))
    inner = pad + "    "
    keys = [f'"{key}":~' for key in value] if isinstance(value, dict) else [""] * len(value)
    items = [literal(item, inner) for item in (value.values() if isinstance(value, dict) else value)]
    left, right = "{}" if isinstance(value, dict) else "()"
    parts = [key + item for key, item in zip(keys, items, strict=True)]
    if any(item[0] in "{(" for item in items):
        text = left + "".join(f"\n{inner}{part}," for part in parts) + f"\n{pad}{right}"
    else:
        lines = textwrap.wrap(", ".join(parts), 84, break_long_words=False, break_on_hyphens=False)
        text = left + f"\n{inner}".join(lines) + right
    return text.replace("~", " ")


def module(name: str, tables: dict[str, Any]) -> str:
    """Return the source of a module that holds ``tables``, each under the comment that says what it is."""
    head = textwrap.dedent("    " + HEADS[name])
    lines = [f'"""{head}\n"""', "", "from __future__ import annotations", "", "# fmt: off"]
    for key, value in tables.items():
        lines += [f"# {COMMENTS[key]}", f"{key} = {literal(value)}", ""]
    return "\n".join([*lines[:-1], "# fmt: on", ""])


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[2] not in HEADS:
        sys.exit(f"{__doc__}")
    folder = Path(sys.argv[1])
    if sys.argv[2] == "attributes":
        print(module("attributes", attributes(folder)), end="")
        return
    tables = behaviour(folder)
    real = {key: tables.pop(key) for key in ("real_by_duration", "real_by_tab")}
    calibrate(tables, real)
    levels = {"LEVELS": LEVELS, "COARSE_LEVELS": COARSE_LEVELS, "TAIL_LEVELS": TAIL_LEVELS}
    print(module("behaviour", levels | tables), end="")


if __name__ == "__main__":
    main()
