"""One URL to one file: resumed where it was cut, tried again where that may help, verified always."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from random import Random
from urllib.parse import urljoin

import requests
import urllib3

from watchtime.core.errors import WatchtimeError
from watchtime.core.progress import Progress
from watchtime.datasets.download.checksums import checksum_of, has_checksum, kind_of
from watchtime.datasets.download.disk import disk_errors
from watchtime.datasets.download.partial import Partial
from watchtime.datasets.download.patience import PATIENCE, Interrupted, Patience

PIECE = 1 << 20
LARGEST = 64 << 30
REDIRECTS = 10
COUNT = re.compile(r"[0-9]{1,18}")


def fetch(url: str, target: Path, checksum: str, size: int | None = None, patience: Patience = PATIENCE) -> None:
    """Fetch ``url`` to ``target``, which appears only when it is whole and has ``checksum``.

    What came before an interruption stays beside ``target`` and is not sent again. Raises a WatchtimeError, in one
    sentence, where the server refuses, stays silent, sends more than ``size`` bytes or something else, or where the
    disk is full.
    """
    _refuse_scheme(url)
    if has_checksum(target, checksum):
        return
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Partial(target, url)
    with requests.Session() as session:
        found = _transfer(session, url, part, size, patience, kind_of(checksum))
        if found != checksum and part.joined:
            # The pieces may be from two versions of the file.
            part.discard()
            found = _transfer(session, url, part, size, patience, kind_of(checksum))
    if found != checksum:
        part.discard()
        raise WatchtimeError(f"{url}: what was sent has the checksum {found}, expected is {checksum}.")
    part.finish(target)


def redirected(url: str, location: str) -> str:
    """Return where a redirect from ``url`` leads; leaving https, or for anything but http and https, is refused."""
    try:
        target = urljoin(url, location)
    except ValueError:
        raise WatchtimeError(f"{url}: redirects to {location}, which is no address.") from None
    _refuse_scheme(target)
    if url.startswith("https:") and not target.startswith("https:"):
        raise WatchtimeError(f"{url}: redirects from https to the unprotected {target}, which is not followed.")
    return target


def _refuse_scheme(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise WatchtimeError(f"{url}: only http and https addresses are fetched.")


def _transfer(
    session: requests.Session, url: str, part: Partial, size: int | None, patience: Patience, kind: str
) -> str:
    """Ask until everything is here, and return its checksum."""
    random = Random(patience.seed)
    failures, furthest = 0, part.length
    while True:
        try:
            _request(session, url, part, size, patience)
            return checksum_of(part.path, kind)
        except Interrupted as interruption:
            failures = 1 if part.length > furthest else failures + 1
            furthest = max(furthest, part.length)
            wait = interruption.wait
            if failures >= patience.attempts:
                raise WatchtimeError(f"{url}: {interruption}, at the last of {failures} attempts.") from None
            if wait is not None and wait > patience.longest_wait:
                raise WatchtimeError(
                    f"{url}: {interruption} and asks to come back in {wait:,.0f} s, "
                    f"more than the {patience.longest_wait:,.0f} s that are waited."
                ) from None
            patience.sleep(patience.wait(failures, random) if wait is None else wait)


def _request(session: requests.Session, url: str, part: Partial, size: int | None, patience: Patience) -> None:
    """Ask once for what is missing and append it."""
    if size is not None and part.length > size:
        part.discard()
    if size is not None and part.length == size > 0:
        return
    with _answer(session, url, part.request_headers(), patience) as response:
        if response.status_code == 416 and part.length:
            # Nothing comes after the bytes that are here; the checksum tells whether they are the file.
            part.joined = True
            return
        offset = _offset(url, response, part)
        total = _total(response, offset)
        if size is not None and total is not None and total != size:
            if offset:
                part.discard()
            raise WatchtimeError(f"{url}: the server announces {total:,} bytes, expected are {size:,}.")
        _append(url, response, part, offset, size if size is not None else total)
    if size is not None and part.length < size:
        raise Interrupted(f"the connection ended after {part.length:,} of {size:,} bytes")


def _answer(session: requests.Session, url: str, headers: dict[str, str], patience: Patience) -> requests.Response:
    """Return the answer at the end of the redirects."""
    start = url
    for _ in range(REDIRECTS + 1):
        response = _get(session, url, headers, patience)
        location = session.get_redirect_target(response)
        if location is None:
            return response
        response.close()
        url = redirected(url, location)
    raise WatchtimeError(f"{start}: redirects more than {REDIRECTS} times.")


def _get(session: requests.Session, url: str, headers: dict[str, str], patience: Patience) -> requests.Response:
    timeout = (patience.connect, patience.read)
    try:
        return session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=timeout)
    except requests.exceptions.SSLError:
        raise WatchtimeError(f"{url}: the server's certificate is not accepted.") from None
    except requests.ConnectTimeout:
        raise Interrupted(f"no connection within {patience.connect:g} s") from None
    except requests.Timeout:
        raise Interrupted(f"no answer within {patience.read:g} s") from None
    except requests.ConnectionError:
        raise Interrupted("the connection failed") from None
    except (requests.RequestException, ValueError) as error:
        raise WatchtimeError(f"{url}: cannot be asked for ({error}).") from None


def _offset(url: str, response: requests.Response, part: Partial) -> int:
    """Return where in the file the answer's body begins."""
    status = response.status_code
    if status == 200:
        return 0
    if status == 206:
        sent = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        if sent is not None and sent[1] == str(part.length):
            return part.length
        part.discard()
        raise Interrupted("the server sends other bytes than it was asked for")
    if status in (408, 429) or status >= 500:
        raise Interrupted(f"the server answers {_named(response)}", _asked_wait(response))
    raise WatchtimeError(f"{url}: the server answers {_named(response)}.")


