"""The options all verbs share, and where settings come from when nothing is said.

A command decorated with ``settings_options`` gets one ``Source`` as its first argument and calls
``load`` when it is ready to hear that the settings are wrong.
"""

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from regcluster.config.reader import Loaded, load

DEFAULT_FILES = (Path("regcluster.toml"), Path("/etc/regcluster/regcluster.toml"))
"""Read when no file is named: the first that exists."""

Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the settings of this invocation come from."""

    file: Path | None
    overrides: Sequence[str]

    def load(self) -> Loaded:
        """Read them now; raises ``ConfigError``."""
        file = self.file
        if file is None:
            # Unlike Path.exists, this takes a directory it may not look into for an absent file.
            file = next((default for default in DEFAULT_FILES if os.path.exists(default)), None)
        return load(file, os.environ, self.overrides)

    def again(self, before: Loaded) -> Loaded:
        """Read them once more, as on SIGHUP; raises ``ConfigError``.

        A file that was found ``before`` has to be there: nobody means to have a node go back to
        the defaults by moving it.
        """
        return Source(self.file or before.file, self.overrides).load()


def settings_options(command: Command) -> Command:
    """Give ``command`` the options ``--config`` and ``--set``, as one ``Source``."""

    @click.option(
        "--config",
        "-c",
        "file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        envvar="REGCLUSTER_CONFIG",
        show_envvar=True,
        help="Settings file. Default: ./regcluster.toml or /etc/regcluster/regcluster.toml, "
        "the first that exists.",
    )
    @click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="SECTION.KEY=VALUE",
        help="Override one setting; may be repeated.",
    )
    @functools.wraps(command)
    def with_source(file: Path | None, overrides: tuple[str, ...], **others: Any) -> None:
        command(Source(file, overrides), **others)

    return with_source


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


def output_option(meaning: str) -> Callable[[Command], Command]:
    """The option ``--output FILE``, which a command takes as ``target``."""
    kind = click.Path(path_type=Path)
    return click.option("--output", "-o", "target", type=kind, metavar="FILE", help=meaning)
