"""Fetching over a connection that does whatever a connection can do."""

from __future__ import annotations

import errno
import hashlib
import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from download_server import (
    Answer,
    Handler,
    Server,
    announcing,
    chunked,
    ranged,
    running,
    silent,
    stalling,
    status,
    unannounced,
    whole,
)
from watchtime.core.errors import WatchtimeError
from watchtime.datasets.download.checksums import checksum_of, has_checksum
from watchtime.datasets.download.disk import DiskFull
from watchtime.datasets.download.fetch import fetch, redirected
from watchtime.datasets.download.patience import Patience

CONTENT = Random(1).randbytes(100_000)
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
OTHER = Random(2).randbytes(100_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with running() as state:
        yield state


class Waits:
    """Notes how long was waited instead of waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def patience(self, **changes: float) -> Patience:
        times = {"connect": 5.0, "read": 5.0, "attempts": 3, **changes}
        return Patience(**times, sleep=self.seconds.append)  # type: ignore[arg-type]


@pytest.fixture
def waits() -> Waits:
    return Waits()


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def refused(url: str, folder: Path, patience: Patience, checksum: str = SHA256, size: int | None = None) -> str:
    """Fetch in vain and return the sentence."""
    with pytest.raises(WatchtimeError) as error:
        fetch(url, folder / "file", checksum, size, patience)
    assert not (folder / "file").exists()
    sentence = str(error.value)
    assert sentence.startswith((url, str(folder)))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence.removeprefix(url)


# Checksums


@pytest.mark.parametrize(
    ("content", "checksum"),
    [
        # RFC 1321 A.5; FIPS 180-2; the ids that git gives to an empty file and to "hello\n".
        (b"abc", "md5:900150983cd24fb0d6963f7d28e17f72"),
        (b"abc", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (b"", "git-blob:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"hello\n", "git-blob:ce013625030ba8dba906f756967f9e9ca394464a"),
    ],
)
def test_a_checksum_is_the_published_one(tmp_path: Path, content: bytes, checksum: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert checksum_of(path, checksum.partition(":")[0]) == checksum
    assert has_checksum(path, checksum)
    path.write_bytes(content + b" ")
    assert not has_checksum(path, checksum)
    assert not has_checksum(tmp_path / "absent", checksum)


def test_a_checksum_counts_every_byte_of_a_file_of_many_pieces(tmp_path: Path) -> None:
    content = Random(3).randbytes((2 << 20) + 7)
    (tmp_path / "file").write_bytes(content)
    assert checksum_of(tmp_path / "file", "md5") == "md5:" + hashlib.md5(content).hexdigest()


# What goes well


@pytest.mark.parametrize("answer", [whole(), ranged(), chunked(), unannounced()])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_file_arrives_as_it_is(
    tmp_path: Path, server: Server, waits: Waits, answer: Answer, size: int | None
) -> None:
    url = server.serve("/file", CONTENT, answer)
    fetch(url, tmp_path / "deep" / "file", SHA256, size, waits.patience())
    assert (tmp_path / "deep" / "file").read_bytes() == CONTENT
    assert files_below(tmp_path) == ["deep/file"]
    assert waits.seconds == []
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


def test_an_empty_file_arrives(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", b"")
    fetch(url, tmp_path / "file", "git-blob:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", 0, waits.patience())
    assert (tmp_path / "file").read_bytes() == b""


def test_what_is_there_and_right_is_not_asked_for(tmp_path: Path, server: Server, waits: Waits) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    fetch(server.serve("/file", OTHER), tmp_path / "file", SHA256, None, waits.patience())
    assert server.asked == []


def test_what_is_there_and_wrong_is_replaced(tmp_path: Path, server: Server, waits: Waits) -> None:
    (tmp_path / "file").write_bytes(CONTENT[:-1])
    fetch(server.serve("/file", CONTENT), tmp_path / "file", SHA256, None, waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT


# Going on after a cut


@pytest.mark.parametrize(
    "version", [{"ETag": '"one"'}, {"Last_Modified": "Wed, 08 Apr 2020 10:00:00 GMT"}, {}, {"ETag": 'W/"weak"'}]
)
def test_after_a_cut_only_the_missing_bytes_are_sent(
    tmp_path: Path, server: Server, waits: Waits, version: dict[str, Any]
) -> None:
    url = server.serve("/file", CONTENT, ranged(upto=60_000, **version), ranged(**version))
    fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=60000-"]
    assert server.sent == [60_000, 40_000]
    strong = version.get("Last_Modified", version.get("ETag") if version.get("ETag") == '"one"' else None)
    assert server.asked[1][1].get("If-Range") == strong


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, ranged(upto=60_000), ranged(upto=60_000))
    sentence = refused(url, tmp_path, waits.patience(attempts=2))
    assert sentence == ": the connection ended after 60,000 of 100,000 bytes, at the last of 2 attempts."
    assert files_below(tmp_path) == ["file.part", "file.part.json"]
    server.answers["/file"] = [ranged()]
    fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert server.sent[-1] == 40_000
    assert files_below(tmp_path) == ["file"]


def test_a_call_that_brings_new_bytes_counts_as_a_first_one(tmp_path: Path, server: Server, waits: Waits) -> None:
    cuts = [ranged(upto=upto) for upto in range(10_000, 100_000, 10_000)]
    fetch(server.serve("/file", CONTENT, *cuts, ranged()), tmp_path / "file", SHA256, None, waits.patience())
    assert server.sent == [10_000] * 10
    assert len(waits.seconds) == 9
    assert max(waits.seconds) <= 1.0


def test_a_server_that_ignores_ranges_sends_all_again(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, ranged(upto=60_000), whole())
    fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.sent == [60_000, 100_000]


def test_a_server_that_ignores_ranges_and_always_cuts_is_given_up(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, unannounced(upto=60_000))
    sentence = refused(url, tmp_path, waits.patience(), size=len(CONTENT))
    assert sentence == ": the connection ended after 60,000 of 100,000 bytes, at the last of 3 attempts."
    assert server.sent == [60_000] * 3


def test_a_file_that_changed_meanwhile_is_sent_whole(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", OTHER, ranged(upto=60_000, ETag='"old"'), ranged(ETag='"new"'))
    checksum = "sha256:" + hashlib.sha256(OTHER).hexdigest()
    fetch(url, tmp_path / "file", checksum, None, waits.patience())
    assert server.ranges() == [None, "bytes=60000-"]
    assert server.sent == [60_000, 100_000]


@pytest.mark.parametrize("size", [None, 100_000])
@pytest.mark.parametrize("there", [60_000, 100_000])
def test_bytes_of_another_version_are_dropped_and_the_file_fetched_whole(
    tmp_path: Path, server: Server, waits: Waits, there: int, size: int | None
) -> None:
    (tmp_path / "file.part").write_bytes(OTHER[:there])
    url = server.serve("/file", CONTENT, ranged())
    (tmp_path / "file.part.json").write_text(f'{{"url": "{url}", "version": null}}')
    fetch(url, tmp_path / "file", SHA256, size, waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges()[-1] is None
    assert server.sent[-1] == 100_000


@pytest.mark.parametrize("size", [None, len(CONTENT)])
@pytest.mark.parametrize("extra", [0, 5])
def test_bytes_that_were_all_there_already_or_too_many(
    tmp_path: Path, server: Server, waits: Waits, size: int | None, extra: int
) -> None:
    url = server.serve("/file", CONTENT, ranged())
    (tmp_path / "file.part").write_bytes(CONTENT + bytes(extra))
    (tmp_path / "file.part.json").write_text(f'{{"url": "{url}", "version": null}}')
    fetch(url, tmp_path / "file", SHA256, size, waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert sum(server.sent) == (100_000 if extra else 0)
    assert len(server.asked) == {(0, None): 1, (0, 100_000): 0, (5, None): 2, (5, 100_000): 1}[(extra, size)]


@pytest.mark.parametrize("state", ['{"url": "http://elsewhere/file"}', "{", "[1]", "7", None])
def test_bytes_of_unknown_origin_are_dropped(tmp_path: Path, server: Server, waits: Waits, state: str | None) -> None:
    (tmp_path / "file.part").write_bytes(OTHER[:60_000])
    if state is not None:
        (tmp_path / "file.part.json").write_text(state)
    fetch(server.serve("/file", CONTENT, ranged()), tmp_path / "file", SHA256, None, waits.patience())
    assert server.ranges() == [None]
    assert files_below(tmp_path) == ["file"]


def shifted(handler: Handler, content: bytes) -> None:
    """Send ten bytes from elsewhere, whatever was asked for."""
    handler.head(206, Content_Length=10, Content_Range="bytes 5-14/100000")
    handler.body(content[5:15])


def test_a_range_that_was_not_asked_for_begins_anew(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, ranged(upto=60_000), shifted, ranged())
    fetch(url, tmp_path / "file", SHA256, 100_000, waits.patience())
    assert server.ranges() == [None, "bytes=60000-", None]
    assert len(waits.seconds) == 2


def test_beginning_anew_again_and_again_is_no_progress(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, *[ranged(upto=60_000), shifted] * 5)
    sentence = ": the connection ended after 60,000 of 100,000 bytes, at the last of 3 attempts."
    assert refused(url, tmp_path, waits.patience()) == sentence
    assert len(server.asked) == 3


def test_a_server_that_refuses_every_range_sends_all_again(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, ranged(upto=60_000), status(416), ranged())
    fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert server.ranges() == [None, "bytes=60000-", None]


def test_an_announced_length_that_is_too_long_does_no_harm(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, announcing(100_005), ranged())
    fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=100000-"]


# Asking again


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(tmp_path: Path, server: Server, waits: Waits, code: int) -> None:
    url = server.serve("/file", CONTENT, status(code), status(code), whole())
    fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert len(waits.seconds) == 2
    assert 0.5 <= waits.seconds[0] <= 1.0 <= waits.seconds[1] <= 2.0


def test_the_waits_follow_from_the_seed(tmp_path: Path, server: Server) -> None:
    seen = []
    for seed in (1, 1, 2):
        waits = Waits()
        refused(server.serve("/file", CONTENT, status(503)), tmp_path, waits.patience(attempts=12, seed=seed))
        assert all(0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(waits.seconds[:6]))
        assert max(waits.seconds) <= 120
        seen.append(waits.seconds)
    assert seen[0] == seen[1] != seen[2]
    assert len(set(seen[0])) == 11


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "Wed, 08 Apr 2020 10:00:30 GMT"}, 30.0),
        ({"Retry_After": "Wed, 08 Apr 2020 09:00:00 GMT"}, 0.0),
    ],
)
def test_the_server_says_when_to_come_back(
    tmp_path: Path,
    server: Server,
    waits: Waits,
    headers: dict[str, str],
    seconds: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "http.server.BaseHTTPRequestHandler.date_time_string", lambda self: "Wed, 08 Apr 2020 10:00:00 GMT"
    )
    url = server.serve("/file", CONTENT, status(429, **headers), whole())
    fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert waits.seconds == [seconds]


@pytest.mark.parametrize("text", ["soon", "-3", "1e9", "Wed"])
def test_an_unreadable_wait_is_passed_over(tmp_path: Path, server: Server, waits: Waits, text: str) -> None:
    url = server.serve("/file", CONTENT, status(503, Retry_After=text), whole())
    fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert len(waits.seconds) == 1
    assert 0.5 <= waits.seconds[0] <= 1.0


def test_too_long_a_wait_is_told(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, status(503, Retry_After=3600))
    assert refused(url, tmp_path, waits.patience()) == (
        ": the server answers 503 (Service Unavailable) and asks to come back in 3,600 s, "
        "more than the 120 s that are waited."
    )
    assert waits.seconds == []
    assert files_below(tmp_path) == []


def test_a_server_that_stays_busy_is_told(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, status(503))
    sentence = ": the server answers 503 (Service Unavailable), at the last of 3 attempts."
    assert refused(url, tmp_path, waits.patience()) == sentence
    assert len(server.asked) == 3
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [(404, "404 (Not Found)"), (403, "403 (Forbidden)"), (401, "401 (Unauthorized)"), (410, "410 (Gone)")],
)
def test_a_refusal_is_final(tmp_path: Path, server: Server, waits: Waits, code: int, words: str) -> None:
    url = server.serve("/file", CONTENT, status(code))
    assert refused(url, tmp_path, waits.patience()) == f": the server answers {words}."
    assert len(server.asked) == 1
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("code", [204, 304, 416, 302])
def test_an_answer_without_a_file_is_a_refusal(tmp_path: Path, server: Server, waits: Waits, code: int) -> None:
    url = server.serve("/file", CONTENT, status(code))
    assert refused(url, tmp_path, waits.patience()).startswith(f": the server answers {code} (")
    assert files_below(tmp_path) == []


# Time


def test_a_server_that_falls_silent_is_left_and_the_rest_fetched(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, stalling(30_000), ranged())
    fetch(url, tmp_path / "file", SHA256, None, waits.patience(read=0.2))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.sent == [30_000, 70_000]


def test_a_server_that_stays_silent_is_told(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, stalling(30_000), silent())
    assert refused(url, tmp_path, waits.patience(read=0.1)) == ": no answer within 0.1 s, at the last of 3 attempts."
    url = server.serve("/file", CONTENT, stalling(30_000))
    sentence = refused(url, tmp_path, waits.patience(read=0.1, attempts=1))
    assert sentence == ": the server fell silent after 30,000 of 100,000 bytes, at the last of 1 attempts."


def test_no_connection_is_told(tmp_path: Path, server: Server, waits: Waits) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    sentence = refused(f"http://127.0.0.1:{port}/file", tmp_path, waits.patience())
    assert sentence == ": the connection failed, at the last of 3 attempts."
    assert len(waits.seconds) == 2
    assert files_below(tmp_path) == []


def test_a_connection_that_does_not_come_is_told(tmp_path: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object, **more: object) -> None:
        raise requests.ConnectTimeout

    monkeypatch.setattr(requests.Session, "get", never)
    sentence = refused("http://127.0.0.1/file", tmp_path, waits.patience())
    assert sentence == ": no connection within 5 s, at the last of 3 attempts."


# What is sent


@pytest.mark.parametrize("answer", [whole(), chunked(), unannounced()])
def test_something_else_is_refused(tmp_path: Path, server: Server, waits: Waits, answer: Answer) -> None:
    url = server.serve("/file", OTHER, answer)
    found = "sha256:" + hashlib.sha256(OTHER).hexdigest()
    sentence = f": what was sent has the checksum {found}, expected is {SHA256}."
    assert refused(url, tmp_path, waits.patience(), size=len(OTHER)) == sentence
    assert files_below(tmp_path) == []
    assert len(server.asked) == 1


def test_something_else_in_pieces_is_fetched_whole_once_and_refused(
    tmp_path: Path, server: Server, waits: Waits
) -> None:
    url = server.serve("/file", OTHER, ranged(upto=60_000), ranged())
    assert "what was sent has the checksum" in refused(url, tmp_path, waits.patience())
    assert server.sent == [60_000, 40_000, 100_000]
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("announced", [99_999, 100_001, 10**15])
def test_another_announced_length_is_refused_at_once(
    tmp_path: Path, server: Server, waits: Waits, announced: int
) -> None:
    url = server.serve("/file", CONTENT, announcing(announced))
    sentence = f": the server announces {announced:,} bytes, expected are 100,000."
    assert refused(url, tmp_path, waits.patience(), size=len(CONTENT)) == sentence
    assert files_below(tmp_path) == []


def test_what_came_before_outlives_an_answer_that_is_no_part_of_the_file(
    tmp_path: Path, server: Server, waits: Waits
) -> None:
    """A page of a gateway that wants a password, say, with status 200."""
    url = server.serve("/file", CONTENT, ranged(upto=60_000))
    refused(url, tmp_path, waits.patience(attempts=1), size=100_000)
    server.serve("/file", b"<html>Log in</html>", whole())
    sentence = ": the server announces 19 bytes, expected are 100,000."
    assert refused(url, tmp_path, waits.patience(), size=100_000) == sentence
    server.serve("/file", CONTENT, ranged())
    fetch(url, tmp_path / "file", SHA256, 100_000, waits.patience())
    assert server.sent[-1] == 40_000


def test_what_came_before_goes_when_the_rest_has_another_length(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, ranged(upto=60_000))
    refused(url, tmp_path, waits.patience(attempts=1), size=100_000)
    server.serve("/file", CONTENT + b"more", ranged())
    sentence = ": the server announces 100,004 bytes, expected are 100,000."
    assert refused(url, tmp_path, waits.patience(), size=100_000) == sentence
    assert files_below(tmp_path) == []


def test_an_announced_length_that_is_too_short_gives_a_wrong_checksum(
    tmp_path: Path, server: Server, waits: Waits
) -> None:
    url = server.serve("/file", CONTENT, announcing(99_999))
    assert ": what was sent has the checksum sha256:" in refused(url, tmp_path, waits.patience())
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("answer", [chunked(), unannounced()])
def test_more_than_was_expected_is_refused(tmp_path: Path, server: Server, waits: Waits, answer: Answer) -> None:
    url = server.serve("/file", CONTENT, answer)
    sentence = ": the server sends more than the expected 99,999 bytes."
    assert refused(url, tmp_path, waits.patience(), size=99_999) == sentence
    assert files_below(tmp_path) == []


def test_more_than_anything_published_is_refused(
    tmp_path: Path, server: Server, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchtime.datasets.download.fetch.LARGEST", 50_000)
    url = server.serve("/file", CONTENT, chunked())
    sentence = ": the server sends more than the expected 50,000 bytes."
    assert refused(url, tmp_path, waits.patience()) == sentence
    assert files_below(tmp_path) == []


def test_a_chunked_body_that_is_cut_is_told(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, chunked(upto=10_000))
    sentence = ": the connection ended after 10,000 of an unknown number of bytes, at the last of 3 attempts."
    assert refused(url, tmp_path, waits.patience()) == sentence


def test_a_compressed_transfer_is_kept_as_it_is_sent(tmp_path: Path, server: Server, waits: Waits) -> None:
    """Servers mark .gz files so; unpacking them here would give other bytes than the published ones."""
    url = server.serve("/file", CONTENT, whole(Content_Encoding="gzip"))
    fetch(url, tmp_path / "file", SHA256, len(CONTENT), waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT


# Addresses


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_with_its_range(tmp_path: Path, server: Server, waits: Waits, code: int) -> None:
    start = server.serve("/start", b"", status(code, Location="/file"))
    server.serve("/file", CONTENT, ranged(upto=60_000), ranged())
    fetch(start, tmp_path / "file", SHA256, None, waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert [path for path, _ in server.asked] == ["/start", "/file", "/start", "/file"]
    assert server.ranges() == [None, None, "bytes=60000-", "bytes=60000-"]


def test_endless_redirects_are_left(tmp_path: Path, server: Server, waits: Waits) -> None:
    url = server.serve("/file", CONTENT, status(302, Location="/file"))
    assert refused(url, tmp_path, waits.patience()) == ": redirects more than 10 times."
    assert len(server.asked) == 11
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://127.0.0.1/file", "data:,x"])
def test_a_redirect_elsewhere_is_refused(tmp_path: Path, server: Server, waits: Waits, location: str) -> None:
    url = server.serve("/file", CONTENT, status(302, Location=location))
    with pytest.raises(WatchtimeError) as error:
        fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert str(error.value) == f"{location}: only http and https addresses are fetched."
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://example.org/x", "/etc/hostname", "", "javascript:1"])
def test_only_the_web_is_asked(tmp_path: Path, waits: Waits, url: str) -> None:
    assert refused(url, tmp_path, waits.patience()) == ": only http and https addresses are fetched."
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("url", ["http://", "http:///x", "http://[::1", "https://a b/"])
def test_an_address_that_is_none_is_told(tmp_path: Path, waits: Waits, url: str) -> None:
    refused(url, tmp_path, waits.patience(attempts=1))
    assert files_below(tmp_path) == []


def test_https_is_never_left() -> None:
    assert redirected("https://a.org/x/y", "z") == "https://a.org/x/z"
    assert redirected("https://a.org/x", "https://b.org/z") == "https://b.org/z"
    assert redirected("http://a.org/x", "https://a.org/x") == "https://a.org/x"
    assert redirected("https://a.org/x", "//b.org/z") == "https://b.org/z"
    with pytest.raises(WatchtimeError, match=r"https://a\.org/x: redirects to http://\[::1, which is no address"):
        redirected("https://a.org/x", "http://[::1")
    with pytest.raises(WatchtimeError) as error:
        redirected("https://a.org/x", "http://a.org/x")
    assert str(error.value) == (
        "https://a.org/x: redirects from https to the unprotected http://a.org/x, which is not followed."
    )


def test_a_bad_certificate_is_final(tmp_path: Path, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(*arguments: object, **more: object) -> None:
        raise requests.exceptions.SSLError("certificate verify failed")

    monkeypatch.setattr(requests.Session, "get", bad)
    sentence = refused("https://127.0.0.1/file", tmp_path, waits.patience())
    assert sentence == ": the server's certificate is not accepted."
    assert waits.seconds == []


# The disk


def full_disk(path: Path, url: str) -> None:
    """Let the kernel refuse every write to ``path`` for want of room."""
    path.symlink_to("/dev/full")
    path.with_name(path.name + ".json").write_text(f'{{"url": "{url}", "version": null}}')


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("answer", "size", "needed"),
    [
        (whole(), None, "100,000 bytes are"),
        (chunked(), 100_000, "100,000 bytes are"),
        (chunked(), None, "more bytes are"),
    ],
)
def test_a_full_disk_is_told(
    tmp_path: Path, server: Server, waits: Waits, answer: Answer, size: int | None, needed: str
) -> None:
    url = server.serve("/file", CONTENT, answer)
    full_disk(tmp_path / "file.part", url)
    with pytest.raises(DiskFull) as error:
        fetch(url, tmp_path / "file", SHA256, size, waits.patience())
    assert str(error.value) == f"{tmp_path / 'file.part'}: the disk is full, {needed} needed."
    assert waits.seconds == []
    assert files_below(tmp_path) == ["file.part", "file.part.json"]


def test_after_a_full_disk_the_rest_is_fetched(
    tmp_path: Path, server: Server, waits: Waits, write_limit: Callable[[int | None], None]
) -> None:
    url = server.serve("/file", CONTENT, ranged())
    write_limit(50_000)
    with pytest.raises(DiskFull, match="the disk is full, 100,000 bytes are needed"):
        fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    write_limit(None)
    kept = (tmp_path / "file.part").stat().st_size
    assert 0 < kept <= 50_000
    fetch(url, tmp_path / "file", SHA256, None, waits.patience())
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges() == [None, f"bytes={kept}-"]


@pytest.fixture
def write_limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Refuse, as a full disk does, what would make a ``.part`` file longer than so many bytes."""
    limit: list[int | None] = [None]
    real = Path.open

    class Limited(io.FileIO):
        def write(self, data: Any) -> int:
            room = None if limit[0] is None else limit[0] - self.tell()
            if room is not None and room < len(data):
                super().write(bytes(data)[: max(room, 0)])
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    def opened(self: Path, mode: str = "r", *arguments: Any, **more: Any) -> Any:
        if self.suffix == ".part" and mode in ("ab", "wb"):
            return io.BufferedWriter(Limited(self, mode))
        return real(self, mode, *arguments, **more)

    def set_limit(size: int | None) -> None:
        limit[0] = size

    monkeypatch.setattr(Path, "open", opened)
    return set_limit


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, server: Server, waits: Waits) -> None:
    (tmp_path / "taken").write_text("")
    url = server.serve("/file", CONTENT)
    with pytest.raises(WatchtimeError, match=r"taken/file: (File exists|Not a directory)\."):
        fetch(url, tmp_path / "taken" / "file", SHA256, None, waits.patience())
    assert files_below(tmp_path) == ["taken"]


def test_an_interrupted_program_goes_on_later(tmp_path: Path, server: Server) -> None:
    """Control-C while the server is waited for leaves what came before."""

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    url = server.serve("/file", CONTENT, ranged(upto=60_000), ranged())
    with pytest.raises(KeyboardInterrupt):
        fetch(url, tmp_path / "file", SHA256, None, Patience(sleep=interrupt))
    assert not (tmp_path / "file").exists()
    fetch(url, tmp_path / "file", SHA256, None, Patience(sleep=interrupt))
    assert server.sent == [60_000, 40_000]
