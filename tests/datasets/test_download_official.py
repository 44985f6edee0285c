"""All files of a data set, brought from a server on this machine in archives of the official layouts."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from download_server import Server, chunked, ranged, running, status, whole
from watchtime.core.dataset_card import DatasetCard, Source
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.download.archive import Bounds
from watchtime.datasets.download.disk import DiskFull
from watchtime.datasets.download.official import download, makes, missing_by_hand
from watchtime.datasets.download.patience import Patience

LOG = b"user,item\n" + Random(1).randbytes(30_000)
USERS = b"user,age\n1,2\n"
NOTES = b"read me"
HURRIED = Patience(connect=5, read=5, attempts=2, sleep=lambda seconds: None)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with running() as state:
        yield state


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "set"


def card(*sources: Source, logs: tuple[str, ...] = ("data/log.csv",), by_hand: str = "", **tables: str) -> DatasetCard:
    given: dict[str, Any] = {"logs": list(logs), "tables": tables, "sources": list(sources), "by_hand": by_hand}
    return DatasetCard.model_construct(**given)


def zipped(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def md5(content: bytes) -> str:
    return "md5:" + hashlib.md5(content).hexdigest()


def sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def git_blob(content: bytes) -> str:
    return "git-blob:" + hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


ZIP = zipped(**{"Set 2.0/data/log.csv": LOG, "Set 2.0/data/users.csv": USERS, "Set 2.0/notes.txt": NOTES})
TAR = tarred(**{"Set/data/log.csv": LOG, "Set/data/users.csv": USERS, "Set/notes.txt": NOTES})


def zip_source(url: str, content: bytes = ZIP) -> Source:
    """Like KuaiRec: the archive's own checksum, and a whole folder of it."""
    return Source(url=url, checksum=md5(content), size=len(content), unpack={"Set 2.0/data/": "data/"})


def tar_source(url: str, content: bytes = TAR) -> Source:
    """Like KuaiRand: single members, each with its own checksum."""
    return Source(
        url=url,
        checksum=md5(content),
        unpack={"Set/data/log.csv": "data/log.csv", "Set/data/users.csv": "data/users.csv"},
        members={"data/log.csv": sha256(LOG), "data/users.csv": sha256(USERS)},
    )


def file_source(url: str, content: bytes = LOG, save_as: str = "data/log.csv") -> Source:
    """Like CIKM16: a single file with the id that git gives to it."""
    return Source(url=url, checksum=git_blob(content), save_as=save_as)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below the folder but the receipt."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop("downloads.json", None)
    return found


def refused(one: DatasetCard, folder: Path, bounds: Bounds = Bounds()) -> str:  # noqa: B008
    with pytest.raises(WatchtimeError) as error:
        download(one, folder, HURRIED, bounds)
    assert "\n" not in str(error.value)
    return str(error.value)


# What goes well


@pytest.mark.parametrize("kind", ["zip", "tar", "file"])
def test_a_data_set_arrives_and_is_not_fetched_again(server: Server, folder: Path, kind: str) -> None:
    served = {"zip": ZIP, "tar": TAR, "file": LOG}[kind]
    make = {"zip": zip_source, "tar": tar_source, "file": file_source}[kind]
    one = card(make(server.serve(f"/files/set.{kind}", served)))
    download(one, folder, HURRIED)
    expected = {"data/log.csv": LOG, "data/users.csv": USERS}
    assert contents(folder) == (expected if kind != "file" else {"data/log.csv": LOG})
    assert len(server.asked) == 1
    download(one, folder, HURRIED)
    assert len(server.asked) == 1


@pytest.mark.parametrize("kind", ["zip", "tar", "file"])
@pytest.mark.parametrize("harm", ["removed", "changed"])
def test_what_is_no_longer_right_is_fetched_again(server: Server, folder: Path, kind: str, harm: str) -> None:
    served = {"zip": ZIP, "tar": TAR, "file": LOG}[kind]
    make = {"zip": zip_source, "tar": tar_source, "file": file_source}[kind]
    one = card(make(server.serve("/set", served)))
    download(one, folder, HURRIED)
    log = folder / "data" / "log.csv"
    if harm == "removed":
        log.unlink()
    else:
        log.write_bytes(LOG[:-1] + b"!")
    download(one, folder, HURRIED)
    assert log.read_bytes() == LOG
    assert len(server.asked) == 2


def test_files_that_were_brought_otherwise_are_not_fetched(server: Server, folder: Path) -> None:
    """Where every file has a published checksum, no receipt is needed."""
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "log.csv").write_bytes(LOG)
    (folder / "data" / "users.csv").write_bytes(USERS)
    download(card(tar_source(server.serve("/set", TAR))), folder, HURRIED)
    assert server.asked == []


