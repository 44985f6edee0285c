"""The engine against a plain PyTorch loop, looped against stacked, its random streams and its stopping rule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

import logs
from watchtime.core.errors import WatchtimeError
from watchtime.core.job import JobSpec
from watchtime.core.seeds import derive_seed
from watchtime.datasets.encoded import EncodedLog
from watchtime.encoders.perceptron import Inputs
from watchtime.training import engine
from watchtime.training.group import Group
from watchtime.training.model import Model
from watchtime.training.network import initialised
from watchtime.training.network_fitting import part
from watchtime.training.processes import ALONE
from watchtime.training.resident import Part, ResidentRows

CPU = engine.deterministic("cpu")
STACKABLE = [
    (name, variant) for name, card in logs.catalog().methods.items() if card.stackable for variant in card.variants
]
FAST = {"batch": 64, "epochs": 3, "patience": 3, "learning_rate": 0.01, "unknown_rate": 0.1}
SMALL = {"embedding": 4, "layers": [16, 8]}
job = partial(logs.spec, encoder=SMALL)


def rows_of(log: EncodedLog, number: int) -> EncodedLog:
    return log.rows(np.flatnonzero(log.part == number))


def parts(model: Model) -> tuple[Part, Part]:
    log, encoding = logs.encoded()
    method, task = model.method, model.spec.task
    training, validation = (part(method, rows_of(log, number), task, encoding, CPU) for number in (0, 1))
    return training, validation


def trained(spec: JobSpec, repetitions: list[int], stacked: bool = False) -> list[engine.Trained]:
    model = logs.model(spec)
    return engine.train(
        model.method, *parts(model), spec.encoder, spec.training, spec.seed, repetitions, stacked=stacked
    )


def group(spec: JobSpec, repetitions: list[int], stacked: bool = False) -> Group:
    model = logs.model(spec)
    return Group(model.method, parts(model)[0].rows, spec.encoder, spec.training, spec.seed, repetitions, stacked)


# Looped and stacked


@pytest.fixture
def in_double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def precise(one: Part) -> Part:
    """Return the rows in double precision, no two of them with equal inputs.

    Equal inputs have equal predictions but for rounding, which a reward for the order of predictions would see.
    """
    noise = torch.rand(one.rows.numeric.shape, generator=torch.Generator().manual_seed(0))
    one.rows.numeric = one.rows.numeric.double() + noise / 100
    labels = {name: value.double() if value.is_floating_point() else value for name, value in one.labels.items()}
    return Part(one.rows, labels)


def assert_close(looped: list[engine.Trained], stacked: list[engine.Trained], losses: float, parameters: float) -> None:
    for one, other in zip(looped, stacked, strict=True):
        assert one.repetition == other.repetition
        assert len(one.history) == len(other.history) == 3
        for row, twin in zip(one.history, other.history, strict=True):
            assert row == pytest.approx(twin, rel=losses)
        assert one.parameters.keys() == other.parameters.keys()
        for name, value in one.parameters.items():
            torch.testing.assert_close(value, other.parameters[name], rtol=0, atol=parameters)


@pytest.mark.usefixtures("in_double_precision")
@pytest.mark.parametrize(("method", "variant"), STACKABLE)
def test_stacked_repetitions_do_the_arithmetic_of_looped_ones(method: str, variant: str) -> None:
    """A batched matrix product sums in another order: values differ by a few roundings per step, which Adam amplifies.

    Found after 66 steps of 0.01: losses 4e-10 (relative), parameters 2e-7, both of RQ-Reg; most differ by 1e-14.
    Allowed: 1e-7 and a thousandth of a step. In single precision the order of a sum decides where a loss has a kink
    and where a root is taken of a rounding error (TPM's variance as released), so that nothing could be told apart.
    """
    model = logs.model(job(method, variant, training=FAST))
    training, validation = map(precise, parts(model))
    spec = model.spec
    looped, stacked = (
        engine.train(model.method, training, validation, spec.encoder, spec.training, spec.seed, [0, 1, 2], stacked=one)
        for one in (False, True)
    )
    assert all(value.dtype == torch.float64 for value in looped[0].parameters.values())
    assert_close(looped, stacked, losses=1e-7, parameters=1e-5)


@pytest.mark.parametrize(("method", "variant"), [("vr", "paper"), ("wlr", "long_play"), ("tpm", "paper")])
def test_stacked_repetitions_give_the_numbers_of_looped_ones(method: str, variant: str) -> None:
    """Smooth losses in single precision: found 2e-7 (relative) and 2e-6, allowed 1e-5 and a hundredth of a step."""
    spec = job(method, variant, training=FAST)
    looped, stacked = trained(spec, [0, 1, 2]), trained(spec, [0, 1, 2], stacked=True)
    assert_close(looped, stacked, losses=1e-5, parameters=1e-4)


# A plain loop


class Plain(nn.Module):
    """The same network from stock modules: a table per field, a mean bag for the list, three linear layers."""

    def __init__(self, weights: dict[str, Tensor], cardinalities: dict[str, int]) -> None:
        super().__init__()
        *fields, tags = (table.clone() for table in torch.split(weights["table"], list(cardinalities.values())))
        self.tables = nn.ModuleList(nn.Embedding(len(table), table.shape[1], _weight=table) for table in fields)
        self.tags = nn.EmbeddingBag(len(tags), tags.shape[1], mode="mean", _weight=tags)
        modules: list[nn.Module] = []
        first = torch.cat([weights[f"towers.0.encoder.{part}_weight"] for part in ("fields", "rest")], 1)
        later = [(weights[f"towers.0.{name}.weight"], name) for name in ("encoder.layers.0", "head")]
        for weight, name in [(first, "encoder"), *later]:
            bias = weights[f"towers.0.{name}.bias"]
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.load_state_dict({"weight": weight.clone(), "bias": bias.clone()})
            modules += [layer, nn.ReLU()]
        self.layers = nn.Sequential(*modules[:-1])

    def forward(self, log: EncodedLog) -> Tensor:
        ids = torch.from_numpy(log.categorical.astype(np.int64))
        tags = log.multi_valued["tag"]
        lists = [tags.values[tags.offsets[p] : tags.offsets[p + 1]] for p in tags.pointer]
        starts = np.cumsum([0, *map(len, lists[:-1])])
        bags = self.tags(torch.from_numpy(np.concatenate(lists).astype(np.int64)), torch.from_numpy(starts))
        vectors = [table(ids[:, place]) for place, table in enumerate(self.tables)]
        return self.layers(torch.cat([*vectors, bags, torch.from_numpy(log.numeric)], 1))[:, 0]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_an_epoch_is_that_of_a_plain_loop(decay: float) -> None:
    """22 steps of VR; fused and plain Adam round differently, parameters may differ by a hundredth of one step."""
    spec = job("vr", training=FAST | {"epochs": 1, "unknown_rate": 0.0, "embedding_decay": decay})
    model = logs.model(spec)
    (result,) = engine.train(model.method, *parts(model), spec.encoder, spec.training, spec.seed, [4])

    log, encoding = logs.encoded()
    rows = rows_of(log, 0)
    value = torch.from_numpy(rows.target("watch_time") / rows.target("watch_time").std()).float()
    seed = derive_seed(spec.seed, axis="initialisation", repetition=4)
    start = initialised(model.method, parts(model)[0].rows.shape, spec.encoder, seed).state_dict()
    plain = Plain(start, encoding.cardinalities)
    tables: list[Tensor] = [*plain.tables.parameters(), *plain.tags.parameters()]
    groups: list[dict[str, Any]] = [
        {"params": tables, "weight_decay": decay},
        {"params": list(plain.layers.parameters())},
    ]
    optimiser = torch.optim.Adam(groups, lr=0.01, fused=False)
    generator = torch.Generator().manual_seed(derive_seed(spec.seed, axis="batches", repetition=4))
    order = torch.randperm(len(rows), generator=generator)
    losses = []
    for index in torch.split(order[: len(rows) // 64 * 64], 64):
        loss = ((plain(rows.rows(index.numpy())) - value[index]) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())

    assert result.history[0]["training"] == pytest.approx(np.mean(losses), rel=1e-5)
    ours = result.parameters
    torch.testing.assert_close(ours["table"], torch.cat(tables).detach(), rtol=0, atol=1e-4)
    encoder, head = "towers.0.encoder.", "towers.0.head."
    first = torch.cat([ours[f"{encoder}fields_weight"], ours[f"{encoder}rest_weight"]], 1)
    later = [f"{encoder}layers.0.weight", f"{encoder}layers.0.bias", f"{head}weight", f"{head}bias"]
    ours_layers = [first, ours[f"{encoder}bias"], *(ours[name] for name in later)]
    for one, other in zip(ours_layers, plain.layers.parameters(), strict=True):
        torch.testing.assert_close(one, other.detach(), rtol=0, atol=1e-4)

    held_out = rows_of(log, 1)
    target = torch.from_numpy(held_out.target("watch_time") / rows.target("watch_time").std())
    with torch.no_grad():
        loss = ((plain(held_out) - target) ** 2).mean()
    assert result.history[0]["validation"] == pytest.approx(loss.item(), rel=1e-4)


def test_towers_share_nothing() -> None:
    """Each output's gradient reaches its own tower's layers and half of the table alone."""
    model = logs.model(job("wlr", "long_play"))
    rows = parts(model)[0].rows
    network = initialised(model.method, rows.shape, model.spec.encoder, seed=0)
    outputs = network(rows.gather(torch.arange(100)))
    for tower in (0, 1):
        names, values = zip(*network.named_parameters(), strict=True)
        gradients = torch.autograd.grad(outputs[:, tower].sum(), values, retain_graph=True)
        reached = dict(zip(names, gradients, strict=True))
        halves = reached.pop("table").chunk(2, -1)
        assert halves[tower].any()
        assert not halves[1 - tower].any()
        for name, value in reached.items():
            assert value.any() == name.startswith(f"towers.{tower}."), name


# Random streams


def test_the_same_seed_gives_the_same_bytes() -> None:
    spec = job("tpm", training=FAST | {"epochs": 1})
    (one,), (other,) = trained(spec, [0]), trained(spec, [0])
    assert one.history == other.history
    for name, value in one.parameters.items():
        assert value.numpy().tobytes() == other.parameters[name].numpy().tobytes(), name


def test_repetitions_differ_and_do_not_depend_on_their_neighbours() -> None:
    spec = job("vr", training=FAST)
    both = group(spec, [0, 1], stacked=True)
    order = both.epoch_order(500)
    assert not torch.equal(order[:, 0], order[:, 1])
    assert not torch.equal(both.parameters["table"][0], both.parameters["table"][1])
    alone = group(spec, [1])
    assert torch.equal(alone.epoch_order(500)[:, 0], order[:, 1])
    assert torch.equal(alone.parameters["table"], both.parameters["table"][1])
    assert not torch.equal(alone.epoch_order(500)[:, 0], order[:, 1]), "another epoch has another order"


def test_another_root_seed_gives_other_batches() -> None:
    spec = job("vr", training=FAST)
    other = spec.model_copy(update={"seed": spec.seed + 1})
    assert not torch.equal(group(spec, [0]).epoch_order(500), group(other, [0]).epoch_order(500))


def test_methods_of_one_repetition_share_their_batches() -> None:
    """Paired comparisons need it, also where one method drops ids and the other does not."""
    spec = job("vr", training=FAST)
    first, second = group(spec, [0]), group(job("tpm", training=FAST | {"unknown_rate": 0.0}), [0])
    training = parts(logs.model(spec))[0]
    for _ in range(2):
        order = first.epoch_order(len(training.rows))
        assert torch.equal(order, second.epoch_order(len(training.rows)))
        first.step(training.rows, training.labels, order[0])


# Batches


def test_the_ragged_tail_is_left_out_and_no_row_comes_twice() -> None:
    order = group(job("vr", training=FAST), [0, 1], stacked=True).epoch_order(150)
    assert order.shape == (2, 2, 64)
    for repetition in range(2):
        rows = order[:, repetition].flatten().tolist()
        assert len(set(rows)) == 128
        assert set(rows) < set(range(150))


def test_a_batch_larger_than_the_log_is_the_log() -> None:
    spec = job("vr", training=FAST | {"batch": 10_000, "epochs": 2})
    assert sorted(group(spec, [0]).epoch_order(150).flatten().tolist()) == list(range(150))
    (result,) = trained(spec, [0])
    assert len(result.history) == 2
    assert result.history[1]["training"] < result.history[0]["training"]


# Unknown ids


def dropped(rate: float) -> tuple[ResidentRows, Any, Any]:
    rows = parts(logs.model(job("vr")))[0].rows
    index = torch.arange(1400).expand(2, -1)
    inputs = rows.gather(index)
    generators = [torch.Generator().manual_seed(place) for place in range(2)]
    return rows, inputs, rows.drop_ids(inputs, rate, generators, ALONE.portion(index))


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_about_the_given_share_of_ids_is_dropped(rate: float) -> None:
    """Within 4 standard deviations of the binomial count, for fields and lists, in each repetition."""
    rows, before, after = dropped(rate)
    for ids, left, unknown in (
        (before.ids, after.ids, rows.unknown),
        (before.list_ids, after.list_ids, rows.unknown_in_lists),
    ):
        known, changed = ids != unknown, ids != left
        assert torch.equal(left[changed], unknown.expand_as(left)[changed])
        for repetition in range(2):
            total, found = int(known[repetition].sum()), int(changed[repetition].sum())
            assert abs(found - rate * total) < 4 * math.sqrt(total * rate * (1 - rate))
        assert not torch.equal(changed[0], changed[1]), "each repetition has its own stream"


def test_nothing_else_changes_when_ids_are_dropped() -> None:
    _, before, after = dropped(0.3)
    assert torch.equal(before.present, after.present)
    assert torch.equal(before.numeric, after.numeric)
    _, before, after = dropped(0.0)
    assert torch.equal(before.ids, after.ids)


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_unknown_ids_are_trained_by_dropping_alone(rate: float) -> None:
    """The training rows know all their ids, so that nothing else reaches the rows of the table for unknown ones."""
    spec = job("vr", training=FAST | {"unknown_rate": rate, "epochs": 1})
    start = group(spec, [0])
    rows = parts(logs.model(spec))[0].rows
    (result,) = trained(spec, [0])
    moved = (result.parameters["table"] != start.parameters["table"]).any(-1)
    unknown = torch.tensor(sorted(set(torch.cat([rows.unknown, rows.unknown_in_lists]).tolist())))
    assert len(unknown) == 4
    assert moved[unknown].all() == (rate > 0)
    assert moved.sum() == len(moved) - (0 if rate else 4)


# Stopping


def numbered(monkeypatch: pytest.MonkeyPatch, sequences: list[list[float]]) -> list[list[dict[str, Tensor]]]:
    """Let validation losses be those of ``sequences``; return, filled while training, the parameters of each epoch."""
    seen: list[list[dict[str, Tensor]]] = []
    steps: Iterator[Any] = zip(*sequences, strict=True)

    def validation(group: Group, part: Part) -> Any:
        copies = [group.repetition(group.parameters, place) for place in range(len(group.repetitions))]
        seen.append([{name: value.clone() for name, value in copy.items()} for copy in copies])
        return {"validation": np.array(next(steps))}

    monkeypatch.setattr(engine, "_validation", validation)
    return seen


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_training_stops_after_patience_and_keeps_the_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tie is no improvement: epoch 3 stays the best, and two epochs without a better one end the training."""
    seen = numbered(monkeypatch, [[3.0, 2.0, 2.5, 1.5, 1.5, 1.6, 0.1, 0.1]])
    (result,) = trained(job("vr", training=FAST | {"epochs": 8, "patience": 2}), [0])
    assert [row["validation"] for row in result.history] == [3.0, 2.0, 2.5, 1.5, 1.5, 1.6]
    assert [row["epoch"] for row in result.history] == list(range(6))
    assert same(result.parameters, seen[3][0])
    assert not same(result.parameters, seen[5][0])


def test_stacked_repetitions_stop_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    early, late = [1.0, 2.0, 2.0, 0.1, 0.1], [5.0, 4.0, 3.0, 3.5, 2.0]
    seen = numbered(monkeypatch, [early, late])
    spec = job("vr", training=FAST | {"epochs": 5, "patience": 2})
    first, second = trained(spec, [0, 1], stacked=True)
    assert [row["validation"] for row in first.history] == early[:3]
    assert [row["validation"] for row in second.history] == late
    assert same(first.parameters, seen[0][0])
    assert same(second.parameters, seen[4][1])


def test_training_ends_when_every_repetition_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = numbered(monkeypatch, [[1.0, 2.0, 2.0, 0.1], [1.0, 2.0, 0.5, 0.1]])
    trained(job("vr", training=FAST | {"epochs": 4, "patience": 1}), [0, 1], stacked=True)
    assert len(seen) == 2


# Mistakes


@pytest.mark.parametrize("stacked", [False, True])
def test_a_loss_that_is_no_number_names_repetition_and_epoch(stacked: bool) -> None:
    spec = job("vr", training=FAST | {"learning_rate": 1e25})
    expected = r"^repetition 3, epoch 0: the validation loss is (nan|inf); a smaller training\.learning_rate .*\.$"
    with pytest.raises(WatchtimeError, match=expected):
        trained(spec, [3], stacked)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_an_absent_cuda_device_is_told_in_one_sentence() -> None:
    with pytest.raises(WatchtimeError, match=r"^device: found 'cuda', .* set device: cpu\.$"):
        engine.deterministic("cuda")


# Outputs


def test_outputs_of_a_row_do_not_depend_on_the_rows_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slabs have one shape, so that a prefix of the log gives the same bytes; slabs of another size only round."""
    spec = job("tpm", training=FAST | {"epochs": 1})
    model = logs.model(spec)
    (result,) = trained(spec, [0])
    log, encoding = logs.encoded()
    few, all_rows = (ResidentRows(log.rows(np.arange(count)), encoding.cardinalities, CPU) for count in (37, 200))
    slabs = partial(engine.outputs, model.method, encoder=spec.encoder, parameters=result.parameters)

    def known(rows: ResidentRows, size: int) -> npt.NDArray[np.float32]:
        return np.concatenate(list(slabs(rows=rows, size=size)))

    whole = known(rows=all_rows, size=64)
    assert whole.shape == (200, model.method.outputs)
    sizes, gather = [], ResidentRows.gather

    def counted(rows: ResidentRows, index: Tensor) -> Inputs:
        sizes.append(len(index))
        return gather(rows, index)

    monkeypatch.setattr(ResidentRows, "gather", counted)
    assert known(rows=few, size=64).tobytes() == whole[:37].tobytes()
    assert sizes == [64]
    np.testing.assert_allclose(known(rows=all_rows, size=1000), whole, rtol=0, atol=1e-5)
