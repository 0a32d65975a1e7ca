"""A server between the pipeline and an object store, which answers late, wrongly or not at all."""

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import unquote

Kind = Literal["unavailable", "reset", "cut", "altered", "late", "lost"]
LATE_SECONDS = 0.5
FOREVER = 1_000_000


@dataclass
class Fault:
    """What happens to requests of a method whose path ends so, this many times.

    `unavailable` answers 503; `reset` ends the connection before the request is passed on, and
    `lost` after it; `cut` sends half of the body, `altered` other bytes; `late` waits.
    """

    kind: Kind
    method: str
    path: str
    times: int = 1
    happened: int = 0


@dataclass
class Proxy:
    """Passes requests on to `port` of this machine, but for `faults`; notes what was asked."""

    port: int
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    after: Callable[[str, str], None] = lambda _method, _path: None
    """Called with method and path once a request has been carried out, before it is answered."""
    every: int = FOREVER
    """Every so many requests, one is answered with 503."""
    hides_conditions: bool = False
    """As a store that does not know If-Match and If-None-Match."""

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def do_GET(self) -> None:
                outer.pass_on(self)

            do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        """The endpoint that clients are given."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def add(self, kind: Kind, method: str, path: str, times: int = 1) -> Fault:
        """Let something happen to the next requests of a kind."""
        self.faults.append(Fault(kind, method, path, times))
        return self.faults[-1]

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        """Carry out one request, with what is to happen to it."""
        path = unquote(request.path.partition("?")[0])
        self.asked.append((request.command, request.path, dict(request.headers)))
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        kind = self._choose(request.command, path)
        if kind == "late":
            time.sleep(LATE_SECONDS)
        if kind == "reset":
            _reset(request)
        elif kind == "unavailable":
            request.send_response(503)
            request.send_header("Content-Length", "0")
            request.end_headers()
        else:
            answer, content = self._carry_out(request, body)
            self.after(request.command, path)
            if kind == "lost":
                _reset(request)
            else:
                _answer(request, answer, content, kind)

    def _choose(self, method: str, path: str) -> Kind | None:
        if len(self.asked) % self.every == 0:
            return "unavailable"
        for fault in self.faults:
            is_meant = fault.method == method and path.endswith(fault.path)
            if is_meant and fault.happened < fault.times:
                fault.happened += 1
                return fault.kind
        return None

    def _carry_out(
        self, request: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[http.client.HTTPResponse, bytes]:
        conditions = ("if-match", "if-none-match") if self.hides_conditions else ()
        headers = {k: v for k, v in request.headers.items() if k.lower() not in conditions}
        upstream = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        upstream.request(request.command, request.path, body, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        return answer, content


def _answer(
    request: BaseHTTPRequestHandler,
    answer: http.client.HTTPResponse,
    content: bytes,
    kind: Kind | None,
) -> None:
    """Send an answer, or half of it, or one whose first byte is another and has no checksum."""
    request.send_response(answer.status)
    for name, value in answer.getheaders():
        is_own = name.lower() in ("connection", "transfer-encoding", "date", "server")
        is_checksum = name.lower().startswith("x-amz-checksum")
        if not is_own and not (kind == "altered" and is_checksum):
            request.send_header(name, value)
    request.end_headers()
    if kind == "altered":
        content = bytes([content[0] ^ 1]) + content[1:]
    if kind == "cut":
        request.wfile.write(content[: len(content) // 2])
        request.wfile.flush()
        _reset(request)
    else:
        request.wfile.write(content)


def _reset(request: BaseHTTPRequestHandler) -> None:
    """End the connection without a goodbye."""
    request.close_connection = True
    linger = struct.pack("ii", 1, 0)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    request.connection.close()