def _total(response: requests.Response, offset: int) -> int | None:
    """Return how long the whole file is, where the answer says it."""
    announced = response.headers.get("Content-Length", "")
    return offset + int(announced) if COUNT.fullmatch(announced) else None


def _append(url: str, response: requests.Response, part: Partial, offset: int, total: int | None) -> None:
    limit = LARGEST if total is None else total
    needed = "more bytes are" if total is None else f"{total:,} bytes are"
    length = offset
    with (
        Progress(total or 0, "bytes") as progress,
        disk_errors(part.path, needed),
        part.opened(offset, _version(response)) as stream,
    ):
        progress.advance(offset)
        for piece in _pieces(response, offset, total):
            length += len(piece)
            if length > limit:
                part.discard()
                raise WatchtimeError(f"{url}: the server sends more than the expected {limit:,} bytes.")
            stream.write(piece)
            progress.advance(len(piece))


def _pieces(response: requests.Response, offset: int, total: int | None) -> Iterator[bytes]:
    """Yield the body as it comes; a connection that is cut or falls silent is an interruption."""
    length = offset
    whole = "an unknown number of" if total is None else f"{total:,}"
    try:
        while piece := response.raw.read1(PIECE, decode_content=False):
            length += len(piece)
            yield piece
    except urllib3.exceptions.ReadTimeoutError:
        raise Interrupted(f"the server fell silent after {length:,} of {whole} bytes") from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise Interrupted(f"the connection ended after {length:,} of {whole} bytes") from None


def _version(response: requests.Response) -> str | None:
    """Return what tells this version of the file from another; a weak tag does not."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _asked_wait(response: requests.Response) -> float | None:
    """Return the seconds of ``Retry-After``; a date there counts from the server's own clock."""
    asked = response.headers.get("Retry-After", "").strip()
    if COUNT.fullmatch(asked):
        return float(asked)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return max(wait.total_seconds(), 0.0)


def _named(response: requests.Response) -> str:
    return f"{response.status_code} ({response.reason})" if response.reason else str(response.status_code)
