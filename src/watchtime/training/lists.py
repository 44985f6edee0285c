"""What the lists that a method's scores make of the validation rows are worth, from epoch to epoch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.func import functional_call

from watchtime.evaluation.ranking import Rankings
from watchtime.methods.ranking import RankingMethod
from watchtime.training.group import Group
from watchtime.training.resident import Part


@torch.no_grad()
def lists_judged(group: Group, part: Part) -> dict[str, npt.NDArray[np.float64]]:
    """Return 1 − NWTG@k as ``validation``, and what else the group tells of its lists, each [1].

    Where no user has a list, or nothing was watched, all lists are alike, and ``validation`` is 1.
    """
    method, size, outputs = group.method, group.training.evaluation_batch, []
    assert isinstance(method, RankingMethod)
    for start in range(0, len(part.rows), size):
        inputs = part.rows.slab(start, min(start + size, len(part.rows)))
        outputs.append(functional_call(group.template, group.parameters, (inputs,)).double().cpu().numpy())
    watch_time, user = (part.labels[name].cpu().numpy() for name in ("watch_time", "user"))
    rankings = Rankings(user, method.score(np.concatenate(outputs)), method.settings.list_length)
    gain = rankings.normalised_gain("watch time", watch_time).value
    return {"validation": 1 - np.nan_to_num([gain])} | group.lists()
