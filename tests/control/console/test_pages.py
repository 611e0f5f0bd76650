"""The console's files as they are served: whole, unchanged, and with nothing of anybody else's."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx
import pytest
from starlette.applications import Starlette

from regcluster.control import console
from regcluster.control.console.pages import FOLDER, KINDS

pytestmark = pytest.mark.anyio

BASE = "http://127.0.0.1:8080/"

PATHS = ["/" if file.name == "index.html" else f"/console/{file.name}" for file in FOLDER.iterdir()]

TEXTS = {file.name: file.read_text("utf-8") for file in FOLDER.iterdir()}

IMPORT = re.compile(r'^import\s[^;]*?from "([^"]+)";$', re.MULTILINE)

NAMESPACE = "http://www.w3.org/2000/svg"


async def fetch(path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """What the console's routes answer."""
    transport = httpx.ASGITransport(Starlette(routes=console.routes()))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        return await client.request(method, path, headers=headers)


class Markup(HTMLParser):
    """All elements of the page, and what stands inside of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(TEXTS["index.html"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One more."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Text, where it would be code."""
        if self.elements and self.elements[-1][0] in {"script", "style"}:
            self.inline += data.strip()

    def attributes(self, *names: str) -> list[str]:
        """All values of these."""
        return [each[name] or "" for _, each in self.elements for name in names if name in each]


@pytest.mark.parametrize("path", PATHS)
async def test_every_file_is_served_as_what_it_is(path: str) -> None:
    """The page at the root, the rest beside it; a browser is not left to guess."""
    file = FOLDER / (path.removeprefix("/console/") if path != "/" else "index.html")

    answer = await fetch(path)

    assert (200, KINDS[file.suffix]) == (answer.status_code, answer.headers["content-type"])
    assert file.read_bytes() == answer.content


@pytest.mark.parametrize("path", PATHS)
async def test_a_file_that_has_not_changed_is_not_sent_again(path: str) -> None:
    """A browser asks each time, so that no two versions of the files ever meet."""
    first = await fetch(path)
    again = await fetch(path, **{"if-none-match": first.headers["etag"]})

    assert "no-cache" == first.headers["cache-control"]
    assert (304, b"") == (again.status_code, again.content)


async def test_a_file_of_another_version_is_sent() -> None:
    """What the browser keeps is not ours any more."""
    answer = await fetch("/", **{"if-none-match": '"of-yesterday"'})

    assert 200 == answer.status_code


async def test_nothing_but_the_files_is_there() -> None:
    """Names are those of the files: nobody walks to other folders."""
    answers = [
        await fetch(path)
        for path in ("/console/", "/console/nothing.js", "/console/..%2fpages.py", "/index.html")
    ]

    assert [404] * 4 == [answer.status_code for answer in answers]


async def test_nothing_can_be_sent_to_the_page() -> None:
    """It is read, and that is all."""
    answer = await fetch("/", "POST")

    assert 405 == answer.status_code


@pytest.mark.parametrize("path", PATHS)
async def test_the_policy_lets_a_page_run_and_ask_what_is_its_own(path: str) -> None:
    """Each file says so for itself: nothing inline, nothing of strangers, in no frame."""
    header = (await fetch(path)).headers["content-security-policy"]
    policy = dict(rule.strip().split(" ", 1) for rule in header.split(";"))

    assert "'none'" == policy.pop("default-src")
    assert {"'self'", "'none'", "'script'"} == set(policy.values())
    assert ("'none'", "'none'") == (policy["frame-ancestors"], policy["base-uri"])
    assert ("'script'", "'none'") == (
        policy["require-trusted-types-for"],
        policy["trusted-types"],
    )


@pytest.mark.parametrize("path", PATHS)
async def test_every_file_keeps_to_itself(path: str) -> None:
    """No guessing of types, no word to others of where somebody came from."""
    headers = (await fetch(path)).headers

    assert ("nosniff", "no-referrer", "same-origin", "same-origin") == (
        headers["x-content-type-options"],
        headers["referrer-policy"],
        headers["cross-origin-opener-policy"],
        headers["cross-origin-resource-policy"],
    )


def test_the_page_has_nothing_inline() -> None:
    """The policy would keep it from running."""
    page = Markup()
    handlers = [name for _, each in page.elements for name in each if name.startswith("on")]

    assert ("", [], []) == (page.inline, handlers, page.attributes("style"))


def test_no_file_names_a_stranger() -> None:
    """The page works where there is no way out; a namespace is a name and no address."""
    found = {
        name: urls
        for name, text in TEXTS.items()
        if (urls := re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\"\s]*", text)) and urls != [NAMESPACE]
    }

    assert {} == found


async def test_whatever_a_file_asks_for_is_served() -> None:
    """Every script, style and picture that is named is there."""
    asked = {urljoin(BASE, value) for value in Markup().attributes("src", "href")}
    for name, text in TEXTS.items():
        asked |= {urljoin(f"{BASE}console/{name}", each) for each in IMPORT.findall(text)}
    missing = [url for url in sorted(asked) if (await fetch(url)).status_code != 200]

    assert [] == missing


def test_the_page_works_below_another_path() -> None:
    """Behind a proxy that gives it a folder: nothing is asked for from the root."""
    named = [*Markup().attributes("src", "href"), *IMPORT.findall("".join(TEXTS.values()))]

    assert [] == [value for value in named if value.startswith("/")]
