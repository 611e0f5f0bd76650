"""The store's account as ``docs/operating.md`` has it: its lines, read from the page and run.

A line that the page does not have, or has for something else, cannot be tested by accident.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regcluster.store.connection import Arg

USER, PASSWORD = "regcluster", "secret"
"""As on the page."""

Ask = Callable[..., Any]

_PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
_TEXT = _PAGE.read_text(encoding="utf-8")
_SECTION = _TEXT.partition("\n## What the store's account may do\n")[2].partition("\n## ")[0]
_RULES = "ACL SETUSER regcluster "

NODE: list[str] = re.findall(rf"^{_RULES}.*$", _SECTION, re.MULTILINE)
"""What a node needs."""

MORE: dict[str, str] = {
    what.split(";")[0]: line
    for what, line in re.findall(rf"^\* (.*):\n  `({_RULES}.*)`$", _SECTION, re.MULTILINE)
}
"""What something takes beyond that, by what the page says it is for, up to a semicolon."""


def allow(ask: Ask, *lines: str) -> None:
    """Run ``lines``, word by word as they are."""
    for line in lines:
        words: list[Arg] = [word.encode() for word in line.split()]
        ask(*words)


def granted(*lines: str) -> set[str]:
    """The commands that ``lines`` allow."""
    return {word[1:] for line in lines for word in line.split() if word.startswith("+")}


def refused(ask: Ask) -> set[str]:
    """What the account was refused, by the server's own account."""
    entries = [dict(zip(entry[::2], entry[1::2], strict=True)) for entry in ask(b"ACL", b"LOG")]
    return {entry[b"object"].decode() for entry in entries if entry[b"username"] == USER.encode()}


def called(ask: Ask) -> set[str]:
    """Every command that the server has carried out since its statistics were reset."""
    told = ask(b"INFO", b"commandstats").decode()
    return {name for name, calls in re.findall(r"cmdstat_(\S+?):calls=(\d+)", told) if int(calls)}
