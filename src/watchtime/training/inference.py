"""Predictions of a trained network, for every repetition."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from watchtime.core.errors import WatchtimeError, plain
from watchtime.datasets.encoded import EncodedLog
from watchtime.encoders.perceptron import InputShape
from watchtime.methods.base import Readouts
from watchtime.methods.network import NetworkMethod
from watchtime.methods.ranking import RankingMethod
from watchtime.training.engine import deterministic, outputs
from watchtime.training.flops import flops
from watchtime.training.model import Model, State, durations
from watchtime.training.network import TABLE, template
from watchtime.training.resident import ResidentRows


def flops_of_row(model: Model, one: EncodedLog) -> int:
    """Return the operations that the inference of a row takes, from one row with the model's features."""
    device = torch.device("meta")
    shape = ResidentRows(one, model.encoding.cardinalities, device, model.spec.encoder.events).shape
    return flops(model.method, shape, model.spec.encoder)


def network_readouts(
    model: Model, log: EncodedLog, device: str, target: npt.NDArray[np.float64] | None
) -> list[Readouts]:
    """Return the readouts of every repetition for rows with the model's features, judged by ``target`` if given."""
    rows = ResidentRows(log, model.encoding.cardinalities, deterministic(device), model.spec.encoder.events)
    _check_weights(model, rows.shape)
    return [_readouts(model, model.method, state, rows, durations(log), target) for state in model.states]


def _check_weights(model: Model, shape: InputShape) -> None:
    """Raise ``WatchtimeError`` unless every repetition has the weights of the method's network, each in its shape."""
    network = template(model.method, shape, model.spec.encoder)
    expected = {name: tuple(weights.shape) for name, weights in network.named_parameters()}
    expected[TABLE] = (shape.table, expected[TABLE][1])
    for state in model.states:
        found = {name: array.shape for name, array in state.items()}
        for name in sorted({*expected, *found}):
            if found.get(name) != expected.get(name):
                raise WatchtimeError(
                    f"the model's weights {plain(name)} have the shape {found.get(name)}, method "
                    f"'{model.spec.method}' expects {expected.get(name)}."
                )


def _readouts(
    model: Model,
    method: NetworkMethod,
    state: State,
    rows: ResidentRows,
    duration: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64] | None,
) -> Readouts:
    parameters = {name: torch.from_numpy(np.array(array)) for name, array in state.items()}
    size, parts = model.spec.training.evaluation_batch, list[Readouts]()
    slabs = outputs(method, rows, model.spec.encoder, size, parameters)
    if isinstance(method, RankingMethod):
        # What orders rows may look at all of them.
        size, slabs = len(rows), iter([np.concatenate(list(slabs))])
    for place, slab in enumerate(slabs):
        here = slice(place * size, place * size + len(slab))
        raw = slab.astype(np.float64)
        parts.append(method.readouts(raw, duration[here]))
        if target is not None:
            parts[-1] |= _calibration(method, raw, target[here])
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _calibration(
    method: NetworkMethod, raw: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return what the predicted distribution says of the true targets; nothing where no distribution is predicted."""
    probabilities = method.distribution(raw)
    if probabilities is None:
        return {}
    low, high = method.codec.intervals.probability_integral(probabilities, target)
    return {"crps": method.codec.intervals.crps(probabilities, target), "pit_low": low, "pit_high": high}
