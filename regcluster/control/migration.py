"""The verb ``import``: settings of ours from a Kamailio configuration."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from regcluster.config.modparam import read
from regcluster.config.translate import Translation, render, translate
from regcluster.control import output
from regcluster.control.exits import UNUSABLE, fail
from regcluster.control.options import json_option


@click.command("import")
@json_option
@click.option(
    "--output",
    "-o",
    "target",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the settings there instead of to standard output.",
)
@click.option("--force", is_flag=True, help="Write over a FILE that is there.")
@click.option(
    "--define",
    "-A",
    "defines",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="As Kamailio's option -A; may be repeated.",
)
@click.argument("source", metavar="KAMAILIO.CFG", type=click.Path(path_type=Path))
def import_(
    as_json: bool, target: Path | None, force: bool, defines: Sequence[str], source: Path
) -> None:
    """Write settings from the modparam lines of a Kamailio configuration.

    Those of its modules registrar and usrloc are read; whatever has no place here is told on
    standard error, and in the settings as comments. Files it includes are not read.
    """
    done = _translated(source, defines)
    text = render(done, source.name)
    if target:
        _write(target, text, force)
    if as_json:
        click.echo(output.document(_document(done, text)))
        return
    if not target:
        click.echo(text, nl=False)
    for note in done.notes:
        click.echo(output.printable(f"{source}:{note.line}: {note.text}"), err=True)


def _translated(source: Path, defines: Sequence[str]) -> Translation:
    try:
        text = source.read_text(encoding="utf-8", errors="replace")
    except OSError as why:
        fail(f"{source}: cannot be read: {why.strerror}", UNUSABLE)
    pairs = (define.partition("=") for define in defines)
    return translate(read(text, {name: value for name, _, value in pairs}))


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
