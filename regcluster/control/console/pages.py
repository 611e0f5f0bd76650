"""The files of the console, as they are served: the page at ``/``, the rest below ``/console``.

Nothing here knows anything of the node: whoever reaches the port may have the files, and what they
show is what the API grants to the token they are given. A browser is told to run and to ask for
nothing but what comes from here, so that what a phone puts into a name stays text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

FOLDER = Path(__file__).parent / "static"

PAGE = "index.html"

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # Not even our own scripts can turn text into markup.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Asked for each time, and seldom sent: the files of two versions must not meet in a browser.
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One file, as it was when the node started."""

    octets: bytes
    kind: str
    tag: str
    """Tells it from what it was in another version (RFC 9110 §8.8.3)."""

    async def answer(self, request: Request) -> Response:
        """The file, or that the browser has it already."""
        headers = {**HEADERS, "ETag": self.tag}
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        return Response(self.octets, headers=headers, media_type=self.kind)


def routes() -> Sequence[BaseRoute]:
    """Where the console is to be found."""
    return [_route(file) for file in sorted(FOLDER.iterdir()) if file.suffix in KINDS]


def _route(file: Path) -> Route:
    octets = file.read_bytes()
    page = Page(octets, KINDS[file.suffix], f'"{sha256(octets).hexdigest()[:16]}"')
    return Route("/" if file.name == PAGE else f"/console/{file.name}", page.answer)
