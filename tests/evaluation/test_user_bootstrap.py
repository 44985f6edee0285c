"""Intervals over users against draws of whole users whose rows are evaluated again, and against closed cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.evaluation import user_bootstrap
from watchtime.evaluation.metrics import METRICS, evaluate
from watchtime.evaluation.rows import EvaluatedRows
from watchtime.evaluation.user_bootstrap import UserDraws, UserRatio
from watchtime.evaluation.xauc import strict_of_rows, xauc

Array = npt.NDArray[Any]


def rows(users: int, per_user: int, seed: int, ties: bool = False) -> EvaluatedRows:
    """Return rows whose users have tastes of their own, so that rows of one user are not independent."""
    generator = np.random.default_rng(seed)
    user = generator.integers(0, users, users * per_user)
    taste = generator.normal(0, 1, users)[user]
    target = np.exp(taste + generator.normal(0, 1, len(user)))
    prediction = np.exp(0.5 * taste + 0.6 * np.log(target) + generator.normal(0, 1, len(user)))
    if ties:
        target, prediction = np.floor(target), np.floor(prediction)
    full = np.where(generator.random(len(user)) < 0.2, np.nan, 2.0)
    optional = {
        "user": user,
        "full_watch": full,
        "duration": generator.random(len(user)),
        "positive": (target > 1).astype(int),
    }
    return EvaluatedRows(target, prediction, optional)  # type: ignore[arg-type]


def ratio(one: EvaluatedRows, metric: str, convention: str) -> UserRatio:
    by_user = METRICS[metric].by_user
    assert by_user
    found = by_user(one, convention)
    assert found
    return found


def redrawn(one: EvaluatedRows, times: Array) -> EvaluatedRows:
    """Return the rows of users who were drawn so many times; whoever is drawn twice is two users."""
    codes, user = np.unique(one.optional["user"], return_inverse=True)
    parts = [(np.flatnonzero(user == place), copy) for place in range(len(codes)) for copy in range(int(times[place]))]
    taken = np.concatenate([rows for rows, _ in parts])
    names = np.concatenate([np.full(len(rows), number) for number, (rows, _) in enumerate(parts)])
    optional: Any = {name: column[taken] for name, column in one.optional.items()} | {"user": names}
    return EvaluatedRows(one.target[taken], one.prediction[taken], optional)


SUMS = [
    *(("mae", ""), ("rmse", ""), ("mae_truncated", ""), ("rmse_truncated", ""), ("mae_pos", "")),
    *(("xgauc", "strict"), ("xgauc", "cwm"), ("nwtg@3", "paper"), ("neg@3", "released"), ("ds@3", "paper")),
]


@pytest.mark.parametrize(("metric", "convention"), SUMS)
def test_of_sums_over_users_every_draw_has_exactly_the_value_of_its_rows(metric: str, convention: str) -> None:
    one, draws = rows(40, 5, seed=1, ties=True), UserDraws(40, seed=3, draws=20)
    found = draws.values([ratio(one, metric, convention)])[:, 0]
    for times, value in zip(draws._times, found, strict=True):
        assert value == pytest.approx(METRICS[metric].function(redrawn(one, times), convention), rel=1e-12)


@pytest.mark.parametrize("metric", [name for name, one in METRICS.items() if one.by_user])
def test_every_user_once_gives_the_metric_itself(metric: str) -> None:
    one, draws = rows(30, 12, seed=2, ties=True), UserDraws(30, seed=0, draws=1)
    draws._times[:] = 1
    for convention in METRICS[metric].conventions:
        by_user = METRICS[metric].by_user
        found = by_user(one, convention) if by_user else None
        if found:
            expected = METRICS[metric].function(one, convention)
            assert draws.values([found])[0, 0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_each_row_of_xauc_has_the_credit_of_its_pairs(ties: bool) -> None:
    one = rows(10, 6, seed=4, ties=ties)
    y, p = one.target[:, None] - one.target, one.prediction[:, None] - one.prediction
    credit = np.where(y == 0, 0.0, np.where(p == 0, 0.5, y * p > 0))
    found, counted = strict_of_rows(one.pairs)
    assert found.tolist() == credit.sum(1).tolist()
    assert counted.tolist() == (y != 0).sum(1).tolist()


@pytest.mark.parametrize("ties", [False, True])
def test_xauc_varies_over_users_as_in_the_exact_slow_bootstrap(ties: bool) -> None:
    """Every draw is near XAUC of its own rows, in which a user drawn twice is two users, and the intervals agree."""
    one, draws = rows(100, 6, seed=5, ties=ties), UserDraws(100, seed=6, draws=600)
    projected = draws.values([ratio(one, "xauc", "strict")])[:, 0]
    drawn = [redrawn(one, times) for times in draws._times]
    exact = np.array([xauc(each.target, each.prediction) for each in drawn])
    assert np.corrcoef(projected, exact)[0, 1] > 0.98
    assert np.std(projected) == pytest.approx(np.std(exact), rel=0.03)
    ends = [np.quantile(values, (0.025, 0.975)) for values in (projected, exact)]
    # In exact draws users are compared with their own copies, a bias of order 1 / users that the projection has not.
    assert ends[0] == pytest.approx(ends[1], abs=0.3 * np.std(exact))


def test_with_one_row_per_user_and_two_targets_it_is_the_variance_of_delong() -> None:
    """AUC's variance is S₁ / m + S₀ / n, of the shares of the other class that each row is ranked right against."""
    generator = np.random.default_rng(7)
    target = (generator.random(400) < 0.3).astype(float)
    prediction = generator.normal(target, 1.0)
    wins = (prediction[target == 1][:, None] > prediction[target == 0]).astype(float)
    expected = np.sqrt(np.var(wins.mean(1)) / wins.shape[0] + np.var(wins.mean(0)) / wins.shape[1])
    one = EvaluatedRows(target, prediction, {"user": np.arange(400)})
    values = UserDraws(400, seed=8, draws=20_000).values([ratio(one, "xauc", "strict")])[:, 0]
    assert np.std(values) == pytest.approx(expected, rel=0.03)


