"""The state of an unfinished training, saved between epochs so that a killed job goes on with the same bytes."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from watchtime.core.files import canonical_json, replacing
from watchtime.training.group import Group

if TYPE_CHECKING:
    from watchtime.training.engine import Best

SECONDS_BETWEEN = 20.0


class Checkpoint:
    """One safetensors file; a file with another fingerprint belongs to other settings or data and is ignored."""

    def __init__(self, path: Path | None, fingerprint: str) -> None:
        self.path, self.fingerprint = path, fingerprint
        self.saved_at = time.monotonic()

    def save(self, group: Group, best: Sequence[Best], history: list[dict[str, Any]], next_epoch: int) -> None:
        """Write the state, unless the last save was a moment ago."""
        if self.path is None or time.monotonic() - self.saved_at < SECONDS_BETWEEN:
            return
        tensors = group.state()
        for place, one in enumerate(best):
            tensors |= {f"best/{place}/{name}": value for name, value in one.parameters.items()}
        progress = {
            "fingerprint": self.fingerprint,
            "next_epoch": next_epoch,
            "history": history,
            "best": [[one.loss, one.epoch, one.stopped] for one in best],
        }
        contiguous = {name: value.contiguous().clone() for name, value in tensors.items()}
        text = json.dumps(progress)
        with replacing(self.path) as temporary:
            save_file(contiguous, temporary, metadata={"progress": text, "sha256": _digest(text, contiguous)})
        self.saved_at = time.monotonic()

    def restore(self, group: Group, best: Sequence[Best], history: list[dict[str, Any]]) -> int:
        """Put a saved state back and return the epoch to go on with; 0 where there is none of this training.

        A damaged file is told on standard error and ignored.
        """
        if self.path is None or not self.path.is_file():
            return 0
        try:
            progress, tensors = self._read(self.path, group.table.device)
            is_ours = progress["fingerprint"] == self.fingerprint
        except (SafetensorError, LookupError, OSError, RecursionError, TypeError, ValueError):
            print(f"watchtime: {self.path}: a damaged checkpoint; training starts again.", file=sys.stderr)
            return 0
        if not is_ours:
            return 0
        group.load_state(tensors)
        for place, (one, saved) in enumerate(zip(best, progress["best"], strict=True)):
            one.loss, one.epoch, one.stopped = saved
            start = f"best/{place}/"
            one.parameters = {
                name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
            }
        history += progress["history"]
        return int(progress["next_epoch"])

    @staticmethod
    def _read(path: Path, device: torch.device) -> tuple[dict[str, Any], dict[str, Tensor]]:
        with safe_open(path, framework="pt", device=str(device)) as file:
            text, digest = file.metadata()["progress"], file.metadata()["sha256"]
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if digest != _digest(text, tensors):
            raise ValueError("its bytes are not those that were written")
        return json.loads(text), tensors


def _digest(text: str, tensors: dict[str, Tensor]) -> str:
    """Return the sha256 of a state: a flipped bit would go unseen into every later epoch."""
    digest = hashlib.sha256(text.encode())
    for name, value in sorted(tensors.items()):
        digest.update(canonical_json([name, str(value.dtype), list(value.shape)]).encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
