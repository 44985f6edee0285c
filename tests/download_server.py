"""A server on this machine that behaves as it is told, one answer after another, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler", bytes], None]


@dataclass
class Server:
    """``files`` by path; ``answers`` by path are used up one by one, the last stays."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def serve(self, path: str, content: bytes, *answers: Answer) -> str:
        """Put ``content`` at ``path`` and return its address."""
        self.files[path], self.answers[path] = content, list(answers or [whole()])
        return self.url + path

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.asked]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def do_GET(self) -> None:
        self.state.asked.append((self.path, dict(self.headers)))
        self.number = len(self.state.sent)
        self.state.sent.append(0)
        answers = self.state.answers[self.path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        # The other side may have heard enough.
        with suppress(ConnectionError):
            answer(self, self.state.files[self.path])

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body(self, content: bytes) -> None:
        self.state.sent[self.number] += len(content)
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running() -> Iterator[Server]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Told", (Handler,), {"state": state})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def whole(**headers: object) -> Answer:
    """Send everything, whatever part was asked for."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.head(200, Content_Length=len(content), **headers)
        handler.body(content)

    return answer


def ranged(upto: int | None = None, **headers: str) -> Answer:
    """Honour Range and If-Range; with ``upto``, cut the connection after that byte of the file."""

    def answer(handler: Handler, content: bytes) -> None:
        asked = handler.headers.get("Range")
        version = handler.headers.get("If-Range")
        start = 0
        if asked is not None and version in (None, headers.get("ETag"), headers.get("Last_Modified")):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            handler.head(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
            return
        place = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        handler.head(206 if start else 200, Content_Length=len(content) - start, **place, **headers)
        handler.body(content[start:upto])

    return answer


def stalling(upto: int, **headers: object) -> Answer:
    """Send bytes up to ``upto``, then nothing until the test is over."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.head(200, Content_Length=len(content), **headers)
        handler.body(content[:upto])
        handler.state.released.wait()

    return answer


def silent() -> Answer:
    def answer(handler: Handler, content: bytes) -> None:
        handler.state.released.wait()

    return answer


def status(code: int, **headers: object) -> Answer:
    def answer(handler: Handler, content: bytes) -> None:
        handler.head(code, Content_Length=0, **headers)

    return answer


def announcing(length: int) -> Answer:
    """Announce ``length`` bytes and send the content."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.head(200, Content_Length=length)
        handler.body(content)

    return answer


def chunked(upto: int | None = None) -> Answer:
    """Send the content in chunks, without saying how long it is; with ``upto``, cut the connection there."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.head(200, Transfer_Encoding="chunked")
        for start in range(0, len(content[:upto]), 1000):
            piece = content[:upto][start : start + 1000]
            handler.wfile.write(b"%x\r\n" % len(piece))
            handler.body(piece)
            handler.wfile.write(b"\r\n")
        if upto is None:
            handler.wfile.write(b"0\r\n\r\n")

    return answer


def unannounced(upto: int | None = None) -> Answer:
    """Send the content without its length, which ends with the connection."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.head(200)
        handler.body(content[:upto])

    return answer
