"""The command line: ``serve`` and ``check`` here, the other verbs in the modules beside this one.

Most are called after their verb; ``bindings`` has the verbs about bindings, ``intake`` has
``import``, ``running`` has ``set`` and ``nodes`` has ``node list``.

Every error of ours becomes one sentence on standard error and an exit code in this module and
nowhere else. Only ``serve`` loads the server half.
"""

from collections.abc import Sequence

import click

from regcluster import __version__
from regcluster.config import Settings
from regcluster.config.reader import Loaded
from regcluster.config.secrets import secret_free
from regcluster.control import bindings, output, running, watch
from regcluster.control.bench import bench
from regcluster.control.completion import completion
from regcluster.control.drain import drain
from regcluster.control.edition import edition
from regcluster.control.exits import NO_STORE, UNUSABLE, fail
from regcluster.control.export import export
from regcluster.control.intake import import_
from regcluster.control.nodes import node_group
from regcluster.control.options import Source, json_option, settings_options
from regcluster.control.top import top
from regcluster.errors import ConfigError, RegclusterError, StoreError

EPILOG = """\b
Exit codes:
  0  done, or found
  1  not found, not allowed, or not all of an import
  2  wrong usage, or settings that cannot be used
  3  the store cannot be reached, or is not one of ours
  4  measured, but the load generator was the limit (bench)
"""


class Faced(click.Group):
    """A group whose commands end in a sentence and an exit code, never in a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; errors of ours become exit codes."""
        try:
            return super().invoke(ctx)
        except ConfigError as wrong:
            fail(_listed(wrong.problems), UNUSABLE)
        except StoreError as broken:
            fail(secret_free(str(broken)), NO_STORE)
        except RegclusterError as broken:
            fail(str(broken), UNUSABLE)


@click.group(cls=Faced, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(f"{__version__}, {edition()}", message="regcluster %(version)s")
def main() -> None:
    """A SIP registrar and location service that keeps its bindings in Redis.

    Settings come from a TOML file, from REGCLUSTER_SECTION__KEY in the environment and from --set,
    a later one beating an earlier one.
    """


main.add_command(bindings.aor_group)
main.add_command(bindings.contact_group)
main.add_command(bindings.stats)
main.add_command(export)
main.add_command(watch.watch)
main.add_command(running.set_)
main.add_command(import_)
main.add_command(bench)
main.add_command(node_group)
main.add_command(top)
main.add_command(drain)
main.add_command(completion)


@main.command()
@settings_options
def serve(source: Source) -> None:
    """Run a node until SIGTERM; SIGHUP reads the settings again."""
    loaded = source.load()
    # Only here: no other verb should load the server half.
    from regcluster.control import supervisor

    supervisor.run(loaded, lambda: source.again(loaded))


@main.command()
@settings_options
@json_option
@click.option("--print", "is_print", is_flag=True, help="Write every setting and its origin.")
@click.option("--reference", is_flag=True, help="Write the settings reference, in Markdown.")
@click.option("--schema", is_flag=True, help="Write a JSON schema of the settings, for editors.")
def check(source: Source, as_json: bool, is_print: bool, reference: bool, schema: bool) -> None:
    """Check the settings and tell all that is wrong.

    The store is not asked anything; a route script is loaded and a token file read, as a node does
    when it starts. What --print writes is a settings file itself, but for passwords, which are
    hidden.
    """
    if reference:
        from regcluster.config.reference import render

        click.echo(render(), nl=False)
        return
    if schema:
        from regcluster.config.schema import document

        click.echo(output.document(document()))
        return
    try:
        loaded = source.load()
        _check_url(loaded.settings.store.url)
        _check_script(loaded.settings)
        _check_tokens(loaded.settings.http.token_file)
    except ConfigError as wrong:
        if not as_json:
            raise
        click.echo(output.document({"ok": False, "problems": wrong.problems}))
        raise click.exceptions.Exit(UNUSABLE) from None
    click.echo(_checked(loaded, as_json, is_print))


def _check_url(url: str) -> None:
    """Raise ``ConfigError`` for what a node would find wrong only when it connects: arguments of
    the URL, and the files they name."""
    if url.startswith("embedded:"):
        return
    # Only here: a look at the settings should seldom wait for the store's half of us.
    from regcluster.store.places import parse_place

    parse_place(url)


def _check_script(settings: Settings) -> None:
    """Raise ``ConfigError`` for a route script that no worker would start with."""
    if settings.routing.script:
        # Only here: a look at the settings should seldom wait for the script's half of us.
        from regcluster import log
        from regcluster.route.loader import load_script

        # What a script says while it is loaded is no answer of ours.
        log.configure(settings.log)
        load_script(settings.routing.script, settings.registrar.event_callback)


def _check_tokens(file: str) -> None:
    """Raise ``ConfigError`` for a token file that no node would start with."""
    if file:
        from regcluster.control.api.tokens import read_tokens

        read_tokens(file)


def _checked(loaded: Loaded, as_json: bool, is_print: bool) -> str:
    if as_json:
        settings = {"settings": output.settings_document(loaded)} if is_print else {}
        return output.document({"ok": True, "problems": [], **settings})
    if is_print:
        return output.settings_toml(loaded)
    return f"The settings are good ({loaded.file or 'no file'})."


def _listed(problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return "\n  ".join([f"{len(problems)} problems in the settings", *problems])