def test_only_the_source_that_is_not_whole_is_fetched(server: Server, folder: Path) -> None:
    sources = [
        file_source(server.serve("/log", LOG)),
        file_source(server.serve("/users", USERS, status(404)), USERS, "data/users.csv"),
    ]
    assert "404" in refused(card(*sources), folder)
    assert contents(folder) == {"data/log.csv": LOG}
    server.answers["/users"] = [whole()]
    download(card(*sources), folder, HURRIED)
    assert contents(folder) == {"data/log.csv": LOG, "data/users.csv": USERS}
    assert [path for path, _ in server.asked] == ["/log", "/users", "/users"]


def test_an_archive_is_not_kept_beside_its_files(server: Server, folder: Path) -> None:
    absent = file_source(server.serve("/absent", b"", status(404)), b"", "absent.csv")
    assert "404" in refused(card(zip_source(server.serve("/set.zip", ZIP)), absent), folder)
    assert contents(folder) == {"data/log.csv": LOG, "data/users.csv": USERS}


def test_the_receipt_says_what_came_from_where(server: Server, folder: Path) -> None:
    archive, single = zip_source(server.serve("/a.zip", ZIP)), file_source(server.serve("/n", NOTES), NOTES, "notes")
    download(card(archive, single), folder, HURRIED)
    assert json.loads((folder / "downloads.json").read_text()) == {
        server.url + "/a.zip": {
            "checksum": md5(ZIP),
            "unpack": {"Set 2.0/data/": "data/"},
            "files": {"data/log.csv": sha256(LOG), "data/users.csv": sha256(USERS)},
        },
        server.url + "/n": {"checksum": git_blob(NOTES), "unpack": {}, "files": {"notes": git_blob(NOTES)}},
    }


@pytest.mark.parametrize("text", ["", "{", "[]", '{"x": 1}', '{"x": {"checksum": 1, "files": []}}'])
def test_a_receipt_that_cannot_be_read_tells_nothing(server: Server, folder: Path, text: str) -> None:
    one = card(zip_source(server.serve("/set", ZIP)))
    download(one, folder, HURRIED)
    (folder / "downloads.json").write_text(text)
    download(one, folder, HURRIED)
    assert len(server.asked) == 2
    download(one, folder, HURRIED)
    assert len(server.asked) == 2


def test_another_version_or_other_members_are_fetched(server: Server, folder: Path) -> None:
    url = server.serve("/set", ZIP)
    first = zip_source(url)
    download(card(first), folder, HURRIED)
    download(card(first.model_copy(update={"unpack": {"Set 2.0/": ""}})), folder, HURRIED)
    assert contents(folder) == {"data/log.csv": LOG, "data/users.csv": USERS, "notes.txt": NOTES}
    download(card(first), folder, HURRIED)
    newer = zipped(**{"Set 2.0/data/log.csv": USERS})
    server.files["/set"] = newer
    download(card(zip_source(url, newer)), folder, HURRIED)
    assert (folder / "data" / "log.csv").read_bytes() == USERS


def test_an_archive_may_be_kept(server: Server, folder: Path) -> None:
    source = zip_source(server.serve("/set.zip", ZIP)).model_copy(update={"save_as": "original.zip"})
    download(card(source), folder, HURRIED)
    assert contents(folder) == {"data/log.csv": LOG, "data/users.csv": USERS, "original.zip": ZIP}
    download(card(source), folder, HURRIED)
    assert len(server.asked) == 1


def test_an_archive_that_was_put_there_by_hand_is_used(server: Server, folder: Path) -> None:
    (folder.with_name(".set.partial")).mkdir(parents=True)
    (folder.with_name(".set.partial") / "set.zip").write_bytes(ZIP)
    download(card(zip_source(server.serve("/set.zip", ZIP))), folder, HURRIED)
    assert server.asked == []
    assert contents(folder) == {"data/log.csv": LOG, "data/users.csv": USERS}


def test_other_files_stay(server: Server, folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "mine.csv").write_text("mine")
    download(card(zip_source(server.serve("/set", ZIP))), folder, HURRIED)
    assert (folder / "data" / "mine.csv").read_text() == "mine"


def test_the_same_download_gives_the_same_bytes(server: Server, tmp_path: Path) -> None:
    one = card(zip_source(server.serve("/set", ZIP)))
    for name in ("a", "b"):
        download(one, tmp_path / name, HURRIED)
    receipts = [(tmp_path / name / "downloads.json").read_bytes() for name in ("a", "b")]
    assert receipts[0] == receipts[1]


