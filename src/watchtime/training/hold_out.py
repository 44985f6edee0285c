"""The rows by which labels are judged, user by user."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from watchtime.core.errors import WatchtimeError
from watchtime.losses.platform_objectives import Candidates
from watchtime.methods.ranking import BilevelMethod
from watchtime.training.resident import Part


class HoldOut:
    """Users with more rows than a list has, each with up to ``hold_out_rows`` of its rows, drawn once by ``seed``."""

    def __init__(self, method: BilevelMethod, part: Part, seed: int) -> None:
        rows, settings = part.rows, method.settings
        self.rows, self.candidates = rows, method.candidates(part.labels)
        user = part.labels["user"].cpu().numpy()
        places, present = _by_user(user, settings.list_length, settings.hold_out_rows, seed)
        if not len(places):
            raise WatchtimeError(
                f"the hold-out rows have no user with more than {settings.list_length} of them; a smaller list_length "
                "may help."
            )
        self.places, self.present = (torch.from_numpy(one).to(rows.device) for one in (places, present))
        self.count = min(settings.hold_out_users, len(places))

    @property
    def everyone(self) -> tuple[Tensor, Candidates]:
        """All users at once, as ``draw`` returns some of them."""
        return self._of(torch.arange(len(self.places), device=self.places.device))

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Candidates]:
        """Return the rows [users, rows] of users drawn without replacement, and what their lists are judged by."""
        users = torch.randperm(len(self.places), generator=generator, device=self.places.device)
        return self._of(users[: self.count])

    def _of(self, users: Tensor) -> tuple[Tensor, Candidates]:
        places, present = self.places[users], self.present[users]
        longest = int(present.sum(-1).max())
        places, present = places[:, :longest], present[:, :longest]
        whole = self.candidates
        watch_time, feedback, duration = (
            one[places] * present for one in (whole.watch_time, whole.feedback, whole.duration)
        )
        return places, Candidates(watch_time, feedback, duration, present)


def _by_user(
    user: npt.NDArray[np.int64], list_length: int, most: int, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the rows of each user with more than ``list_length`` of them, [users, most], and which places hold one."""
    shuffled = np.random.default_rng(seed).permutation(len(user))
    order = shuffled[np.argsort(user[shuffled], kind="stable")]
    _, start, count = np.unique(user[order], return_index=True, return_counts=True)
    start, count = start[count > list_length], np.minimum(count[count > list_length], most)
    place = np.arange(count.max(initial=1))
    present = place < count[:, None]
    return order[np.where(present, start[:, None] + place, start[:, None])], present
