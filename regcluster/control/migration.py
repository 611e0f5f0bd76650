"""Settings of ours from a Kamailio configuration: one of the things that ``import`` reads."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from regcluster.config.modparam import read
from regcluster.config.translate import Translation, render, translate
from regcluster.control import output
from regcluster.control.exits import UNUSABLE, fail


@dataclass(frozen=True, slots=True)
class Choice:
    """How settings are to be read and where they go, as typed."""

    as_json: bool
    target: Path | None
    """The file to write; None: standard output."""
    force: bool
    """Whether a file that is there is written over."""
    defines: Sequence[str]
    """``NAME`` or ``NAME=VALUE``, as with Kamailio's ``-A``."""


def import_settings(name: str, text: str, choice: Choice) -> None:
    """Write settings from ``text``, the configuration called ``name``."""
    pairs = (define.partition("=") for define in choice.defines)
    done = translate(read(text, {define: value for define, _, value in pairs}))
    toml = render(done, Path(name).name)
    if choice.target:
        _write(choice.target, toml, choice.force)
    if choice.as_json:
        click.echo(output.document(_document(done, toml)))
        return
    if not choice.target:
        click.echo(toml, nl=False)
    for note in done.notes:
        click.echo(output.printable(f"{name}:{note.line}: {note.text}"), err=True)
    if choice.target:
        click.echo(output.printable(_written(choice.target, len(done.notes))), err=True)


def _written(target: Path, left_out: int) -> str:
    """What is said last, so that a page of what was left out does not look like a failure."""
    lines = f"{left_out} {'line was' if left_out == 1 else 'lines were'}"
    return f"{target} is written" + (f"; {lines} left out" if left_out else "")


def _write(target: Path, text: str, force: bool) -> None:
    try:
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(f"{target} is there already; --force writes over it", UNUSABLE)
    except OSError as why:
        fail(f"{target}: cannot be written: {why.strerror}", UNUSABLE)


def _document(done: Translation, text: str) -> dict[str, object]:
    """What was found for machines."""
    return {
        "settings": done.values,
        "left_out": [asdict(one) for one in done.left_out],
        "remarks": [asdict(one) for one in done.remarks],
        "toml": text,
    }