# By hand


def test_a_data_set_without_sources_says_what_to_do(folder: Path) -> None:
    one = card(logs=("log.csv",), by_hand="Log in and copy the archive's files.", items="items.csv")
    sentence = (
        f"{folder}: log.csv and items.csv cannot be downloaded and must be put there by hand: "
        "Log in and copy the archive's files."
    )
    assert refused(one, folder) == sentence
    assert not folder.exists()
    folder.mkdir(parents=True)
    (folder / "log.csv").write_text("")
    assert refused(one, folder).startswith(f"{folder}: items.csv cannot be downloaded")
    (folder / "items.csv").write_text("")
    download(one, folder, HURRIED)
    assert sorted(contents(folder)) == ["items.csv", "log.csv"]


def test_one_of_several_logs_is_enough(folder: Path) -> None:
    one = card(logs=("first.csv", "second.csv"), by_hand="Ask.")
    assert refused(one, folder) == (
        f"{folder}: first.csv or second.csv cannot be downloaded and must be put there by hand: Ask."
    )
    folder.mkdir(parents=True)
    (folder / "second.csv").write_text("")
    download(one, folder, HURRIED)


def test_what_must_come_by_hand_is_told_when_all_else_is_there(server: Server, folder: Path) -> None:
    one = card(file_source(server.serve("/log", LOG)), by_hand="Ask the publisher.", queries="queries.csv")
    assert refused(one, folder) == (
        f"{folder}: queries.csv cannot be downloaded and must be put there by hand: Ask the publisher."
    )
    assert contents(folder) == {"data/log.csv": LOG}
    (folder / "queries.csv").write_text("mine")
    download(one, folder, HURRIED)
    assert len(server.asked) == 1
    assert contents(folder) == {"data/log.csv": LOG, "queries.csv": b"mine"}


def test_which_files_a_source_brings() -> None:
    source = Source(url="http://x/y", checksum=md5(b""), save_as="all.zip", unpack={"a/": "data/", "b": "one.csv"})
    for file in ("all.zip", "data/x.csv", "data/deep/x.csv", "one.csv"):
        assert makes(source, file)
    for file in ("database/x.csv", "one.csvx", "x.csv", "b", "a/x.csv"):
        assert not makes(source, file)
    everything = Source(url="http://x/y", checksum=md5(b""), unpack={"a/": ""})
    assert makes(everything, "any/file.csv")
    assert missing_by_hand(card(everything), Path("nowhere")) == []


# What goes wrong


def test_a_member_with_another_checksum_is_refused(server: Server, folder: Path) -> None:
    other = tarred(**{"Set/data/log.csv": LOG, "Set/data/users.csv": b"other"})
    source = tar_source(server.serve("/set", other), other)
    assert refused(card(source), folder) == (
        f"{source.url}: its 'data/users.csv' has the checksum {sha256(b'other')}, expected is {sha256(USERS)}."
    )
    assert contents(folder) == {}


def test_an_archive_of_another_size_is_not_fetched(server: Server, folder: Path) -> None:
    source = zip_source(server.serve("/set", ZIP)).model_copy(update={"size": 5})
    assert refused(card(source), folder) == f"{source.url}: the server announces {len(ZIP):,} bytes, expected are 5."
    assert contents(folder) == {}


def test_an_archive_with_another_checksum_is_not_unpacked(server: Server, folder: Path) -> None:
    source = zip_source(server.serve("/set", zipped(**{"Set 2.0/data/log.csv": USERS})))
    server.answers["/set"] = [chunked()]
    assert "what was sent has the checksum md5:" in refused(card(source.model_copy(update={"size": None})), folder)
    assert contents(folder) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (ZIP[:-100], "the archive is damaged or cut off"),
        (b"<html>Sorry</html>", "neither a zip nor a tar archive"),
        (zipped(**{"Set 2.0/data/log.csv": LOG, "../users.csv": USERS}), "leads out of its folder by '..'"),
        (zipped(**{"Set 2.0/data/log.csv": LOG, "/users.csv": USERS}), "has an absolute path"),
        (zipped(**{"Set/data/log.csv": LOG}), "there is no member 'Set 2.0/data/'"),
        (zipped(**{"Set 2.0/data/log.csv": bytes(5_000_000)}), "packed bytes to 5,000,000"),
    ],
    ids=["cut", "no_archive", "parent_folder", "absolute_path", "no_such_member", "bomb"],
)
def test_a_bad_archive_leaves_nothing(server: Server, folder: Path, content: bytes, words: str) -> None:
    """Even where its checksum is the declared one."""
    source = zip_source(server.serve("/set.zip", content), content)
    sentence = refused(card(source), folder)
    assert words in sentence
    assert sentence.startswith(str(folder.with_name(".set.partial") / "set.zip"))
    assert contents(folder) == {}
    assert {path.name for path in folder.parent.parent.rglob("*")} <= {"data", "set", ".set.partial"}


