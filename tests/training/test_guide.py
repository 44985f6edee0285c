"""What a training step shows a head: labels, draws, the moment; and torch's dropout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from guided_methods import BATCH, ENCODER, Drawn, Moving, Shown, Watched, batches, built, bytes_of, group, parts, train
from watchtime.core.progress import Progress
from watchtime.methods.network import Guide, GuidedHead, Moment, NetworkMethod
from watchtime.methods.vr import ValueRegression
from watchtime.training import checkpoint, engine

# What a head is shown


def test_a_head_is_guided_in_training_and_by_itself_in_validation_and_prediction() -> None:
    method = built(Watched)
    training, validation = parts(method)
    steps, rows = len(training.rows) // BATCH, len(validation.rows)
    (result,) = train(method, evaluation_batch=200)
    epoch = [(BATCH, True, True)] * steps + [(size, False, False) for size in (200, 200, rows - 400)]
    assert [(one.rows, one.gradient, one.guide is not None) for one in method.seen] == 2 * epoch
    method.seen.clear()
    list(engine.outputs(method, validation.rows, ENCODER, 100, result.parameters))
    assert [(one.rows, one.gradient, one.guide) for one in method.seen] == [(100, False, None)] * -(-rows // 100)


def test_the_labels_are_those_of_the_batch() -> None:
    method = built(Watched)
    training, _ = parts(method)
    train(method, repetitions=[3], epochs=1)
    guides = [one.guide for one in method.seen if one.guide]
    for guide, rows in zip(guides, batches(3, len(training.rows)), strict=True):
        assert guide.labels.keys() == training.labels.keys()
        assert torch.equal(guide.labels["value"], training.labels["value"][rows])


def test_a_head_that_is_not_guided_needs_no_guide() -> None:
    method = built(Drawn)
    assert not isinstance(method.head(4), GuidedHead)
    assert len(train(method)[0].history) == 2


# Draws


def test_draws_are_uniform_and_new_in_every_step() -> None:
    """Kolmogorov's statistic √n D stays below 1.95 in all but one of 1,000 samples."""
    method = built(Watched)
    train(method)
    found = [one.guide.draws for one in method.seen if one.guide]
    assert {one.shape for one in found} == {(BATCH, 3)}
    draws = torch.stack(found).numpy().ravel()
    assert draws.min() >= 0
    assert draws.max() < 1
    assert scipy.stats.kstest(draws, "uniform").statistic * len(draws) ** 0.5 < 1.95
    assert len(np.unique(draws)) > 0.999 * len(draws)


def first_losses(repetitions: Sequence[int], stacked: bool = False) -> Tensor:
    """Return the losses of the first three steps, [3, repetitions], of which each is a draw."""
    method = built(Shown)
    training, together = parts(method)[0], group(method, repetitions, stacked)
    order = together.epoch_order(len(training.rows))
    together.begin_epoch(0, len(order))
    return torch.stack([together.step(training.rows, training.labels, index) for index in order[:3]])


def test_draws_come_from_each_repetitions_own_stream_looped_and_stacked() -> None:
    looped = torch.cat([first_losses([one]) for one in (0, 1, 2)], 1)
    assert torch.equal(first_losses([0, 1, 2], stacked=True), looped)
    assert torch.equal(first_losses([2, 0], stacked=True), looped[:, [2, 0]])
    assert len(set(looped.flatten().tolist())) == 9


def test_every_repetition_has_three_streams_of_its_own() -> None:
    state = group(built(Drawn), [0, 1]).state()
    starts = [value.numpy().tobytes() for name, value in state.items() if name.startswith("generator/")]
    assert len(starts) == len(set(starts)) == 6


def test_draws_move_neither_batches_nor_dropped_ids() -> None:
    """Methods of one repetition are compared on the same batches, whatever they draw."""
    plain, drawing = built(ValueRegression), built(Drawn)
    training, states = parts(plain)[0], []
    for method in (plain, drawing):
        one = group(method, [0])
        before = one.state()["generator/samplings/0"].clone()
        order = one.epoch_order(len(training.rows))
        one.begin_epoch(0, len(order))
        one.step(training.rows, training.labels, order[0])
        states.append(one.state())
        assert torch.equal(before, states[-1]["generator/samplings/0"]) == (method is plain)
    for stream in ("batches", "droppings"):
        assert torch.equal(states[0][f"generator/{stream}/0"], states[1][f"generator/{stream}/0"])


