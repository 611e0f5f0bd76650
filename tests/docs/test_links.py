"""Links lead somewhere, on a forge as well as on the site, and every page can be found."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import DOCS, LINK, PAGES, ROOT, anchor, anchors, name, prose

Nav = str | Mapping[str, "Nav"] | Sequence["Nav"]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_that_is_there(page: Path) -> None:
    """By path, from where the page is, as a forge follows it."""
    links = [link for link in LINK.findall(prose(page)) if "://" not in link]
    targets = [link.partition("#")[0] for link in links]

    assert [] == [target for target in targets if target and not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_into_a_page_meets_a_heading(page: Path) -> None:
    """Whether of this page or of another."""
    links = [link.partition("#") for link in LINK.findall(prose(page)) if "://" not in link]

    assert [] == [
        f"{target}#{place}"
        for target, mark, place in links
        if mark and place not in anchors(page.parent / target if target else page)
    ]


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("What the store's account may do", "what-the-stores-account-may-do"),
        ("REGISTER, step by step (RFC 3261 §10.3)", "register-step-by-step-rfc-3261-103"),
        ("Limits by user, through `xavp_cfg`", "limits-by-user-through-xavp_cfg"),
    ],
)
def test_a_heading_becomes_an_anchor_as_on_a_forge(heading: str, expected: str) -> None:
    """Punctuation goes, underscores stay."""
    assert expected == anchor(heading)


def test_the_navigation_names_every_page_once() -> None:
    """Whoever adds a page has it found."""
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    assert sorted(page.name for page in DOCS.glob("*.md")) == sorted(_named(settings["nav"]))


def test_the_first_page_leads_to_every_other() -> None:
    """In one step."""
    linked = {link.partition("#")[0] for link in LINK.findall(prose(DOCS / "index.md"))}

    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= linked


def _named(entries: Nav) -> list[str]:
    if isinstance(entries, str):
        return [entries]
    below = entries.values() if isinstance(entries, dict) else entries
    return [name for entry in below for name in _named(entry)]
