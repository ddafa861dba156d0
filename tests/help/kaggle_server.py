"""A server on loopback that speaks Kaggle's protocol to the unmodified official client.

For tests, and for trying things by hand:

    python tests/help/kaggle_server.py --slug titanic --archive files.zip --score-with solution.csv

prints the environment to export; then `kaggle competitions ...` and `podium ...` in that
environment talk to it and to nothing else. The client is told that Kaggle is at
http://localhost and that 127.0.0.1:PORT is its proxy, so every request arrives here, whatever
its host. What production answers was not seen: shapes are the ones the client parses, messages
and error bodies are as its users report them.

This file listens and sends; what is said, and what goes wrong, is in `kaggle_protocol/`.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from kaggle_protocol.calls import respond
from kaggle_protocol.faults import Fault, FaultyCompetition
from kaggle_protocol.messages import Answer, Request, called
from kaggle_protocol.scores import hash_score, scorer

CHUNK = 64 * 1024


@dataclass(eq=False)
class KaggleServer(FaultyCompetition):
    """Kaggle for one competition and one user, between `with` and its end."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # Errors of the server's own.

    def __post_init__(self) -> None:
        super().__post_init__()
        self.closing = threading.Event()
        self._web: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "KaggleServer":
        web = _Web(("127.0.0.1", self.port), _Handler)
        web.kaggle = self
        self._web = web
        self._thread = threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.set()
        if self._web and self._thread:
            self._web.shutdown()
            self._web.server_close()
            self._thread.join(timeout=5)

    @property
    def address(self) -> str:
        """Where it listens."""
        if self._web is None:
            raise RuntimeError("the server is not running: use it in a with statement")
        return f"http://127.0.0.1:{self._web.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes the unmodified client talk to this server, and to no other."""
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "http_proxy": self.address,
            "https_proxy": self.address,  # Refused here: nothing may leave the machine.
            "no_proxy": "",
            "NO_PROXY": "",
            "KAGGLE_USERNAME": self.user,
            "KAGGLE_KEY": self.key,
        }

    def sent(self, path: str) -> list[Request]:
        """The requests of one name."""
        return [request for request in self.requests if request.path == path]

    def answer(self, request: Request) -> Answer:
        """What Kaggle says when nothing goes wrong; a test can put another in its place."""
        return respond(self, request)

    def body_to_come(self, answer: Answer, path: str) -> Iterator[bytes]:
        """The body, in pieces, as fast as it may go when it starts."""
        pace = self.pace if path == "blob" else None
        step = CHUNK if pace is None else max(1, min(CHUNK, int(pace / 20)))
        for piece in answer.pieces(step):
            yield piece
            if self.closing.wait(0 if pace is None else len(piece) / pace):
                return


class _Web(ThreadingHTTPServer):
    """One thread a connection; clients may vanish at any time."""

    daemon_threads = True
    block_on_close = False
    kaggle: KaggleServer

    def server_bind(self) -> None:
        """Without the look-up of the machine's name that HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.kaggle.problems.append(repr(error))


class _Handler(BaseHTTPRequestHandler):
    """One request a connection."""

    protocol_version = "HTTP/1.1"
    server: _Web

    def handle_any(self) -> None:
        """Reads, answers, and does wrong what it was told to."""
        self.close_connection = True
        kaggle = self.server.kaggle
        name = "CONNECT" if self.command == "CONNECT" else called(self.path)
        request = Request(self.command, name, self.path, dict(self.headers.items()))
        kaggle.requests.append(request)
        fault = kaggle.next_fault(request.path)
        cut = fault.after if fault else None
        if cut is not None and request.path == "upload":
            self.rfile.read(cut)
            return
        request.body = self._body()
        answer = self._answer(request, fault)
        if fault is None or not fault.silent:
            request.status = answer.status
            self._send(answer, request.path, cut)
        if fault and fault.hang:
            kaggle.closing.wait()

    do_GET = do_POST = do_PUT = do_HEAD = do_CONNECT = handle_any  # noqa: N815

    def _answer(self, request: Request, fault: Fault | None) -> Answer:
        kaggle = self.server.kaggle
        if fault and not fault.work and (fault.answer or fault.silent):
            return fault.answer or Answer()
        try:
            answer = kaggle.answer(request)
        except Exception as error:
            kaggle.problems.append(f"{request.path}: {error!r}")
            answer = Answer(500)
        return (fault and fault.answer) or answer

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, answer: Answer, path: str, cut: int | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(answer.length))
        self.send_header("Connection", "close")
        self.end_headers()
        left = answer.length if cut is None else cut
        for piece in self.server.kaggle.body_to_come(answer, path):
            self.wfile.write(piece[:left])
            left -= len(piece)
            if left <= 0:
                break
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the requests are kept."""


def main() -> None:
    """Serves until it is interrupted."""
    parser = argparse.ArgumentParser(description="Kaggle on loopback, for one competition.")
    parser.add_argument("--slug", required=True)
    parser.add_argument("--archive", type=Path, required=True, help="the competition's zip")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--score-with", type=Path, help="a csv with the right answers")
    parser.add_argument(
        "--score-after", type=int, default=1, help="how many looks it stays pending"
    )
    parser.add_argument("--daily-limit", type=int, default=5)
    chosen = parser.parse_args()
    with KaggleServer(
        chosen.slug,
        chosen.archive,
        port=chosen.port,
        daily_limit=chosen.daily_limit,
        score_after=chosen.score_after,
        check_credentials=True,
        score=scorer(chosen.score_with) if chosen.score_with else hash_score,
    ) as server:
        for name, value in server.environment.items():
            print(f"export {name}={value}", flush=True)
        watch(server)


def watch(server: KaggleServer) -> None:
    """Shows the requests as they come."""
    shown = 0
    try:
        while True:
            time.sleep(0.2)
            for request in server.requests[shown:]:
                print(f"# {request.method} {request.path} {request.status}", flush=True)
                shown += 1
    except KeyboardInterrupt:
        print("# closed", flush=True)


if __name__ == "__main__":
    main()
