"""What lies outside of docs/ and is linked from there becomes a page of the site.

On a forge a link to ``../deploy/compose.yaml`` shows that file. Here the file becomes a page below
``project/`` and the link leads to it; what a Markdown file among them links to comes along, and a
folder becomes its README, or a list. So no page has to know where the project is published, and the
site needs nothing but itself. A link to nothing is left as it is, for mkdocs to complain about.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent
DOCS = ROOT / "docs"
PROJECT = "project/"

LINK = re.compile(r"(?<=\]\()[^()\s#]+")
"""Where a link or an image leads, up to the anchor."""

LANGUAGES = {".py": "python", ".yaml": "yaml", ".json": "json", ".toml": "toml", ".xml": "xml"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for all that is linked."""
    reached: set[Path] = set()
    waiting = sorted(DOCS.glob("*.md"))
    while waiting:
        for target in _outside(waiting.pop()):
            if target not in reached:
                reached.add(target)
                files.append(_file(target, config))
                if target.suffix == ".md":
                    waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have links to what lies outside lead to the pages that were made of it."""
    here = page.file.src_uri
    origin = ROOT / here.removeprefix(PROJECT) if here.startswith(PROJECT) else DOCS / here

    def led(link: re.Match[str]) -> str:
        target = _target(origin, link[0])
        if target is None:
            return link[0]
        return posixpath.relpath(_place(target), posixpath.dirname(here) or ".")

    return LINK.sub(led, markdown) if origin.is_file() else markdown


def _outside(page: Path) -> Iterator[Path]:
    """What ``page`` links to that mkdocs does not know by itself."""
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        target = _target(page, link)
        if target and _place(target).startswith(PROJECT):
            yield target


def _target(page: Path, link: str) -> Path | None:
    """The file or folder of the project that ``link`` on ``page`` names, if it names one."""
    if ":" in link or link.startswith("/"):
        return None
    target = Path(posixpath.normpath(page.parent / link))
    if not target.exists() or not target.is_relative_to(ROOT):
        return None
    readme = target / "README.md"
    return readme if readme.is_file() else target


def _place(target: Path) -> str:
    """Where it is on the site, as a source of mkdocs."""
    if target.is_relative_to(DOCS) and target.is_file():
        return target.relative_to(DOCS).as_posix()
    name = PROJECT + target.relative_to(ROOT).as_posix()
    if target.is_dir():
        return f"{name}/index.md"
    return name if target.suffix == ".md" else f"{name}.md"


def _file(target: Path, config: MkDocsConfig) -> File:
    if target.suffix == ".md":
        text = target.read_text(encoding="utf-8")
    elif target.is_dir():
        text = _heading(target) + "".join(
            f"* `{entry.name}`\n" for entry in sorted(target.iterdir()) if entry.name[0] not in "._"
        )
    else:
        language = LANGUAGES.get(target.suffix, "text")
        text = f"{_heading(target)}`````{language}\n{target.read_text(encoding='utf-8')}`````\n"
    return File.generated(config, _place(target), content=text, inclusion=InclusionLevel.NOT_IN_NAV)


def _heading(target: Path) -> str:
    """The head of a page that shows ``target``, and that searches do not find."""
    name = target.relative_to(ROOT).as_posix()
    return f"---\ntitle: {name}\nsearch:\n  exclude: true\n---\n\n# `{name}`\n\n"
