"""How a verb ends when it did not do what it was asked for: a sentence and an exit code."""

from typing import NoReturn

import click

from regcluster.control.output import printable

NEGATIVE = 1
"""Exit code of an answer that is no: not found, not allowed."""

UNUSABLE = 2
"""Exit code of wrong usage (click's own) and of settings that cannot be used."""

NO_STORE = 3
"""Exit code when the store cannot be reached, or answers no."""


def say_no(sentence: str) -> NoReturn:
    """End with a no, which ``sentence`` explains."""
    fail(printable(sentence), NEGATIVE)


def fail(sentence: str, code: int) -> NoReturn:
    """End with ``code``, and ``sentence`` on standard error."""
    click.echo(f"regcluster: {sentence}", err=True)
    raise click.exceptions.Exit(code)
