"""What ``docs/registrar.md`` and ``docs/kamailio.md`` say about parameters, functions and stances.

A row that speaks of nothing, or a parameter that no row speaks of, is how a page begins to lie.
"""

import re
from pathlib import Path

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.config.fields import FIELDS
from regcluster.config.names import DROPPED
from regcluster.config.values import shown
from regcluster.route.registrar import RegistrarFace

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "registrar.md").read_text(encoding="utf-8")
STANCES = (DOCS / "kamailio.md").read_text(encoding="utf-8")

ROW = re.compile(r"^\| `(\w+)`(?: \(([^)]*)\))? \|(.*)\|([^|\n]*)\|([^|\n]*)\|$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#]+)")
STANCE = re.compile(r"S-\d\d[a-z]?")

FUNCTIONS = {
    *("save", "lookup", "lookup_to_dset", "lookup_branches", "lookup_xavp", "registered"),
    *("add_sock_hdr", "unregister", "reg_fetch_contacts", "reg_free_contacts"),
    *("reg_send_reply", "reg_from_user"),
}
"""Kamailio's twelve."""


def rows(heading: str) -> dict[str, re.Match[str]]:
    """The rows of the tables below ``heading``, by the name each begins with."""
    text = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {row[1]: row for row in ROW.finditer(text)}


PARAMETERS = rows("The 35 parameters")
TWELVE = rows("The 12 functions")
ALL = [*PARAMETERS.values(), *TWELVE.values()]


def test_every_parameter_has_a_row() -> None:
    """Those of Kamailio's, its tombstones, and our own."""
    fields = {*RegistrarSettings.__struct_fields__, *LocationSettings.__struct_fields__}

    assert fields | set(DROPPED) == set(PARAMETERS)


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name not in DROPPED])
def test_a_row_tells_the_default_there_is(name: str) -> None:
    """In brackets behind the name; nothing for an empty text."""
    [field] = [
        f for f in FIELDS.values() if f.name == name and f.section in ("registrar", "location")
    ]
    told = (PARAMETERS[name][2] or "").partition(";")[0].strip("*").replace("\N{MINUS SIGN}", "-")

    assert told == shown(field.default).strip('[]"')


def test_every_function_has_a_row_and_is_there() -> None:
    """Under its name, for a script to await."""
    assert set(TWELVE) == FUNCTIONS
    assert all(callable(vars(RegistrarFace)[name]) for name in FUNCTIONS)


@pytest.mark.parametrize("row", ALL, ids=lambda row: str(row[1]))
def test_a_row_names_tests_that_speak_of_it(row: re.Match[str]) -> None:
    """Files that are there, and in which the name stands."""
    files = [DOCS / link for link in LINK.findall(row[5])]

    assert files
    assert [] == [file.name for file in files if row[1] not in file.read_text(encoding="utf-8")]


def test_every_stance_that_is_cited_is_explained() -> None:
    """On the page about Kamailio, once."""
    explained = re.findall(r"^\| ([^|]+) \|", STANCES, re.MULTILINE)
    numbers = [number for cell in explained for number in STANCE.findall(cell)]

    assert len(numbers) == len(set(numbers))
    assert set(STANCE.findall(PAGE)) <= set(numbers)


def test_all_66_surprises_have_a_stance() -> None:
    """S-01 to S-65, and one that came between."""
    numbers = set(STANCE.findall(STANCES))

    assert {*(f"S-{number:02}" for number in range(1, 66)), "S-23b"} == numbers
