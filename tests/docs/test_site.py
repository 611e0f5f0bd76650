"""The site as it is built: whole, and in need of nothing from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import DOCS, ROOT

pytestmark = pytest.mark.server  # it takes some seconds

ATTRIBUTES = ("href", "src", "srcset", "data-src", "action", "poster")
LOADING = {"script", "img", "iframe", "source", "video", "audio", "embed", "object"}


class Reader(HTMLParser):
    """What a page loads, where its links lead, and what they may lead to on it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each tag."""
        given = {name: value or "" for name, value in attrs}
        self.ids.add(given.get("id", ""))
        for name in ATTRIBUTES:
            if name in given:
                is_loaded = tag in LOADING or (tag == "link" and given.get("rel") != "canonical")
                (self.loaded if is_loaded else self.links).append(given[name])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as ``make docs`` does, where any doubt is an error."""
    folder = tmp_path_factory.mktemp("site")
    words = ("build", "--strict", "--site-dir", str(folder))
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", *words],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    doubts = [line for line in built.stderr.splitlines() if line.startswith("WARNING")]
    assert (0, []) == (built.returncode, doubts), built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Reader]:
    """Every page of it, read."""
    return {page: Reader(page) for page in site.rglob("*.html") if page.name != "404.html"}


def test_every_page_is_there(pages: dict[Path, Reader], site: Path) -> None:
    """Beside others that were made of what they link to."""
    expected = {site / f"{page.stem}.html" for page in DOCS.glob("*.md")}

    assert set() == expected - pages.keys()
    assert site / "project" / "deploy" / "index.html" in pages


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Reader]) -> None:
    """No script, no font, no picture, no style: whoever reads it tells nobody."""
    loaded = {address for page in pages.values() for address in page.loaded}

    assert loaded
    assert [] == [address for address in loaded if re.match(r"\w+:|//", address)]


def test_styles_load_nothing_from_elsewhere(site: Path) -> None:
    """Neither by import nor by URL."""
    styles = [file.read_text(encoding="utf-8") for file in site.rglob("*.css")]

    assert styles
    assert [] == [
        address
        for style in styles
        for address in re.findall(r"(?:url\(|@import )[\"']?((?:https?:)?//[^\"')]+)", style)
    ]


def test_every_link_arrives(pages: dict[Path, Reader]) -> None:
    """At a file of the site, and at its place in there; those that lead away are left alone."""
    lost = [
        f"{page.name}: {link}"
        for page, read in pages.items()
        for link in [*read.links, *read.loaded]
        if not re.match(r"\w+:|//", link) and not _arrives(page, link, pages)
    ]

    assert [] == lost


def _arrives(page: Path, link: str, pages: dict[Path, Reader]) -> bool:
    path, _, place = unquote(link).partition("#")
    target = (page.parent / path.partition("?")[0]).resolve() if path else page
    target = target / "index.html" if target.is_dir() else target
    if target not in pages:
        return target.is_file() and not place
    return not place or place in pages[target].ids


def test_what_is_linked_outside_is_shown_as_it_is(pages: dict[Path, Reader], site: Path) -> None:
    """A file becomes a page with its text."""
    page = site / "project" / "deploy" / "prometheus" / "rules.yaml.html"
    words = re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))

    assert page in pages
    assert "alert: RegclusterDown" in words


def test_the_search_finds_pages_and_no_sources(site: Path) -> None:
    """What was made of files is for those who follow a link."""
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")

    assert "operating.html" in index
    assert "rules.yaml.html" not in index


def test_lists_and_tables_are_what_they_look_like(site: Path) -> None:
    """Markdown is read in several ways: no mark of it is left over in the text of a page."""
    inline = re.compile(r"<code>.*?</code>|</?(?:a|em|strong)\b[^>]*>", re.DOTALL)
    left = re.compile(r"<(?:p|li|td)>[^<]*(?:\n(?:\* |- |\d\. |\|)|```|\*\*)|<p>\| ")
    built = [site / f"{page.stem}.html" for page in DOCS.glob("*.md")]

    assert [] == [
        page.name for page in built if left.search(inline.sub("", page.read_text(encoding="utf-8")))
    ]
