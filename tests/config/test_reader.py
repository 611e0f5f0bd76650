"""From file, environment and command line to settings: who wins, and what is said when it fails."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from regcluster.config import Settings
from regcluster.config.fields import FIELDS
from regcluster.config.reader import load
from regcluster.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the settings file of a test goes."""
    return tmp_path / "regcluster.toml"


def problems(
    file: Path | None, environ: Mapping[str, str] | None = None, overrides: Sequence[str] = ()
) -> list[str]:
    """What is wrong, with the name of the file left out."""
    with pytest.raises(ConfigError) as refused:
        load(file, environ or {}, overrides)
    return [problem.replace(f"{file}: ", "FILE: ") for problem in refused.value.problems]


def test_without_any_source_everything_is_default() -> None:
    """A node runs with no file, no environment and no options."""
    loaded = load(None, {}, ())

    assert Settings() == loaded.settings
    assert dict.fromkeys(FIELDS, "default") == loaded.origins
    assert loaded.file is None


def test_the_command_line_beats_the_environment_beats_the_file(file: Path) -> None:
    """Each value comes from the last source that gave it, and its origin is remembered."""
    file.write_text("[registrar]\nmin_expires = 1\nmax_expires = 2\nmax_contacts = 3\n")
    environ = {
        "REGCLUSTER_REGISTRAR__MAX_EXPIRES": "20",
        "REGCLUSTER_REGISTRAR__MAX_CONTACTS": "30",
    }

    loaded = load(file, environ, ["registrar.max_contacts=299", "registrar.max_contacts=300"])

    registrar = loaded.settings.registrar
    assert (1, 20, 300) == (registrar.min_expires, registrar.max_expires, registrar.max_contacts)
    assert [
        "default",
        str(file),
        "environment variable REGCLUSTER_REGISTRAR__MAX_EXPIRES",
        "--set",
    ] == [
        loaded.origins[f"registrar.{name}"]
        for name in ("default_expires", "min_expires", "max_expires", "max_contacts")
    ]
    assert file == loaded.file


def test_sections_keep_their_other_values(file: Path) -> None:
    """Giving one value of a section leaves the rest of it at the default."""
    file.write_text('[listen]\ntcp = []\n[store]\nurl = "redis://h"\n')

    settings = load(file, {}, ["listen.udp=127.0.0.1:5070,[::1]:5070"]).settings

    assert (["127.0.0.1:5070", "[::1]:5070"], []) == (settings.listen.udp, settings.listen.tcp)
    assert ("redis://h", 256) == (settings.store.url, settings.store.partitions)


def test_an_empty_section_and_a_byte_order_mark_are_harmless(file: Path) -> None:
    """Editors and people leave such things behind."""
    file.write_bytes(b"\xef\xbb\xbf[registrar]\n[log]\nlevel = 'debug'\n")

    assert "debug" == load(file, {}, ()).settings.log.level


def test_the_environment_may_hold_other_names_of_ours() -> None:
    """REGCLUSTER_CONFIG is the command line's; Kubernetes adds names for a Service regcluster."""
    environ = {
        "REGCLUSTER_CONFIG": "x.toml",
        "REGCLUSTER_SERVICE_HOST": "10.0.0.1",
        "REGCLUSTER_PORT_5060_UDP": "udp://10.0.0.1:5060",
        "OTHER__KEY": "1",
    }

    assert Settings() == load(None, environ, ()).settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[registrar]\nmax_contact = 1", "registrar.max_contact is not a setting; did you mean"),
        ("[registar]\na = 1\nb = 2", "there is no section [registar]; did you mean [registrar]?"),
        ("[registar]", "there is no section [registar]; did you mean [registrar]?"),
        ("[location]\nka_mode = 1", "location.ka_mode: this version does not ping phones"),
        ("max_contacts = 1", "max_contacts stands outside any section; did you mean registrar."),
        ("listen = 1", "[listen] must be one section, with its settings below it"),
        ("[[listen]]\nudp = []", "[listen] must be one section, with its settings below it"),
        ("[registrar.more]\na = 1", "registrar.more is not a setting"),
        ("zzz = 1", "there is no section [zzz]; there are node, listen,"),
        ("[registrar]\nmin_expires = '60'", "registrar.min_expires must be a whole number from 0"),
        ("[listen]\nudp = ['x']", 'listen.udp holds "x", which is no address: the port is missing'),
        ("[registrar]\nmin_expires 60", "not valid TOML: Expected '=' after a key in a key/value"),
        ("[registrar", "not valid TOML: Expected ']' at the end of a table declaration (at line 1"),
        ("a = 1\na = 2", "not valid TOML: Cannot overwrite a value (at line 2, "),
    ],
)
def test_each_kind_of_mistake_in_a_file_is_one_sentence(
    file: Path, text: str, expected: str
) -> None:
    """The sentence names the file and the key, once."""
    file.write_text(text)

    (problem,) = problems(file)

    assert f"FILE: {expected}" == problem[: len(expected) + 6]


