"""The exact minimum of a differentiable loss, for what a loss estimates when nothing limits the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
import torch
from torch import Tensor


def minimum(loss: Callable[[Tensor], Tensor], *shape: int) -> npt.NDArray[np.float64]:
    """Return the float64 values [``shape``] that minimise ``loss``, by L-BFGS from 0."""

    def at(values: npt.NDArray[np.float64]) -> Any:
        point = torch.from_numpy(values.reshape(shape)).requires_grad_()
        value = loss(point)
        (gradient,) = torch.autograd.grad(value, point)
        return value.item(), gradient.numpy().ravel()

    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000}
    start = np.zeros(int(np.prod(shape)))
    found = scipy.optimize.minimize(at, start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x.reshape(shape))