def test_with_one_row_per_user_a_mean_has_the_interval_of_a_mean() -> None:
    error = np.random.default_rng(9).exponential(1.0, 500)
    low, high = evaluate(error, np.zeros(500), np.arange(500), draws=UserDraws(500, 10, 4000), metrics=["mae"])[
        0
    ].users or (0, 0)
    assert (high - low) / 2 == pytest.approx(1.96 * error.std() / np.sqrt(500), rel=0.05)
    assert (high + low) / 2 == pytest.approx(error.mean(), rel=0.01)


def test_rows_of_a_user_that_are_alike_widen_the_interval() -> None:
    """Each row ten times says no more than once: the interval is that of the users."""
    target, user = np.random.default_rng(11).exponential(1.0, 300), np.arange(300)
    prediction, draws = np.sqrt(target) + np.sin(9 * target), UserDraws(300, 12)
    once = evaluate(target, prediction, user, draws=draws, metrics=["mae", "xauc"])
    ten = evaluate(*(np.repeat(one, 10) for one in (target, prediction, user)), draws=draws, metrics=["mae", "xauc"])
    for one, other in zip(once, ten, strict=True):
        if one.users:
            assert other.users == pytest.approx(one.users, rel=1e-3)


def test_many_users_are_drawn_in_bundles_of_whole_users(monkeypatch: pytest.MonkeyPatch) -> None:
    one = rows(3000, 2, seed=13)
    wanted = [ratio(one, name, rule) for name, rule in (("mae", ""), ("xauc", "strict"), ("xgauc", "strict"))]
    monkeypatch.setattr(user_bootstrap, "BUNDLES", 10**6)
    alone = UserDraws(len(wanted[0].part), 14, 1000)
    assert alone._times.shape == (1000, len(wanted[0].part))
    monkeypatch.setattr(user_bootstrap, "BUNDLES", 1000)
    bundled = UserDraws(len(wanted[0].part), 15, 2000)
    assert bundled._times.shape == (2000, 1000)
    assert bundled.values(wanted).std(0) == pytest.approx(alone.values(wanted).std(0), rel=0.1)
    assert bundled.values(wanted).mean(0) == pytest.approx(alone.values(wanted).mean(0), rel=0.01)


def test_the_same_seed_draws_the_same_users() -> None:
    wanted = [ratio(rows(50, 4, seed=16), "mae", "")]
    users = len(wanted[0].part)
    assert UserDraws(users, 1).intervals(wanted) == UserDraws(users, 1).intervals(wanted)
    assert UserDraws(users, 1).intervals(wanted) != UserDraws(users, 2).intervals(wanted)


def test_what_users_cannot_tell_has_no_interval() -> None:
    one = evaluate([1.0, 2.0], [1.0, 3.0], [5, 5], draws=UserDraws(1, 0))
    assert [value.users for value in one] == [None] * len(one), "one user says nothing about others"
    target, prediction = np.arange(1.0, 9), np.arange(1.0, 9) ** 0.5
    found = {value.metric: value.users for value in evaluate(target, prediction, np.arange(8), draws=UserDraws(8, 0))}
    assert found["norm_gini"] is None
    assert found["spearman"] is None
    assert found["mae"] is not None
    assert all(value.users is None for value in evaluate(target, prediction, draws=UserDraws(8, 0))), "no users"
    assert UserDraws(30, 0).intervals([UserRatio(np.ones(30), np.zeros(30))]) == [None]


def test_draws_of_other_users_are_one_sentence() -> None:
    with pytest.raises(WatchtimeError, match="8 users were drawn from, the rows have 2"):
        evaluate([1.0, 2.0], [1.0, 2.0], [1, 2], draws=UserDraws(8, 0))
    with pytest.raises(WatchtimeError, match="0 users were found"):
        UserDraws(0, 0)