def test_a_syntax_error_is_told_with_line_and_column(file: Path) -> None:
    """So that an editor can go there."""
    file.write_text("[node]\nname = edge\n")

    assert ["FILE: not valid TOML: Invalid value (at line 2, column 8)"] == problems(file)


def test_a_syntax_error_at_the_end_has_a_line_too(file: Path) -> None:
    """Where Python says "end of document", we say which line that is."""
    file.write_text('[node]\nname = "edge')

    assert ["FILE: not valid TOML: Unterminated string (at line 2, the end)"] == problems(file)


def test_a_file_that_is_not_utf8_is_told_with_its_line(file: Path) -> None:
    """TOML is UTF-8 by definition."""
    file.write_bytes(b'[node]\nname = "caf\xe9"\n')

    assert ["FILE: not UTF-8 text (at line 2)"] == problems(file)


def test_a_file_that_is_not_there_is_told(file: Path) -> None:
    """A file that was asked for must exist."""
    assert ["FILE: cannot be read: No such file or directory"] == problems(file)


def test_a_directory_is_no_settings_file(tmp_path: Path) -> None:
    """Whatever the operating system says about it is passed on."""
    assert ["FILE: cannot be read: Is a directory"] == problems(tmp_path)


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        (
            "LOG__LEVEL",
            "loud",
            'log.level must be "debug", "info", "warning" or "error", not "loud"',
        ),
        ("LOG__LEVEK", "info", "log.levek is not a setting; did you mean log.level?"),
        ("LOGS__LEVEL", "info", "there is no section [logs]; did you mean [log]?"),
        (
            "LOG_LEVEL",
            "info",
            "section and key are joined by two underscores: REGCLUSTER_LOG__LEVEL",
        ),
        ("HTTP__LISTEN", "here", 'http.listen is "here", which is no address: the port is missing'),
        ("NODE__NAME", os.fsdecode(b"caf\xe9"), "node.name must be UTF-8 text"),
    ],
)
def test_each_kind_of_mistake_in_the_environment_is_one_sentence(
    variable: str, text: str, expected: str
) -> None:
    """The sentence names the variable and the key."""
    name = f"REGCLUSTER_{variable}"

    assert [f"environment variable {name}: {expected}"] == problems(None, {name: text})


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("log.level=loud", 'log.level must be "debug", "info", "warning" or "error", not "loud"'),
        ("log.levek=info", "log.levek is not a setting; did you mean log.level?"),
        ("level=info", "write section.key=value, not level"),
        ("log.level", "write section.key=value, not log.level"),
        ("redis://u:secret@h.example", "write section.key=value, not redis://u:***@h.example"),
        (
            "store.url=foo://u:secret@h",
            "store.url must begin with one of redis://, rediss://, unix://, embedded://, "
            "redis+sentinel://, rediss+sentinel://, redis+cluster://, rediss+cluster://, "
            'not "foo://u:***@h"',
        ),
    ],
)
def test_each_kind_of_mistake_on_the_command_line_is_one_sentence(
    override: str, expected: str
) -> None:
    """The sentence names the option and the key, and no password."""
    assert [f"--set: {expected}"] == problems(None, {}, [override])


def test_all_mistakes_of_all_sources_come_in_one_error(file: Path) -> None:
    """Nobody has to start a node five times to find five mistakes."""
    file.write_text("[registrar]\nmin_expires = -1\naor_avp = 1\n[listen]\ntcp = ['x']\n[lok]\n")

    found = problems(file, {"REGCLUSTER_STORE__PARTITIONS": "0"}, ["log.level=loud"])

    assert [
        "FILE: there is no section [lok]; did you mean [log]?",
        "FILE: registrar.min_expires must be a whole number from 0 to 4294967295, not -1",
        "FILE: registrar.aor_avp: Kamailio itself has dropped this parameter; "
        "name the AOR with the uri argument of save() and lookup()",
        "environment variable REGCLUSTER_STORE__PARTITIONS: "
        'store.partitions must be a whole number from 1 to 16384, not "0"',
        '--set: log.level must be "debug", "info", "warning" or "error", not "loud"',
        'FILE: listen.tcp holds "x", which is no address: the port is missing',
    ] == found


def test_a_bad_value_is_told_even_where_a_later_source_overrides_it(file: Path) -> None:
    """It would come back on the day the override goes."""
    file.write_text("[registrar]\nmin_expires = -1\n")

    (problem,) = problems(file, {}, ["registrar.min_expires=60"])

    assert problem.startswith("FILE: registrar.min_expires must be")


def test_the_message_holds_every_problem() -> None:
    """Whoever prints the error itself loses nothing."""
    with pytest.raises(ConfigError) as refused:
        load(None, {}, ["log.level=loud", "a.b=c"])

    assert 2 == len(str(refused.value).splitlines())
