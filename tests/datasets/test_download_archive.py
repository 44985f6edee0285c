"""Archives that are well meant, damaged or hostile."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchtime.core.errors import WatchtimeError
from watchtime.datasets.download.archive import Bounds, unpack
from watchtime.datasets.download.disk import DiskFull
from watchtime.datasets.download.member_names import Paths, normal_name

Files = dict[str, bytes]
NOISE = Random(1).randbytes(50_000)
FILES: Files = {"Top 2.0/data/a.csv": b"a,b\n1,2\n", "Top 2.0/data/deep/b.csv": NOISE, "Top 2.0/readme.txt": b"words"}
SAFE = {"Top 2.0/data/a.csv": "a.csv"}


def zipped(files: Files) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: Files, kind: str = "", form: int = tarfile.GNU_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{kind}", format=form) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


MAKERS: dict[str, Callable[[Files], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda files: tarred(files, "gz"),
    "tar.bz2": lambda files: tarred(files, "bz2"),
    "tar.xz": lambda files: tarred(files, "xz"),
    "pax": lambda files: tarred(files, form=tarfile.PAX_FORMAT),
}


@pytest.fixture(params=MAKERS)
def maker(request: pytest.FixtureRequest) -> Callable[[Files], bytes]:
    return MAKERS[request.param]


def write(folder: Path, content: bytes) -> Path:
    path = folder / "archive"
    path.write_bytes(content)
    return path


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(folder: Path, content: bytes, wanted: dict[str, str] = SAFE, bounds: Bounds = Bounds()) -> str:  # noqa: B008
    """Unpack in vain, see that nothing was written, and return the sentence."""
    path = write(folder, content)
    with pytest.raises(WatchtimeError) as error:
        unpack(path, wanted, folder / "inner" / "new", bounds)
    assert everything_below(folder) == {"archive": content}
    assert not (folder / "inner" / "new").exists()
    sentence = str(error.value)
    assert sentence.startswith(f"{path}: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path}: ")


# What goes well


def test_only_the_files_that_were_asked_for_are_written(tmp_path: Path, maker: Callable[[Files], bytes]) -> None:
    path = write(tmp_path, maker(FILES))
    assert unpack(path, {"Top 2.0/data/a.csv": "x/y.csv"}, tmp_path / "new") == ["x/y.csv"]
    assert everything_below(tmp_path / "new") == {"x/y.csv": FILES["Top 2.0/data/a.csv"]}


@pytest.mark.parametrize("target", ["data", "data/", "./data//"])
def test_a_folder_is_written_with_all_below_it(tmp_path: Path, maker: Callable[[Files], bytes], target: str) -> None:
    path = write(tmp_path, maker(FILES))
    assert unpack(path, {"Top 2.0/data/": target}, tmp_path / "new") == ["data/a.csv", "data/deep/b.csv"]
    assert everything_below(tmp_path / "new") == {"data/a.csv": b"a,b\n1,2\n", "data/deep/b.csv": NOISE}


def test_a_file_that_is_named_goes_before_its_folder_and_the_longest_folder_first(tmp_path: Path) -> None:
    path = write(tmp_path, zipped(FILES))
    wanted = {"Top 2.0/": "all", "Top 2.0/data/": "", "Top 2.0/data/a.csv": "one.csv"}
    assert unpack(path, wanted, tmp_path / "new") == ["all/readme.txt", "deep/b.csv", "one.csv"]


def test_folders_and_dots_in_names_are_usual(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in ("./", "./Top", "Top/", "./Top//data"):
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE
            archive.addfile(entry)
        entry = tarfile.TarInfo("./Top//data/./a.csv")
        entry.size, entry.mode = 3, 0o4000
        archive.addfile(entry, io.BytesIO(b"abc"))
    path = write(tmp_path, stream.getvalue())
    assert unpack(path, {"Top/data/a.csv": "a.csv"}, tmp_path / "new") == ["a.csv"]
    assert (tmp_path / "new" / "a.csv").read_bytes() == b"abc"
    assert stat.S_IMODE((tmp_path / "new" / "a.csv").stat().st_mode) & 0o7111 == 0
    assert unpack(path, {"Top/": ""}, tmp_path / "all") == ["data/a.csv"]


def test_folders_in_a_zip_archive_become_no_files(tmp_path: Path) -> None:
    path = write(tmp_path, zipped({"Top/": b"", "Top/empty/": b"", "Top/data/": b"", "Top/data/a": b"abc"}))
    assert unpack(path, {"Top/": ""}, tmp_path / "new") == ["data/a"]


def test_long_names_and_many_members(tmp_path: Path, maker: Callable[[Files], bytes]) -> None:
    files = {f"{'long/' * 40}{number}": b"%d" % number for number in range(300)}
    path = write(tmp_path, maker(files))
    assert len(unpack(path, {f"{'long/' * 40}": ""}, tmp_path / "new")) == 300
    assert (tmp_path / "new" / "299").read_bytes() == b"299"


@settings(max_examples=30)
@given(
    files=st.dictionaries(st.text("abc", min_size=1, max_size=3), st.binary(max_size=2000), min_size=1),
    kind=st.sampled_from(sorted(MAKERS)),
)
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, files: Files, kind: str) -> None:
    folder = tmp_path_factory.mktemp("archive")
    path = write(folder, MAKERS[kind]({f"top/{name}": content for name, content in files.items()}))
    assert unpack(path, {"top/": ""}, folder / "new") == sorted(files)
    assert everything_below(folder / "new") == files


# What is asked for and is not there


def test_a_member_that_is_not_there_is_told_with_the_nearest(tmp_path: Path, maker: Callable[[Files], bytes]) -> None:
    sentence = refused(tmp_path, maker(FILES), {**SAFE, "Top 2.0/data/a.cvs": "b"})
    assert sentence == "there is no member 'Top 2.0/data/a.cvs', but 'Top 2.0/data/a.csv'."
    assert refused(tmp_path, maker(FILES), {"other/": ""}) == "there is no member 'other/'."


@pytest.mark.parametrize("target", ["../x", "/x", "a\\b", "", "C:x", "."])
def test_a_target_outside_the_folder_is_refused(tmp_path: Path, target: str) -> None:
    assert "to be made of member 'Top 2.0/data/a.csv'" in refused(
        tmp_path, zipped(FILES), {"Top 2.0/data/a.csv": target}
    )


def test_two_members_do_not_become_one_file(tmp_path: Path) -> None:
    wanted = {"Top 2.0/data/a.csv": "x", "Top 2.0/readme.txt": "X"}
    assert refused(tmp_path, zipped(FILES), wanted) == (
        "'X', to be made of member 'Top 2.0/readme.txt', meets 'x' on the same path."
    )


def test_an_empty_archive_has_no_member(tmp_path: Path) -> None:
    assert refused(tmp_path, zipped({})) == "there is no member 'Top 2.0/data/a.csv'."


def test_the_folder_must_be_new(tmp_path: Path) -> None:
    path = write(tmp_path, zipped(FILES))
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").write_text("mine")
    with pytest.raises(WatchtimeError, match=r"new: File exists\."):
        unpack(path, SAFE, tmp_path / "new")
    assert (tmp_path / "new" / "mine").read_text() == "mine"


# Hostile names


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../x", "leads out of its folder by '..'"),
        ("a/../../x", "leads out of its folder by '..'"),
        ("a/..", "leads out of its folder by '..'"),
        ("/etc/x", "has an absolute path"),
        ("//server/x", "has an absolute path"),
        ("C:/x", "names a drive"),
        ("c:x", "names a drive"),
        ("a\\..\\x", "has a backslash in its name"),
        ("\\\\server\\x", "has a backslash in its name"),
        ("a\nb", "has a control character in its name"),
        ("TOP 2.0/DATA/A.CSV", "meets 'Top 2.0/data/a.csv' on the same path"),
        ("Top 2.0//data/./a.csv", "meets 'Top 2.0/data/a.csv' on the same path"),
        ("Top 2.0/data", "meets 'Top 2.0/data/deep' on the same path"),
        ("Top 2.0/data/a.csv/x", "meets 'Top 2.0/data/a.csv' on the same path"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(
    tmp_path: Path, maker: Callable[[Files], bytes], name: str, fault: str
) -> None:
    sentence = refused(tmp_path, maker({**FILES, name: b"bad"}), {"Top 2.0/": ""})
    if name == "Top 2.0/data":
        assert sentence.startswith(f"member {name!r} meets 'Top 2.0/data")
    else:
        assert sentence == f"member {name!r} {fault}, so nothing was unpacked."
    # The same where only another member was asked for.
    assert f"member {name!r} " in refused(tmp_path, maker({**FILES, name: b"bad"}))


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for content in (b"good", b"evil"):
            entry = tarfile.TarInfo("Top 2.0/data/a.csv")
            entry.size = 4
            archive.addfile(entry, io.BytesIO(content))
    sentence = "member 'Top 2.0/data/a.csv' meets 'Top 2.0/data/a.csv' on the same path, so nothing was unpacked."
    assert refused(tmp_path, stream.getvalue()) == sentence
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as container:
        container.writestr("Top 2.0/data/a.csv", b"good")
        with pytest.warns(UserWarning, match="Duplicate name"):
            container.writestr("Top 2.0/data/a.csv", b"evil")
    assert refused(tmp_path, stream.getvalue()) == sentence


@pytest.mark.parametrize("name", ["Stra\u00dfe", "\u00e9", "\u212b", "\u0130"])
def test_names_that_some_disks_take_for_one_are_refused(name: str) -> None:
    for other in (name.casefold(), unicodedata.normalize("NFD", name), unicodedata.normalize("NFC", name)):
        paths = Paths()
        paths.add_file(name)
        with pytest.raises(ValueError, match="on the same path"):
            paths.add_file(other)


@given(st.text(st.sampled_from("./\\aC: \x00é")))
def test_a_normal_name_stays_in_its_folder(name: str) -> None:
    try:
        normal = normal_name(name)
    except ValueError:
        return
    inside = Path("/top") / normal
    assert Path("/top").joinpath(name).resolve() == inside.resolve()
    assert inside.resolve().is_relative_to("/top")
    assert normal_name(normal) == normal


def test_a_zip_name_with_a_hidden_end_is_refused(tmp_path: Path) -> None:
    """What reads names up to a NUL would see another one."""
    content = zipped({**FILES, "aXb.csv": b""}).replace(b"aXb.csv", b"a\0b.csv")
    assert refused(tmp_path, content).startswith("member 'a\\x00b.csv' has a control character in its name")


# Members that are no files


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (tarfile.SYMTYPE, "is a link"),
        (tarfile.LNKTYPE, "is a link"),
        (tarfile.CHRTYPE, "is a device"),
        (tarfile.BLKTYPE, "is a device"),
        (tarfile.FIFOTYPE, "is a device"),
    ],
)
@pytest.mark.parametrize("name", ["Top 2.0/data/a.csv", "other"])
def test_a_tar_member_that_is_no_file_is_refused(tmp_path: Path, kind: bytes, fault: str, name: str) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    assert refused(tmp_path, stream.getvalue()) == f"member {name!r} {fault}, so nothing was unpacked."


@pytest.mark.parametrize(
    ("mode", "fault"),
    [(stat.S_IFLNK, "is a link"), (stat.S_IFCHR, "is a device"), (stat.S_IFIFO, "is a device")],
)
def test_a_zip_member_that_is_no_file_is_refused(tmp_path: Path, mode: int, fault: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo("Top 2.0/data/a.csv")
        entry.external_attr = (mode | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    assert refused(tmp_path, stream.getvalue()) == f"member 'Top 2.0/data/a.csv' {fault}, so nothing was unpacked."


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(FILES))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    sentence = "member 'Top 2.0/data/a.csv' is encrypted, so nothing was unpacked."
    assert refused(tmp_path, bytes(content)) == sentence


def test_a_sparse_member_is_refused(tmp_path: Path) -> None:
    """The old GNU header with a real size of 1 TiB."""
    entry = tarfile.TarInfo("Top 2.0/data/a.csv")
    header = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[483:495] = b"%011o\0" % (1 << 33)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    sentence = "member 'Top 2.0/data/a.csv' is a sparse file, so nothing was unpacked."
    assert refused(tmp_path, bytes(header) + bytes(10_240)) == sentence


def with_size(name: str, size: int) -> bytes:
    """Return a tar header with any size, negative ones included."""
    header = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (b"\x80" if size >= 0 else b"\xff") + size.to_bytes(11, "big", signed=True)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def test_a_negative_size_is_refused(tmp_path: Path) -> None:
    """It would send a reader back to where it has been, for ever."""
    content = with_size("Top 2.0/data/a.csv", -1024) + bytes(10_240)
    assert refused(tmp_path, content) == "member 'Top 2.0/data/a.csv' has a negative size, so nothing was unpacked."


@pytest.mark.parametrize("size", [1 << 40, -512])
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_is_absurdly_long_is_not_read(tmp_path: Path, size: int, kind: bytes) -> None:
    header = bytearray(with_size("x", size))
    header[156:157] = kind
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    sentence = refused(tmp_path, bytes(header) + bytes(10_240))
    assert sentence == f"the archive is damaged or cut off (a header of {size:,} bytes)."


# Bounds


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        (Bounds(members=2), "member 'Top 2.0/readme.txt' is one more than the 2 that are allowed"),
        (
            Bounds(member=49_999),
            "member 'Top 2.0/data/deep/b.csv' has 50,000 bytes, more than the 49,999 that are allowed",
        ),
        (
            Bounds(total=50_012),
            "member 'Top 2.0/readme.txt' brings the archive to 50,013 bytes, more than the 50,012 that are allowed",
        ),
    ],
)
def test_what_is_too_much_is_refused(
    tmp_path: Path, maker: Callable[[Files], bytes], bounds: Bounds, sentence: str
) -> None:
    assert refused(tmp_path, maker(FILES), {"Top 2.0/": ""}, bounds) == f"{sentence}, so nothing was unpacked."


def test_what_is_just_within_the_bounds_is_unpacked(tmp_path: Path, maker: Callable[[Files], bytes]) -> None:
    bounds = Bounds(members=3, member=50_000, total=50_013)
    assert len(unpack(write(tmp_path, maker(FILES)), {"Top 2.0/": ""}, tmp_path / "new", bounds)) == 3


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_bomb_is_refused(tmp_path: Path, kind: str) -> None:
    content = MAKERS[kind]({"Top 2.0/data/a.csv": bytes(5_000_000)})
    assert refused(tmp_path, content) == (
        f"member 'Top 2.0/data/a.csv' brings {len(content):,} packed bytes to 5,000,000, "
        "more than the 200 per byte that are allowed, so nothing was unpacked."
    )


def test_a_small_file_may_shrink_as_far_as_it_likes(tmp_path: Path) -> None:
    path = write(tmp_path, zipped({"a": bytes(1 << 20)}))
    assert path.stat().st_size * 200 < 1 << 20
    assert unpack(path, {"a": "a"}, tmp_path / "new") == ["a"]


def test_a_bomb_after_the_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchtime.datasets.download.archive_members.LONGEST_END", 100_000)
    content = gzip.compress(tarred(FILES) + bytes(3_000_000))
    assert refused(tmp_path, content) == "the archive is damaged or cut off (it goes on after its end mark)."


def test_a_zip_that_lies_about_a_size_is_refused(tmp_path: Path) -> None:
    """The list says 8 bytes, the packed bytes hold 50,000."""
    content = bytearray(zipped({"Top 2.0/data/a.csv": NOISE}))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.index(mark) + place
        content[start : start + 4] = struct.pack("<I", 8)
    assert refused(tmp_path, bytes(content)).startswith("the archive is damaged or cut off (Bad CRC-32")


# Damage


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.5, 0.9, 0.999])
def test_an_archive_that_is_cut_off_is_told(tmp_path: Path, maker: Callable[[Files], bytes], share: float) -> None:
    content = maker(FILES).rstrip(b"\0")
    sentence = refused(tmp_path, content[: int(share * len(content))], {"Top 2.0/": ""})
    if share >= 0.3:
        assert sentence.startswith("the archive is damaged or cut off (")
    else:
        assert sentence.startswith(("neither a zip nor a tar archive.", "the archive is damaged or cut off ("))


def test_a_tar_archive_that_is_cut_between_two_members_is_told(tmp_path: Path) -> None:
    content = tarred(FILES)[:1024]
    assert refused(tmp_path, content) == "the archive is damaged or cut off (its end mark is missing)."
    assert refused(tmp_path, gzip.compress(content)) == "the archive is damaged or cut off (its end mark is missing)."


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    content = bytearray(tarred(FILES))
    content[1024 + 148] ^= 1
    assert refused(tmp_path, bytes(content)) == "the archive is damaged or cut off (its end mark is missing)."


@pytest.mark.parametrize("opener", [gzip.compress, bz2.compress, lzma.compress])
def test_a_wrong_check_sum_at_the_end_is_told(tmp_path: Path, opener: Callable[[bytes], bytes]) -> None:
    content = bytearray(opener(tarred(FILES)))
    content[-6] ^= 255
    assert refused(tmp_path, bytes(content)).startswith("the archive is damaged or cut off (")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.bz2", "tar.xz"])
def test_damage_inside_a_member_is_told(tmp_path: Path, kind: str) -> None:
    log = b"".join(b"%d,%d\n" % (row, row * row) for row in range(100_000))
    content = bytearray(MAKERS[kind]({"Top 2.0/log.csv": log}))
    place = len(content) * 3 // 4
    content[place : place + 1000] = Random(4).randbytes(1000)
    assert refused(tmp_path, bytes(content), {"Top 2.0/": ""}).startswith("the archive is damaged or cut off (")


def test_a_compressed_block_that_is_none_is_told(tmp_path: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    content = packer.compress(tarred(FILES)[:30_000]) + packer.flush(zlib.Z_FULL_FLUSH) + b"\x07" * 100
    sentence = refused(tmp_path, content, {"Top 2.0/": ""})
    assert sentence.startswith("the archive is damaged or cut off (Error -3 while decompressing data")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", NOISE, bytes(10_240), b"<html>not found</html>"])
def test_what_is_no_archive_is_told(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content) == "neither a zip nor a tar archive."


def test_a_zip_name_that_is_none_is_told(tmp_path: Path) -> None:
    unreadable = zipped({"\u00e9": b""}).replace("\u00e9".encode(), b"\xb6\xb6")
    assert refused(tmp_path, unreadable).startswith("the archive is damaged or cut off ('utf-8' codec can't decode")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open(zipfile.ZipInfo(""), "w"):
        pass
    assert refused(tmp_path, stream.getvalue()) == "member '' has no name, so nothing was unpacked."


def test_an_unknown_compression_is_told(tmp_path: Path) -> None:
    content = bytearray(zipped(FILES))
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(mark) + place] = 98
    assert refused(tmp_path, bytes(content)).startswith("the archive is damaged or cut off (That compression method")


@settings(max_examples=150)
@given(
    kind=st.sampled_from(sorted(MAKERS)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_damage_never_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[tuple[float, int]]
) -> None:
    """Whatever bytes are changed, the files are as they were or the archive is refused and nothing is left."""
    files = {name: content[:300] for name, content in FILES.items()}
    content = bytearray(MAKERS[kind](files))
    for share, value in changes:
        content[int(share * len(content))] = value
    folder = tmp_path_factory.mktemp("damaged")
    path = write(folder, bytes(content))
    wanted = {name: name for name in files}
    sentence = ""
    try:
        unpack(path, wanted, folder / "new")
    except WatchtimeError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert (folder / "new").exists() == (not sentence)
    if not sentence:
        # A tar header protects names and sizes with a sum, and contents not at all.
        assert sorted(everything_below(folder / "new")) == sorted(files)
    assert set(folder.iterdir()) <= {path, folder / "new"}


# The disk


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, maker: Callable[[Files], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(self: Path, mode: str = "r", *arguments: Any, **more: Any) -> Any:
        return io.BufferedWriter(Full(self, mode)) if mode == "xb" else real(self, mode, *arguments, **more)

    path = write(tmp_path, maker(FILES))
    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(DiskFull) as error:
        unpack(path, {"Top 2.0/data/": ""}, tmp_path / "new")
    assert str(error.value) == f"{tmp_path / 'new' / 'a.csv'}: the disk is full, 8 bytes are needed."
    assert [found.name for found in tmp_path.iterdir()] == ["archive"]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    path = write(tmp_path, zipped(FILES))
    monkeypatch.setattr("watchtime.core.progress.Progress.advance", interrupt)
    with pytest.raises(KeyboardInterrupt):
        unpack(path, {"Top 2.0/": ""}, tmp_path / "new")
    assert [found.name for found in tmp_path.iterdir()] == ["archive"]
