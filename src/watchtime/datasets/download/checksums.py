"""Checksums as publishers state them: ``md5:…``, ``sha256:…`` and ``git-blob:…``, in hex digits."""

from __future__ import annotations

import hashlib
from pathlib import Path

PIECE = 1 << 20


def checksum_of(path: Path, kind: str) -> str:
    """Return the checksum of a file's bytes as ``kind:digits``; memory does not grow with the file.

    The id of a git blob is sha1("blob " + size in decimal + NUL + bytes).
    """
    if kind == "git-blob":
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    else:
        digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
    return f"{kind}:{digest.hexdigest()}"


def has_checksum(path: Path, checksum: str) -> bool:
    """Whether ``path`` is a file whose bytes have this checksum."""
    return path.is_file() and checksum_of(path, kind_of(checksum)) == checksum


def kind_of(checksum: str) -> str:
    return checksum.partition(":")[0]
