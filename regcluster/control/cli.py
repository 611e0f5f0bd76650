"""The command line: ``serve``, ``check``, ``aor`` and ``stats``.

Verbs that only look at settings load nothing else; verbs about bindings reach the store directly,
so they work while every node is down. All errors become one sentence on standard error and an
exit code here, and nowhere else.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from regcluster import __version__
from regcluster.config.reader import Loaded, load
from regcluster.config.secrets import secret_free
from regcluster.errors import ConfigError, RegclusterError, ScriptError, StoreError

if TYPE_CHECKING:
    from regcluster.store.api import Store

T = TypeVar("T")
Command = Callable[..., None]

DEFAULT_FILES = (Path("regcluster.toml"), Path("/etc/regcluster/regcluster.toml"))

NOT_FOUND = 1
UNUSABLE = 2
NO_STORE = 3

EXIT_CODES = """\b
Exit codes:
  0  done, found
  1  not found, refused
  2  wrong usage, or settings that cannot be used
  3  the store cannot be reached, or is not one of ours
"""


class Faced(click.Group):
    """A group whose commands end in a sentence and an exit code, never in a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; our own errors become exit codes."""
        try:
            return super().invoke(ctx)
        except ConfigError as wrong:
            _fail(_listed(wrong.problems), UNUSABLE)
        except StoreError as broken:
            _fail(secret_free(str(broken)), NO_STORE)
        except ScriptError as broken:
            _fail(str(broken), UNUSABLE)
        except RegclusterError as broken:
            _fail(str(broken), NOT_FOUND)


def _listed(problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return "\n  ".join([f"{len(problems)} problems in the settings:", *problems])


def _fail(sentence: str, code: int) -> NoReturn:
    click.echo(f"regcluster: {sentence}", err=True)
    raise click.exceptions.Exit(code)


def settings_options(command: Command) -> Command:
    """The options of every command that reads settings; they arrive as one ``Source``."""
    overrides = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="SECTION.KEY=VALUE",
        help="Override one setting; may be repeated.",
    )
    file = click.option(
        "--config",
        "-c",
        "file",
        type=click.Path(path_type=Path),
        envvar="REGCLUSTER_CONFIG",
        help="Settings file. Default: ./regcluster.toml or /etc/regcluster/regcluster.toml, "
        "whichever is there first.  [env: REGCLUSTER_CONFIG]",
    )
    return file(overrides(command))


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


def _load(file: Path | None, overrides: Sequence[str]) -> Loaded:
    if file is None:
        file = next((candidate for candidate in DEFAULT_FILES if candidate.is_file()), None)
    return load(file, os.environ, overrides)


@click.group(cls=Faced, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="regcluster", message="%(prog)s %(version)s")
def main() -> None:
    """A SIP registrar and location service that keeps its bindings in Redis.

    Settings come from a TOML file, REGCLUSTER_SECTION__KEY in the environment and --set, the
    later beating the earlier.
    """


@main.command()
@settings_options
def serve(file: Path | None, overrides: tuple[str, ...]) -> None:
    """Run a node until SIGTERM or SIGINT; SIGHUP reads the settings again."""
    loaded = _load(file, overrides)
    # Only here: no other verb should pay for the server half.
    from regcluster.control import supervisor

    raise click.exceptions.Exit(supervisor.run(loaded, lambda: _load(file, overrides)))


@main.command()
@settings_options
@json_option
@click.option("--print", "is_print", is_flag=True, help="Write every setting with its origin.")
@click.option("--reference", is_flag=True, help="Write the settings reference (Markdown).")
def check(
    file: Path | None, overrides: tuple[str, ...], as_json: bool, is_print: bool, reference: bool
) -> None:
    """Say whether the settings can be used, and what is wrong with them.

    The output of --print is a settings file itself, but for hidden passwords.
    """
    from regcluster.control import output

    if reference:
        from regcluster.config.reference import render

        click.echo(render(), nl=False)
        return
    try:
        loaded = _load(file, overrides)
    except ConfigError as wrong:
        if not as_json:
            raise
        click.echo(output.document({"ok": False, "problems": wrong.problems}))
        raise click.exceptions.Exit(UNUSABLE) from None
    if as_json:
        answer: dict[str, object] = {"ok": True, "problems": []}
        if is_print:
            answer["settings"] = output.settings_document(loaded)
        click.echo(output.document(answer))
    elif is_print:
        click.echo(output.settings_toml(loaded), nl=False)
    else:
        click.echo(f"The settings are good ({loaded.file or 'no file'}).")


@main.group()
def aor() -> None:
    """Look at the bindings of addresses-of-record, or change them.

    AOR is alice@example.com or sip:alice@example.com.
    """


@aor.command("list")
@settings_options
@json_option
@click.option("--prefix", default="", help="Only AORs that begin with this.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Stop after so many; 0: never.",
)
def list_aors(
    file: Path | None, overrides: tuple[str, ...], as_json: bool, prefix: str, limit: int
) -> None:
    """List the AORs with at least one binding, one a line, in no order.

    With --json each line is a document of its own, {"aor": "..."}.
    """
    from regcluster.control import output

    async def walk(store: "Store") -> None:
        written = 0
        async for found in store.scan():
            if not found.startswith(prefix):
                continue
            if limit and written == limit:
                click.echo(f"regcluster: stopped after {limit}; --limit 0 lists all", err=True)
                return
            click.echo(output.document({"aor": found}) if as_json else output.printable(found))
            written += 1

    _ask(_load(file, overrides), walk)


@aor.command()
@settings_options
@json_option
@click.argument("aor")
def show(file: Path | None, overrides: tuple[str, ...], as_json: bool, aor: str) -> None:
    """Show the contacts of AOR, best first."""
    from regcluster.control import output

    loaded = _load(file, overrides)
    key = _aor(aor, loaded)
    record = _ask(loaded, lambda store: store.fetch(key))
    if as_json:
        click.echo(output.document(output.record_document(key, record)))
    elif record.bindings:
        click.echo(output.record_table(record))
    if not record.bindings:
        _fail(f"{output.printable(key)} has no contacts", NOT_FOUND)


@aor.command()
@settings_options
@json_option
@click.argument("aor")
@click.argument("contact")
@click.option("--expires", type=click.IntRange(1, 2**32 - 1), help="Seconds it shall live.")
@click.option("--q", help="Preference from 0 to 1.")
def add(
    file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
    aor: str,
    contact: str,
    **choices: Any,
) -> None:
    """Bind the URI CONTACT to AOR, or refresh that binding.

    Without --expires and --q it lives and ranks as registrar.default_expires and
    registrar.default_q say. registrar.max_contacts applies.
    """