def test_stacked_repetitions_with_draws_and_a_moment_give_the_numbers_of_looped_ones() -> None:
    for kind in (Drawn, Moving):
        looped, stacked = train(built(kind), [0, 1]), train(built(kind), [0, 1], stacked=True)
        for one, other in zip(looped, stacked, strict=True):
            for name, value in one.parameters.items():
                torch.testing.assert_close(value, other.parameters[name], rtol=0, atol=1e-4)


# The moment


@given(epochs=st.integers(1, 200), batches=st.integers(1, 500), data=st.data())
def test_a_moment_counts_whole_epochs_and_the_share_of_steps(epochs: int, batches: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(0, epochs * batches - 1))
    moment = Moment(step, epochs * batches, epochs)
    assert moment.epoch == step // batches
    assert moment.share * epochs * batches == pytest.approx(step)
    assert 0 <= moment.share < 1


@pytest.mark.parametrize("stacked", [False, True])
def test_steps_are_counted_over_all_epochs_of_a_repetition(stacked: bool) -> None:
    method = built(Moving)
    seen: list[Moment] = []

    def noted(outputs: Tensor, guide: Guide) -> Tensor:
        seen.append(guide.moment)
        return (outputs**2).mean()

    method.training_loss = noted
    train(method, [0, 1], stacked, epochs=3, patience=3)
    steps = 3 * (len(parts(method)[0].rows) // BATCH)
    one = [Moment(step, steps, 3) for step in range(steps)]
    assert seen == (one if stacked else one + one)
    assert [moment.epoch for moment in one] == [0] * (steps // 3) + [1] * (steps // 3) + [2] * (steps // 3)


# Killed and resumed


class Killed(Exception):
    """Stands for the end of the process."""


def killed_after(epochs: int, monkeypatch: pytest.MonkeyPatch, method: NetworkMethod, *arguments: Any) -> None:
    """Train until ``epochs`` epochs have been saved and the next one was computed, then die."""
    advance, done = Progress.advance, 0

    def count(self: Progress, steps: int, note: str = "") -> None:
        nonlocal done
        advance(self, steps, note)
        done += note != ""
        if done > epochs:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "advance", count)
        with pytest.raises(Killed):
            train(method, *arguments, epochs=4, patience=4)


@pytest.mark.parametrize(
    ("kind", "stacked"), [(Drawn, False), (Drawn, True), (Moving, False), (Moving, True), (Watched, False)]
)
def test_a_killed_training_goes_on_with_its_draws_moments_and_masks(
    kind: type[NetworkMethod], stacked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)
    path = tmp_path / "checkpoint"
    killed_after(2, monkeypatch, built(kind), [0, 1], stacked, path)
    torch.rand(5)
    resumed = train(built(kind), [0, 1], stacked, path, epochs=4, patience=4)
    assert bytes_of(resumed) == bytes_of(train(built(kind), [0, 1], stacked, epochs=4, patience=4))


def test_a_resumed_training_counts_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)
    killed_after(2, monkeypatch, built(Watched), [0], False, tmp_path / "checkpoint")
    method = built(Watched)
    train(method, [0], False, tmp_path / "checkpoint", epochs=4, patience=4)
    steps = len(parts(method)[0].rows) // BATCH
    found = [one.guide.moment for one in method.seen if one.guide]
    assert found == [Moment(step, 4 * steps, 4) for step in range(2 * steps, 4 * steps)]


# Dropout


def test_dropout_gives_the_same_bytes_again_whatever_was_drawn_before() -> None:
    first = train(built(Watched), [0, 1])
    torch.rand(5)
    assert bytes_of(train(built(Watched), [0, 1])) == bytes_of(first)
    torch.rand(5)
    assert bytes_of(train(built(Watched), [1])) == bytes_of(first[1:]), "a repetition does not see its neighbours"


def test_every_step_of_every_repetition_has_its_own_mask() -> None:
    method = built(Watched)
    train(method, [0, 1])
    masks = [one.mask for one in method.seen if one.guide]
    assert len({mask.numpy().tobytes() for mask in masks}) == len(masks)
    assert all(set(mask.flatten().tolist()) == {0.0, 2.0} for mask in masks)
    assert all((one.mask == 1).all() for one in method.seen if not one.guide)
