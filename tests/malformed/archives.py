"""Archives that lead out, link, lie, swell or end too soon, in place of one with the member ``Set/log.csv``."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from typing import Any

MEMBER = "Set/log.csv"
CONTENT = b"user,item\n1,2\n"
OUT = "../../made"
# Names that may not become paths.
NAMES = {
    "leads_out": OUT,
    "leads_out_from_inside": f"Set/../{OUT}",
    "absolute": "/tmp/made",
    "backslashes": "..\\..\\made",
    "drive": "C:/made",
    "line_end": "Set/a\nb",
    "escape": "Set/\x1b[2J",
}
TAR_KINDS = {
    "symbolic_link": tarfile.SYMTYPE,
    "hard_link": tarfile.LNKTYPE,
    "character_device": tarfile.CHRTYPE,
    "block_device": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
}
ZIP_KINDS = {"symbolic_link": stat.S_IFLNK, "pipe": stat.S_IFIFO, "device": stat.S_IFBLK, "socket": stat.S_IFSOCK}


def zipped(*members: tuple[str, bytes], mode: int = stat.S_IFREG) -> bytes:
    """Return a zip archive; ``mode`` is the kind of its last member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, (name, content) in enumerate(members, 1):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (mode if place == len(members) else stat.S_IFREG) << 16
            archive.writestr(entry, content)
    return stream.getvalue()


def tarred(*members: tuple[str, bytes], **last: Any) -> bytes:
    """Return a tar archive; ``last`` are attributes of its last member."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for place, (name, content) in enumerate(members, 1):
            entry = tarfile.TarInfo(name)
            for attribute, value in last.items() if place == len(members) else ():
                setattr(entry, attribute, value)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


GOOD = (MEMBER, CONTENT)
ZIP = zipped(GOOD)


def _tar(*members: tuple[str, bytes], **last: Any) -> bytes:
    """Return a compressed tar archive, since zeros fill an uncompressed one."""
    return gzip.compress(tarred(*members, **last), mtime=0)


def _swollen() -> dict[str, bytes]:
    zeros = bytes(4 << 20)
    return {
        "zip_of_zeros": zipped((MEMBER, zeros)),
        "tar_xz_of_zeros": lzma.compress(tarred((MEMBER, zeros))),
        "tar_bz2_of_zeros": bz2.compress(tarred((MEMBER, zeros))),
        "tar_gz_of_zeros": gzip.compress(tarred((MEMBER, zeros)), mtime=0),
        "zip_that_says_4_gb": ZIP.replace(len(CONTENT).to_bytes(4, "little"), (2**32 - 2).to_bytes(4, "little")),
        "zip_that_says_less": zipped((MEMBER, CONTENT * 9)).replace(
            (9 * len(CONTENT)).to_bytes(4, "little"), (9).to_bytes(4, "little")
        ),
    }


def _damaged() -> dict[str, bytes]:
    tar = gzip.compress(tarred(GOOD), mtime=0)
    return {
        "empty": b"",
        "words": b"no archive at all\n",
        "html": b"<!doctype html><title>Sign in</title>",
        "zip_cut": ZIP[:-30],
        "zip_cut_in_a_member": ZIP[:40],
        "zip_without_member": zipped(("Set/other.csv", CONTENT)),
        "zip_empty": zipped(),
        "zip_encrypted": ZIP.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0"),
        "zip_unknown_compression": ZIP.replace(b"\x08\0\0\0\x21\0", b"\x63\0\0\0\x21\0"),
        "zip_wrong_sum": ZIP.replace(ZIP[14:18], bytes(4)),
        "tar_gz_cut": tar[:-12],
        "tar_gz_wrong_sum": tar[:-8] + bytes(4) + tar[-4:],
        "tar_without_end": gzip.compress(tarred(GOOD)[:1024], mtime=0),
        "tar_with_a_wrong_header": gzip.compress(tarred(GOOD).replace(b"Set/", b"Sot/"), mtime=0),
        "tar_without_member": _tar(("Set/other.csv", CONTENT)),
        "xz_of_nothing": lzma.compress(b""),
        "bz2_of_words": bz2.compress(b"no archive at all"),
        "gzip_of_words": gzip.compress(b"no archive at all" * 40, mtime=0),
        "pickle": b"\x80\x04N.",
    }


def cases() -> dict[str, bytes]:
    """Return every malformed archive."""
    found = _damaged() | _swollen()
    found |= {f"zip_{name}": zipped(GOOD, (path, b"x")) for name, path in NAMES.items()}
    found |= {f"tar_{name}": _tar(GOOD, (path, b"x")) for name, path in NAMES.items()}
    found |= {f"zip_{name}": zipped(GOOD, ("Set/x", b"/etc/passwd"), mode=kind) for name, kind in ZIP_KINDS.items()}
    found |= {
        f"tar_{name}": _tar(GOOD, ("Set/x", b""), type=kind, linkname="/etc/passwd") for name, kind in TAR_KINDS.items()
    }
    found["zip_member_twice"] = zipped(GOOD, ("Set/LOG.csv", b"x"))
    found["tar_file_below_a_file"] = _tar(GOOD, (f"{MEMBER}/x", b"x"))
    return {f"archives/archive/{name}": content for name, content in found.items()}
