"""The pages that people read, taken apart: their examples, links, headings and names."""

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

PAGES = sorted(
    [
        *DOCS.glob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(
            page
            for folder in ("deploy", "helm", "benchmarks")
            for page in (ROOT / folder).rglob("*.md")
        ),
    ]
)

FENCE = re.compile(r"^( *)(`{3,})([^\n`]*)\n(.*?)^\1\2$\n?", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^\n)((?:^    [^\n]*\S[^\n]*\n)+)(?=^\n|\Z)", re.MULTILINE)
"""A paragraph that is shown as it is because it is set in by four."""

LINK = re.compile(r"\]\(([^()\s]+)\)")
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """An example on a page; ``language`` is what its fence says, ``set in`` without one."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def name(page: Path) -> str:
    """A page as the project calls it."""
    return page.relative_to(ROOT).as_posix()


@cache
def blocks() -> tuple[Block, ...]:
    """Every example on every page."""
    found: list[Block] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for fence in FENCE.finditer(text):
            line = text.count("\n", 0, fence.start()) + 1
            found.append(Block(name(page), line, fence[3], textwrap.dedent(fence[4])))
        for paragraph in INDENTED.finditer(FENCE.sub(_emptied, text)):
            line = text.count("\n", 0, paragraph.start(1)) + 1
            found.append(Block(name(page), line, "set in", textwrap.dedent(paragraph[1])))
    return tuple(found)


def written_in(*languages: str) -> list[Block]:
    """The examples in one of ``languages``."""
    return [block for block in blocks() if block.language in languages]


@cache
def prose(page: Path) -> str:
    """What stands around the examples; lines stay where they are."""
    return FENCE.sub(_emptied, page.read_text(encoding="utf-8"))


def spans(page: Path) -> list[str]:
    """What is set as code in the prose, each on one line."""
    return [" ".join(span.split()) for span in SPAN.findall(prose(page))]


@cache
def anchors(page: Path) -> frozenset[str]:
    """What links may lead to on ``page``, as forges make it of headings."""
    return frozenset(anchor(heading) for heading in HEADING.findall(prose(page)))


def anchor(heading: str) -> str:
    """In lower case, without punctuation, a hyphen for each space."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _emptied(fence: re.Match[str]) -> str:
    return "\n" * fence[0].count("\n")
