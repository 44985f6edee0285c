"""The members of a zip or tar archive, one after another and in one shape."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from watchtime.core.errors import WatchtimeError

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
DECOMPRESSORS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
    UnicodeError,
)
LONGEST_READ = 16 << 20
LONGEST_END = 64 << 20


@dataclass(frozen=True)
class Member:
    """One entry of an archive; ``fault`` completes the sentence "member 'x' …" where it is neither file nor folder."""

    name: str
    is_folder: bool
    size: int
    fault: str
    open: Callable[[], IO[bytes]]


def members(archive: Path) -> Iterator[Member]:
    """Yield the members in order; each may be opened until the next is asked for.

    The kind of the archive is seen from its content. Raises a WatchtimeError for what is no archive, and one of
    ``DAMAGE`` for an archive that is damaged or cut off.
    """
    with archive.open("rb") as stream:
        start = stream.read(512)
    if start.startswith(ZIP):
        yield from _zip_members(archive)
        return
    compressed = [opener for mark, opener in DECOMPRESSORS.items() if start.startswith(mark)]
    if not compressed and start[257:262] != b"ustar":
        raise WatchtimeError(f"{archive}: neither a zip nor a tar archive.")
    with compressed[0](archive) if compressed else archive.open("rb") as stream:
        yield from _tar_members(stream)


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as container:
        for entry in container.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            fault = ""
            if kind == stat.S_IFLNK:
                fault = "is a link"
            elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                fault = "is a device"
            elif entry.flag_bits & 1:
                fault = "is encrypted"
            # ``filename`` is cut at a NUL.
            name = entry.orig_filename
            yield Member(name, name.endswith("/"), entry.file_size, fault, partial(container.open, entry))


def _tar_members(stream: Any) -> Iterator[Member]:
    blocks = _Blocks(stream)
    with tarfile.open(fileobj=cast(Any, blocks), mode="r:") as container:
        for entry in container:
            fault = ""
            if entry.issym() or entry.islnk():
                fault = "is a link"
            elif entry.issparse():
                fault = "is a sparse file"
            elif not entry.isfile() and not entry.isdir():
                fault = "is a device"
            elif entry.size < 0:
                fault = "has a negative size"
            opener = cast(Callable[[], IO[bytes]], partial(container.extractfile, entry))
            yield Member(entry.name, entry.isdir(), entry.size, fault, opener)
    blocks.check_end()


class _Blocks:
    """The uncompressed bytes of a tar archive, which reads no header that is absurdly long.

    ``tarfile`` takes a cut between two members, and a damaged header, for the end of the archive.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._last = b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LONGEST_READ:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        self._last = self._stream.read(size)
        return self._last

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def check_end(self) -> None:
        """Refuse an archive whose last block does not mark the end; a decompressor checks its sum at its own end."""
        if self._last != bytes(512):
            raise tarfile.ReadError("its end mark is missing")
        rest = 0
        while piece := self._stream.read(1 << 20):
            rest += len(piece)
            if rest > LONGEST_END:
                raise tarfile.ReadError("it goes on after its end mark")
