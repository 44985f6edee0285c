"""What the disk refuses, told in one sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchtime.core.errors import WatchtimeError

FULL = {errno.ENOSPC, errno.EDQUOT}


class DiskFull(WatchtimeError):
    """There was no room: what was fetched so far stays, so that a later run goes on from there."""


@contextmanager
def disk_errors(path: Path, needed: str = "more room is") -> Iterator[None]:
    """Tell in one sentence that ``path`` cannot be written; ``needed`` says what a full disk had no room for.

    An OSError without a number comes from a decompressor, not from the disk, and passes.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(f"{path}: the disk is full, {needed} needed.") from None
        if error.errno is None:
            raise
        raise WatchtimeError(f"{path}: {error.strerror}.") from None
