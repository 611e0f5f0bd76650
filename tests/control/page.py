"""A node's HTTP port that a test plays: it gives answers it was told, and notes the questions."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.peer.processes import HOST

Answer = tuple[int, str]


class Port:
    """Gives ``answers`` one after the other, and the last of them from then on."""

    def __init__(self, answers: list[Answer]) -> None:
        self.asked: list[tuple[str, str, str]] = []
        """Method, path and Authorization of each request."""
        port = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def answer(self) -> None:
                port.asked.append((self.command, self.path, self.headers["Authorization"] or ""))
                status, text = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *words: object) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.address = f"{HOST}:{self.server.server_port}"


@contextmanager
def playing(*answers: Answer) -> Iterator[Port]:
    """A port that answers until the test leaves it."""
    port = Port(list(answers))
    with port.server:
        thread = threading.Thread(target=port.server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield port
        finally:
            port.server.shutdown()
            thread.join()
