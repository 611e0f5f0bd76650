"""What the page about troubleshooting quotes is what the program says."""

import ast
import errno
import os
import re
from functools import cache

import pytest

from tests.docs.commands import complaint
from tests.docs.pages import DOCS, ROOT

TEXT = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
SYMPTOMS, LOG = TEXT.split("\n## What the log says\n")
QUOTED = [
    quote
    for row in re.findall(r"^\| (.*?) \|", SYMPTOMS, re.MULTILINE)
    for quote in re.findall(r"`([^`]+)`", row)
]
EVENTS = {
    event
    for row in re.findall(r"^\| (`.*?) \|", LOG, re.MULTILINE)
    for event in re.findall(r"`([^`]+)`", row)
}
"""Those that have a row; a row may tell of another one beside them."""
LEVELS = {"info", "warning", "error", "exception"}


@cache
def sources() -> str:
    """All there is to be said: by the program, its alerts, and the kernel."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "regcluster").rglob("*.py")]
    rules = (ROOT / "deploy/prometheus/rules.yaml").read_text(encoding="utf-8")
    return "\n".join([*texts, rules, *(os.strerror(number) for number in errno.errorcode)])


@pytest.mark.parametrize("quote", sorted(set(QUOTED)))
def test_a_symptom_is_in_the_words_that_people_see(quote: str) -> None:
    """Between what differs from time to time; or it is a verb that shows it."""
    pieces = [piece.strip() for piece in re.split("…|: ", quote)]
    missing = [piece for piece in pieces if piece not in sources()]

    assert not missing or not complaint(quote.split(), is_whole=False)


def test_every_event_of_the_log_is_explained() -> None:
    """Each that a node writes to it, and no other."""
    told = set(re.findall(r"`([^`]+)`", LOG))

    assert set() == logged() - told
    assert set() == EVENTS - logged()


@cache
def logged() -> frozenset[str]:
    """The events that are written, by the calls that write them."""
    calls = [
        node
        for path in (ROOT / "regcluster").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LEVELS
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"logger", "log"}
    ]
    events = [call.args[0] for call in calls if call.args]
    return frozenset(
        event.value
        for event in events
        if isinstance(event, ast.Constant) and isinstance(event.value, str)
    )
