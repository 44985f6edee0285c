"""Whose rows judge labels: users with more rows than a list, their own rows, each once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import logs
from watchtime.core.errors import WatchtimeError
from watchtime.training.hold_out import HoldOut
from watchtime.training.network_fitting import part

CPU = torch.device("cpu")


def held_out(rows: int, hold_out_rows: int = 100, users: int = 500) -> tuple[HoldOut, dict[str, torch.Tensor]]:
    settings = {"list_length": 3, "hold_out_rows": hold_out_rows, "hold_out_users": users, "scaling": "none"}
    spec = logs.spec("labelcraft", "paper", "label", settings=settings)
    log, encoding = logs.encoded()
    method = logs.model(spec).method
    placed = part(method, log.rows(np.flatnonzero(log.part == 1)[:rows]), "label", encoding, CPU, spec.encoder.events)
    return HoldOut(method, placed, seed=7), placed.labels


def test_every_user_with_more_rows_than_a_list_has_is_there_with_all_of_them() -> None:
    found, labels = held_out(120)
    users, counts = np.unique(labels["user"].numpy(), return_counts=True)
    expected = {user: count for user, count in zip(users.tolist(), counts.tolist(), strict=True) if count > 3}
    assert min(counts) <= 3 < max(counts)
    places, candidates = found.everyone
    own = {
        int(labels["user"][row[0]]): row[here].tolist() for row, here in zip(places, candidates.present, strict=True)
    }
    assert {user: len(rows) for user, rows in own.items()} == expected
    for user, rows in own.items():
        assert len(set(rows)) == len(rows)
        assert (labels["user"][rows] == user).all()


def test_what_lists_are_judged_by_is_of_the_same_rows_and_0_in_padding() -> None:
    found, labels = held_out(200)
    places, candidates = found.everyone
    for name in ("watch_time", "duration"):
        torch.testing.assert_close(getattr(candidates, name), labels[name][places] * candidates.present)
    torch.testing.assert_close(candidates.feedback, labels["positive_feedback"][places] * candidates.present)


def test_a_user_has_no_more_rows_than_allowed() -> None:
    found, _ = held_out(480, hold_out_rows=5)
    assert found.everyone[0].shape[1] == 5


def test_a_draw_has_different_users_and_no_place_that_none_of_them_fills() -> None:
    found, labels = held_out(480, users=4)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        places, candidates = found.draw(generator)
        assert len({int(user) for user in labels["user"][places[:, 0]]}) == 4
        assert candidates.present.any(0).all()


def test_no_user_with_rows_enough_is_told() -> None:
    with pytest.raises(WatchtimeError, match="no user with more than 3"):
        held_out(30)
