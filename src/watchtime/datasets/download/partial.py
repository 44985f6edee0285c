"""A file that is still coming: its bytes so far, and which version of the file they are from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json, write_json


class Partial:
    """The bytes of ``url`` that came so far, in ``<target>.part``; bytes that came from elsewhere are dropped.

    ``joined`` says that the bytes come from more than one answer, so that they may mix two versions of a file.
    """

    def __init__(self, target: Path, url: str) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._state = target.with_name(f"{target.name}.part.json")
        self._url = url
        if self._read_state().get("url") != url:
            self.discard()
        self.joined = self.length > 0

    @property
    def length(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def request_headers(self) -> dict[str, str]:
        """Return the headers that ask for the missing bytes, and for the whole file should it have changed."""
        # A compressed transfer would have other byte positions than the file.
        headers = {"Accept-Encoding": "identity"}
        if self.length:
            headers["Range"] = f"bytes={self.length}-"
            version = self._read_state().get("version")
            if version:
                headers["If-Range"] = version
        return headers

    @contextmanager
    def opened(self, offset: int, version: str | None) -> Iterator[BinaryIO]:
        """Give the file for the bytes from ``offset`` on: 0 begins anew, the present length goes on."""
        self.joined = offset > 0
        with self.path.open("ab" if offset else "wb") as stream:
            if not offset:
                write_json(self._state, {"url": self._url, "version": version})
            yield stream

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        self.path.replace(target)
        self._state.unlink(missing_ok=True)

    def _read_state(self) -> dict[str, Any]:
        try:
            return dict(read_json(self._state))
        except (WatchtimeError, TypeError, ValueError):
            return {}
