"""How many floating-point operations a method's network takes to predict one row."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from watchtime.core.settings import EncoderSettings
from watchtime.encoders.perceptron import Inputs, InputShape
from watchtime.methods.network import NetworkMethod
from watchtime.training.network import template

META = torch.device("meta")


def flops(method: NetworkMethod, shape: InputShape, encoder: EncoderSettings) -> int:
    """Return Σ 2 m k n over the products of matrices [m, k] · [k, n] in the inference of one row.

    An operation is a multiplication or an addition. Lookups of embeddings, means over lists, activations and what
    ``readouts`` does are not counted. Nothing is computed, so that what a head decides by values is not seen: a
    sequence is counted to its full length.
    """
    network = template(method, shape, encoder).requires_grad_(False)
    with FlopCounterMode(display=False, custom_mapping=_VECTOR_PRODUCTS) as counter:
        network(_one_row(shape))
    return int(counter.get_total_flops())


def _product(left: Any, right: Any, **options: Any) -> int:
    """Return the operations of a product with a vector; torch counts products of matrices alone."""
    size: int = torch.Size(left).numel()
    return 2 * size


_VECTOR_PRODUCTS = {torch.ops.aten.mv: _product, torch.ops.aten.dot: _product}


def _one_row(shape: InputShape) -> Inputs:
    return Inputs(
        ids=torch.zeros(1, shape.fields, dtype=torch.int32, device=META),
        list_ids=torch.zeros(1, shape.places, dtype=torch.int32, device=META),
        present=torch.zeros(1, shape.places, dtype=torch.bool, device=META),
        numeric=torch.zeros(1, shape.numeric, device=META),
    )
