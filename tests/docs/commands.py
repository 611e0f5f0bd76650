"""Command lines as pages show them, and what is wrong with those that are ours."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

import click

from regcluster.config.reader import load, override
from regcluster.control.cli import main
from regcluster.errors import ConfigError
from tests.docs.pages import Block

SEPARATORS = set("();<>|&")
ENTERING = {"exec", "--"}
"""Behind one of these a command may be run inside of something."""

PROGRAM = "regcluster"


def shell(block: Block) -> str:
    """What is typed of ``block``: all of it, or in a console what follows a prompt."""
    if block.language != "console":
        return block.text
    typed: list[str] = []
    goes_on = False
    for line in block.text.splitlines():
        if goes_on or line.startswith("$ "):
            typed.append(line if goes_on else line.removeprefix("$ "))
            goes_on = line.endswith("\\")
    return "\n".join(typed) + "\n"


def commands(text: str) -> Iterator[list[str]]:
    """The words of each simple command in ``text``, which must not break quotes over lines."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if set(word) <= SEPARATORS:
                yield words
                words = []
            else:
                words.append(word)
        yield words


def ours(words: Sequence[str]) -> list[str] | None:
    """What follows ``regcluster`` where ``words`` run it, here or inside of something else."""
    for place, word in enumerate(words):
        is_run = ENTERING.intersection(words[:place]) or all("=" in one for one in words[:place])
        if word.rpartition("/bin/")[2] == PROGRAM and is_run:
            return [*words[place + 1 :]]
    return None


def complaint(words: Sequence[str], *, is_whole: bool = True) -> str:
    """What ``regcluster`` would say to ``words`` before it does anything; empty: nothing.

    Where they are not whole an argument may be missing.
    """
    command: click.Command = main
    context = click.Context(main, info_name=PROGRAM, **main.context_settings)
    rest = [*words]
    try:
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            name, found, rest = command.resolve_command(context, rest)
            assert found
            context, command = click.Context(found, parent=context, info_name=name), found
        given, left, _ = command.make_parser(context).parse_args(rest)
        for parameter in command.params:
            _look_at(parameter, context, given.get(str(parameter.name)), is_whole)
        if left:
            return f"unexpected: {left}"
        _look_at_settings(given)
    except (click.ClickException, ConfigError) as wrong:
        return str(wrong) or repr(wrong)
    return ""


def _look_at(
    parameter: click.Parameter, context: click.Context, value: object, is_whole: bool
) -> None:
    """Raise ``ClickException`` for a value that is missing, or is of another type."""
    if not isinstance(value, str | bool | list | tuple):
        if parameter.required and is_whole:
            raise click.MissingParameter(param=parameter)
    elif not isinstance(parameter.type, click.Path | click.File):
        parameter.type_cast_value(context, value)


def _look_at_settings(given: Mapping[str, object]) -> None:
    """Raise ``ConfigError`` for settings that there are not, or that cannot be so."""
    overrides = given.get("overrides")
    if isinstance(overrides, list):
        load(None, {}, overrides)
    changes = given.get("words")
    if isinstance(changes, list | tuple):
        pairs = [str(change).partition("=") for change in changes]
        override(load(None, {}, []), {key: value for key, mark, value in pairs if mark})


def environment(text: str) -> dict[str, str]:
    """The variables of ours that ``text`` gives a value."""
    given = re.findall(r"\b(REGCLUSTER_[A-Z_]+)=([^\s`),]*)", text)
    return {variable: value.strip("'\"") for variable, value in given if "__" in variable}
