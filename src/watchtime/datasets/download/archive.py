"""Archives of strangers: only the files that were asked for are written, and nothing outside their folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from watchtime.core.errors import WatchtimeError, nearest
from watchtime.core.progress import Progress
from watchtime.datasets.download.archive_members import DAMAGE, Member, members
from watchtime.datasets.download.disk import disk_errors
from watchtime.datasets.download.member_names import Paths, normal_name

PIECE = 1 << 20
SMALL = 1 << 20


@dataclass(frozen=True)
class Bounds:
    """What an archive may hold: bytes in one member and in all, members, and unpacked bytes per byte of the archive.

    The ratio counts from 1 MiB of unpacked bytes on, below which nothing can harm.
    """

    member: int = 64 << 30
    total: int = 64 << 30
    members: int = 100_000
    ratio: int = 200


BOUNDS = Bounds()


def unpack(archive: Path, wanted: Mapping[str, str], folder: Path, bounds: Bounds = BOUNDS) -> list[str]:
    """Write members of ``archive`` into the new ``folder`` and return their paths below it, sorted.

    ``wanted`` maps a member to its path below ``folder``, or ``prefix/`` to a folder for all that lies under it.
    An archive with any member that is a link or a device, is encrypted, has a name that leads elsewhere or meets
    another one, or is beyond the bounds, is refused whole, as is one that is damaged, cut off, or without a wanted
    member; ``folder`` is then removed. Raises a WatchtimeError in one sentence.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True)
    try:
        return _Unpacking(archive, wanted, folder, bounds).run()
    except BaseException:
        shutil.rmtree(folder)
        raise


class _Unpacking:
    """One pass over an archive."""

    def __init__(self, archive: Path, wanted: Mapping[str, str], folder: Path, bounds: Bounds) -> None:
        self._archive, self._wanted, self._folder, self._bounds = archive, wanted, folder, bounds
        self._names, self._targets = Paths(), Paths()
        self._written: list[str] = []
        self._packed = archive.stat().st_size
        self._count, self._total = 0, 0
        self._seen: list[str] = []

    def run(self) -> list[str]:
        found = set()
        try:
            with Progress(0, "bytes") as progress:
                for member in members(self._archive):
                    name = self._accept(member)
                    key = None if member.is_folder else self._key(name)
                    if key is not None:
                        found.add(key)
                        self._write(member, self._target(name, key), progress)
        except DAMAGE as error:
            raise WatchtimeError(f"{self._archive}: the archive is damaged or cut off ({_reason(error)}).") from None
        for key in self._wanted:
            if key not in found:
                raise WatchtimeError(self._absent(key))
        return sorted(self._written)

    def _accept(self, member: Member) -> str:
        """Return the member's name in its normal form, or refuse the archive because of it."""
        self._count += 1
        self._total += member.size
        try:
            name = normal_name(member.name)
            if member.is_folder:
                self._names.add_folder(name)
            else:
                self._names.add_file(name)
        except ValueError as error:
            raise self._refusal(member, str(error)) from None
        fault = member.fault or self._excess(member)
        if fault:
            raise self._refusal(member, fault)
        self._seen.append(name)
        return name

    def _excess(self, member: Member) -> str:
        bounds = self._bounds
        if self._count > bounds.members:
            return f"is one more than the {bounds.members:,} that are allowed"
        if member.size > bounds.member:
            return f"has {member.size:,} bytes, more than the {bounds.member:,} that are allowed"
        if self._total > bounds.total:
            return f"brings the archive to {self._total:,} bytes, more than the {bounds.total:,} that are allowed"
        if self._total > SMALL and self._total > bounds.ratio * self._packed:
            return (
                f"brings {self._packed:,} packed bytes to {self._total:,}, "
                f"more than the {bounds.ratio:,} per byte that are allowed"
            )
        return ""

    def _key(self, name: str) -> str | None:
        """Return the entry of ``wanted`` that asks for a member: its own name before the longest folder."""
        if name in self._wanted:
            return name
        folders = [key for key in self._wanted if key.endswith("/") and name.startswith(key)]
        return max(folders, key=len, default=None)

    def _target(self, name: str, key: str) -> str:
        target = self._wanted[key]
        if key.endswith("/"):
            target = str(PurePosixPath(target) / name.removeprefix(key))
        try:
            target = normal_name(target)
            self._targets.add_file(target)
        except ValueError as error:
            raise WatchtimeError(f"{self._archive}: '{target}', to be made of member '{name}', {error}.") from None
        return target

    def _write(self, member: Member, target: str, progress: Progress) -> None:
        path = self._folder / target
        with disk_errors(path, f"{member.size:,} bytes are"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with member.open() as source, path.open("xb") as sink:
                while piece := source.read(PIECE):
                    sink.write(piece)
                    progress.advance(len(piece))
        self._written.append(target)

    def _absent(self, key: str) -> str:
        guess = nearest(key, self._seen)
        return f"{self._archive}: there is no member '{key}'" + (f", but '{guess}'." if guess else ".")

    def _refusal(self, member: Member, fault: str) -> WatchtimeError:
        return WatchtimeError(f"{self._archive}: member {member.name!r} {fault}, so nothing was unpacked.")


def _reason(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
