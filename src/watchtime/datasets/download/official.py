"""All files of one data set into its folder, each from where its publisher keeps it."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from watchtime.core.dataset_card import DatasetCard, Source
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json, write_json
from watchtime.core.settings import Settings
from watchtime.datasets.download.archive import BOUNDS, Bounds, unpack
from watchtime.datasets.download.checksums import checksum_of, has_checksum, kind_of
from watchtime.datasets.download.disk import DiskFull, disk_errors
from watchtime.datasets.download.fetch import fetch
from watchtime.datasets.download.patience import PATIENCE, Patience

RECEIPT = "downloads.json"


class Fetched(Settings):
    """What one source brought: its files with their checksums."""

    checksum: str
    unpack: dict[str, str]
    files: dict[str, str]


def download(card: DatasetCard, folder: Path, patience: Patience = PATIENCE, bounds: Bounds = BOUNDS) -> None:
    """Bring every source of ``card`` into ``folder``; what is there already and right is not fetched again.

    A file appears in ``folder`` when it is whole and verified; what is on its way lies beside the folder and is taken
    up by the next call. ``downloads.json`` says which file came from where. Raises a WatchtimeError in one sentence,
    among others where a file that the card asks for can only be brought by hand; all others are there then.
    """
    known = _read_receipt(folder)
    for source in card.sources:
        if not _is_whole(source, folder, known.get(source.url)):
            known[source.url] = _bring(source, folder, patience, bounds)
            entries = {url: fetched.model_dump() for url, fetched in known.items()}
            with disk_errors(folder / RECEIPT):
                write_json(folder / RECEIPT, entries)
    shutil.rmtree(_partial(folder), ignore_errors=True)
    absent = missing_by_hand(card, folder)
    if absent:
        raise WatchtimeError(
            f"{folder}: {' and '.join(absent)} cannot be downloaded and must be put there by hand: "
            f"{card.by_hand or 'no source is known.'}"
        )


def _partial(folder: Path) -> Path:
    """Where files on their way to ``folder`` lie: beside it, since a workflow may remove a folder that is not whole."""
    return folder.with_name(f".{folder.name}.partial")


def makes(source: Source, file: str) -> bool:
    """Whether ``source`` brings ``file``, a path below the data set's folder."""
    folders = [PurePosixPath(target) for member, target in source.unpack.items() if member.endswith("/")]
    return file in (source.save_as, *source.unpack.values()) or any(
        PurePosixPath(file).is_relative_to(one) for one in folders
    )


def missing_by_hand(card: DatasetCard, folder: Path) -> list[str]:
    """Return the files that the card asks for, that no source brings and that are not in ``folder``."""

    def is_absent(file: str) -> bool:
        return not (folder / file).is_file() and not any(makes(source, file) for source in card.sources)

    absent = [file for file in card.tables.values() if is_absent(file)]
    if all(map(is_absent, card.logs)):
        absent.insert(0, " or ".join(card.logs))
    return absent


def _is_whole(source: Source, folder: Path, fetched: Fetched | None) -> bool:
    """Whether all that ``source`` brings is there, by the publisher's checksums or else by those noted then."""
    files = dict(source.members)
    if source.save_as is not None:
        files[source.save_as] = source.checksum
    if not set(source.unpack.values()) <= set(files):
        if fetched is None or (fetched.checksum, fetched.unpack) != (source.checksum, source.unpack):
            return False
        files = {**fetched.files, **files}
    return all(has_checksum(folder / file, checksum) for file, checksum in files.items())


def _bring(source: Source, folder: Path, patience: Patience, bounds: Bounds) -> Fetched:
    """Fetch one source, verify and unpack it beside the folder's files, and move them into place."""
    arrived = _partial(folder) / (PurePosixPath(urlsplit(source.url).path).name or "download")
    fetch(source.url, arrived, source.checksum, source.size, patience)
    files: dict[str, str] = {}
    if source.unpack:
        staging = _partial(folder) / "unpacked"
        shutil.rmtree(staging, ignore_errors=True)
        try:
            files = _unpack_verified(source, arrived, staging, bounds)
            for file in files:
                _move(staging / file, folder / file)
        except DiskFull:
            raise
        except WatchtimeError:
            arrived.unlink()
            raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    if source.save_as is not None:
        files[source.save_as] = source.checksum
        _move(arrived, folder / source.save_as)
    else:
        arrived.unlink()
    return Fetched(checksum=source.checksum, unpack=source.unpack, files=files)


def _unpack_verified(source: Source, archive: Path, staging: Path, bounds: Bounds) -> dict[str, str]:
    """Unpack into ``staging`` and return the files with their checksums, those that are stated checked."""
    files = {}
    for file in unpack(archive, source.unpack, staging, bounds):
        stated = source.members.get(file)
        files[file] = checksum_of(staging / file, kind_of(stated) if stated else "sha256")
        if stated not in (None, files[file]):
            raise WatchtimeError(f"{source.url}: its '{file}' has the checksum {files[file]}, expected is {stated}.")
    return files


def _move(file: Path, target: Path) -> None:
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)


def _read_receipt(folder: Path) -> dict[str, Fetched]:
    """Return what is known of earlier downloads; a receipt that cannot be read tells nothing."""
    try:
        return TypeAdapter(dict[str, Fetched]).validate_python(read_json(folder / RECEIPT))
    except (WatchtimeError, ValidationError):
        return {}
