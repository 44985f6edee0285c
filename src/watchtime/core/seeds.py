"""One random number stream per axis, so that what should be shared is shared and the rest is independent.

The axes of a run are ``split`` (one per data set and protocol, fixed over repetitions), ``batches``, ``unknown ids``
and ``initialisation`` (one each per repetition, shared by all methods, which makes comparisons paired), ``search``
(one per method and variant), ``users`` (which users an interval over users draws, shared by all methods) and
``repetitions`` (which repetitions are drawn anew where all draws are too many to count).
"""

from __future__ import annotations

import hashlib
import json


def derive_seed(root: int, **axes: int | str) -> int:
    """Return a seed in [0, 2**63) that depends on ``root`` and on every named axis, and on nothing else."""
    text = json.dumps({"root": root, **axes}, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
