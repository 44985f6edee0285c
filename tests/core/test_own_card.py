"""The card of an own log follows from its configuration, and contradictions in it are told at once."""

from __future__ import annotations

from typing import Any

import pytest

from watchtime.core.config import OwnFeature, OwnLog
from watchtime.core.errors import WatchtimeError
from watchtime.core.own_card import own_card


def test_the_card_has_what_the_log_names() -> None:
    features = {"age": OwnFeature(kind="bucket", side="user", buckets=5, min_count=2), "tab": OwnFeature(scale="log")}
    log = OwnLog(file="a/log.csv", duration="length", time="at", features=features, feedback={"like": "liked"})
    card = own_card("my_log", log)
    assert (card.title, card.logs, card.tasks) == ("My log", ["log.csv"], {"watch_time": "s", "watch_ratio": "ratio"})
    assert card.provides == ["duration", "timestamp"]
    assert list(card.features) == ["user", "item", "duration_level", "duration_seconds", "age", "tab"]
    age, tab = card.features["age"], card.features["tab"]
    assert (age.kind, age.side, age.source, age.buckets, age.min_count) == ("bucket", "user", None, 5, 2)
    assert (tab.kind, tab.side, tab.scale) == ("categorical", "context", "linear")
    assert (card.feedback, card.rules.repeated_key) == (["like"], "keep_first")


def test_money_has_no_ratio_and_keeps_equal_rows() -> None:
    card = own_card("mine", OwnLog(file="log.csv", task="ltv", unit="currency", duration="length"))
    assert card.tasks == {"ltv": "currency"}
    assert card.rules.repeated_key == "keep_all"
    assert own_card("mine", OwnLog(file="log.csv")).provides == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"task": "ltv"}, "unit: found 's', allowed for the task ltv: currency."),
        ({"unit": "currency"}, "unit: found 'currency', allowed for the task watch_time: s or ms."),
        ({"item": "user"}, "item: found the column 'user', which is the user already; each has its own."),
        ({"time": "watch_time"}, "time: found the column 'watch_time', which is the target already; each has its own."),
        (
            {"features": {"duration": OwnFeature()}},
            "features: 'duration' is taken; give it another name and `column: duration`.",
        ),
        (
            {"features": {"like": OwnFeature(column="x")}, "feedback": {"like": "liked"}},
            "features: 'like' is taken; give it another name and `column: x`.",
        ),
        (
            {"features": {"seen": OwnFeature(column="watch_time")}},
            "features.seen: the column 'watch_time' is the target; an outcome cannot be a feature.",
        ),
        (
            {"features": {"liked": OwnFeature()}, "feedback": {"like": "liked"}},
            "features.liked: the column 'liked' is feedback; an outcome cannot be a feature.",
        ),
        (
            {"features": {"tags": OwnFeature(kind="multi_valued", separator="")}},
            "features.tags.separator: found '', allowed: one character or more.",
        ),
        ({"feedback": {"day": "x"}}, "feedback: 'day' is taken; give it another name."),
    ],
)
def test_a_contradiction_is_one_sentence(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(WatchtimeError) as error:
        own_card("mine", OwnLog(file="log.csv", **settings))
    assert str(error.value) == f"datasets.mine.log.{said}"


def test_all_contradictions_are_told_at_once() -> None:
    with pytest.raises(WatchtimeError) as error:
        own_card("mine", OwnLog(file="log.csv", task="ltv", item="user", feedback={"log": "x"}))
    assert len(str(error.value).split("\n")) == 3