def test_bounds_are_passed_on(server: Server, folder: Path) -> None:
    source = zip_source(server.serve("/set.zip", ZIP))
    assert "is one more than the 2 that are allowed" in refused(card(source), folder, Bounds(members=2))
    assert contents(folder) == {}


def test_a_failed_update_leaves_the_old_files(server: Server, folder: Path) -> None:
    download(card(tar_source(server.serve("/set", TAR))), folder, HURRIED)
    broken = tarred(**{"Set/data/log.csv": b"new", "Set/data/users.csv": USERS})[:-20]
    source = tar_source(server.serve("/new", broken), broken)
    refused(card(source.model_copy(update={"members": {"data/log.csv": sha256(b"new")}})), folder)
    assert contents(folder) == {"data/log.csv": LOG, "data/users.csv": USERS}


def test_a_cut_download_goes_on_at_the_next_call(server: Server, folder: Path) -> None:
    one = card(zip_source(server.serve("/set.zip", ZIP, ranged(upto=9_000), ranged(upto=9_000))))
    sentence = (
        f"{server.url}/set.zip: the connection ended after 9,000 of {len(ZIP):,} bytes, at the last of 2 attempts."
    )
    assert refused(one, folder) == sentence
    assert sorted(contents(folder.with_name(".set.partial"))) == ["set.zip.part", "set.zip.part.json"]
    server.answers["/set.zip"] = [ranged()]
    download(one, folder, HURRIED)
    assert server.sent[-1] == len(ZIP) - 9_000
    assert contents(folder) == {"data/log.csv": LOG, "data/users.csv": USERS}


def test_a_full_disk_while_unpacking_keeps_the_archive(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    real = Path.open

    def opened(self: Path, mode: str = "r", *arguments: Any, **more: Any) -> Any:
        return io.BufferedWriter(Full(self, mode)) if mode == "xb" else real(self, mode, *arguments, **more)

    one = card(zip_source(server.serve("/set.zip", ZIP)))
    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(DiskFull, match=r"log\.csv: the disk is full, 30,010 bytes are needed\."):
        download(one, folder, HURRIED)
    assert list(contents(folder.with_name(".set.partial"))) == ["set.zip"]
    assert contents(folder) == {}
    monkeypatch.undo()
    download(one, folder, HURRIED)
    assert len(server.asked) == 1
    assert contents(folder) == {"data/log.csv": LOG, "data/users.csv": USERS}


def test_what_a_killed_program_left_is_no_hindrance(server: Server, folder: Path) -> None:
    (folder.with_name(".set.partial") / "unpacked").mkdir(parents=True)
    (folder.with_name(".set.partial") / "unpacked" / "log.csv").write_text("half")
    download(card(zip_source(server.serve("/set.zip", ZIP))), folder, HURRIED)
    assert contents(folder) == {"data/log.csv": LOG, "data/users.csv": USERS}
    assert not (folder.with_name(".set.partial")).exists()


def test_a_file_in_the_way_is_told(server: Server, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "data").write_text("in the way")
    sentence = refused(card(zip_source(server.serve("/set.zip", ZIP))), folder)
    assert sentence == f"{folder / 'data' / 'log.csv'}: File exists."
    assert contents(folder) == {"data": b"in the way"}


def test_files_appear_whole(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file comes to its place by a rename within the folder's disk."""
    moved: list[str] = []
    real = Path.replace

    def replaced(self: Path, target: Any) -> Path:
        moved.append(os.path.relpath(target, folder))
        assert not Path(target).exists()
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replaced)
    download(card(zip_source(server.serve("/set.zip", ZIP))), folder, HURRIED)
    assert {"data/log.csv", "data/users.csv"} <= set(moved)


def test_a_checksum_is_part_of_a_source() -> None:
    for checksum in ("", "md5:", "md5:1", "crc:00000000", "sha256:" + "g" * 64, None):
        with pytest.raises(ValueError, match="checksum"):
            Source(url="http://x/y", checksum=checksum, save_as="y")
    with pytest.raises(ValueError, match="checksum"):
        Source(url="http://x/y", save_as="y")  # type: ignore[call-arg]
