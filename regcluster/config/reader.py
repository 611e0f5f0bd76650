"""From file, environment and command line to settings, or to every reason why not.

A later source beats an earlier one: defaults, the TOML file, ``REGCLUSTER_SECTION__KEY`` in the
environment, ``--set section.key=value``. Every value that was given is checked, even one that is
overridden, and all problems come in one ``ConfigError``: nobody should have to start a node five
times to find five mistakes.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import structs

from regcluster.config.checks import check
from regcluster.config.fields import FIELDS, SECTIONS
from regcluster.config.names import unknown_key, unknown_section
from regcluster.config.reload import is_changeable
from regcluster.config.secrets import secret_free
from regcluster.config.settings import Settings
from regcluster.config.values import convert, convert_text
from regcluster.errors import ConfigError

PREFIX = "REGCLUSTER_"

DEFAULT = "default"
"""Origin of a value nobody gave."""

BY_HAND = "set by hand"
"""Origin of a value that a running node was given with ``regcluster set``."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings ready for use, and where each value came from."""

    settings: Settings
    origins: dict[str, str]
    """Every key: ``default``, the file's name, ``environment variable NAME``, ``--set``, or in a
    running node ``set by hand``."""
    file: Path | None = None
    """The file that was read, if any."""


@dataclass(slots=True)
class _Given:
    """One value somebody gave, not yet looked at."""

    origin: str
    section: str
    name: str
    raw: object
    is_text: bool


def load(file: Path | None, environ: Mapping[str, str], overrides: Sequence[str]) -> Loaded:
    """Read the settings, or raise ``ConfigError`` with all that is wrong with them."""
    problems: list[str] = []
    given = [
        *_from_file(file, problems),
        *_from_environ(environ, problems),
        *_from_overrides(overrides, problems),
    ]
    return _laid_over(Loaded(Settings(), dict.fromkeys(FIELDS, DEFAULT), file), given, problems)


def override(loaded: Loaded, values: Mapping[str, str]) -> Loaded:
    """``loaded`` with ``values`` by key over it, as a running node can take them up.

    Raises ``ConfigError`` with all that is wrong with them, a key that needs a restart included.
    """
    problems: list[str] = []
    given = list(_by_hand(values, problems))
    return _laid_over(loaded, given, problems)


def _laid_over(beneath: Loaded, given: Sequence[_Given], problems: list[str]) -> Loaded:
    """``given`` over what there is, or all ``problems`` of either."""
    origins = dict(beneath.origins)
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for one in given:
        try:
            values[one.section][one.name] = _value(one)
            origins[f"{one.section}.{one.name}"] = one.origin
        except ValueError as wrong:
            problems.append(f"{one.origin}: {wrong}")
    settings = Settings(
        **{
            name: structs.replace(getattr(beneath.settings, name), **values[name])
            for name in SECTIONS
        }
    )
    problems += check(settings, origins)
    if problems:
        # An unknown section is as wrong once as it is for each of its keys.
        raise ConfigError(list(dict.fromkeys(problems)))
    return Loaded(settings, origins, beneath.file)


def _value(given: _Given) -> object:
    """The value as its field wants it; ``ValueError`` is a sentence without its origin."""
    if given.section not in SECTIONS:
        raise ValueError(unknown_section(given.section))
    field = FIELDS.get(f"{given.section}.{given.name}")
    if field is None:
        raise ValueError(unknown_key(given.section, given.name))
    try:
        if given.is_text:
            return convert_text(str(given.raw), field)
        return convert(given.raw, field)
    except ValueError as wrong:
        raise ValueError(f"{field.key} {wrong}") from None


def _from_file(file: Path | None, problems: list[str]) -> Iterator[_Given]:
    if file is None:
        return
    try:
        document = _parse(file.read_bytes())
    except OSError as broken:
        problems.append(f"{file}: cannot be read: {broken.strerror}")
        return
    except ValueError as broken:
        problems.append(f"{file}: {broken}")
        return
    for section, table in document.items():
        if isinstance(table, dict) and (table or section in SECTIONS):
            for name, raw in table.items():
                yield _Given(str(file), section, name, raw, is_text=False)
        else:
            problems.append(f"{file}: {_not_a_section(section, table)}")


def _parse(data: bytes) -> dict[str, Any]:
    """The TOML document in ``data``; ``ValueError`` says what is wrong and where."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = data.count(b"\n", 0, broken.start) + 1
        raise ValueError(f"not UTF-8 text (at line {line})") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        last = text.count("\n") + 1
        reason = str(broken).replace("(at end of document)", f"(at line {last}, the end)")
        raise ValueError(f"not valid TOML: {reason}") from None


def _not_a_section(name: str, value: object) -> str:
    if name in SECTIONS:
        return f"[{name}] must be one section, with its settings below it"
    homes = [field.key for field in FIELDS.values() if field.name == name]
    if homes and not isinstance(value, dict | list):
        return f"{name} stands outside any section; did you mean {' or '.join(homes)}?"
    return unknown_section(name)


def _from_environ(environ: Mapping[str, str], problems: list[str]) -> Iterator[_Given]:
    single = {key.upper().replace(".", "_"): key for key in FIELDS}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        rest = variable.removeprefix(PREFIX)
        origin = f"environment variable {variable}"
        section, mark, name = rest.lower().partition("__")
        if mark:
            yield _Given(origin, section, name, environ[variable], is_text=True)
        elif rest.upper() in single:
            right = PREFIX + single[rest.upper()].upper().replace(".", "__")
            problems.append(f"{origin}: section and key are joined by two underscores: {right}")
        # Others pass: REGCLUSTER_CONFIG is the command line's, and Kubernetes adds
        # REGCLUSTER_SERVICE_HOST and its like for every Service named regcluster.


def _from_overrides(overrides: Sequence[str], problems: list[str]) -> Iterator[_Given]:
    for given in overrides:
        key, mark, text = given.partition("=")
        section, dot, name = key.strip().partition(".")
        if mark and dot:
            yield _Given("--set", section, name, text, is_text=True)
        else:
            problems.append(f"--set: write section.key=value, not {secret_free(key)}")


def _by_hand(values: Mapping[str, str], problems: list[str]) -> Iterator[_Given]:
    for key, text in values.items():
        field = FIELDS.get(key)
        if field and not is_changeable(field):
            problems.append(f"{BY_HAND}: {key} cannot change in a running node, it needs a restart")
            continue
        section, dot, name = key.partition(".")
        if dot:
            yield _Given(BY_HAND, section, name, text, is_text=True)
        else:
            problems.append(f"{BY_HAND}: write section.key, not {secret_free(key)}")
