"""``regcluster import`` as its user sees it."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from regcluster.control.cli import main

TEXT = """
modparam("registrar", "max_contacts", 10)
#!ifdef SHORT
modparam("registrar", "max_expires", LIMIT)
#!endif
modparam("usrloc", "db_mode", 2)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a Kamailio configuration in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kamailio.cfg").write_text(TEXT)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run ``regcluster`` with ``arguments``."""
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_settings_are_written_and_what_is_missing_is_told() -> None:
    """Each where it belongs; the exit code is 0, since it is done."""
    result = run("import", "kamailio.cfg")

    assert 0 == result.exit_code
    assert {
        "registrar": {"max_contacts": 10},
        "location": {"use_domain": 0},
    } == tomllib.loads(result.stdout)
    assert (
        "kamailio.cfg:6: usrloc db_mode = 2: "
        "has no meaning here: bindings live in Redis, see store.url\n"
    ) == result.stderr


def test_what_is_written_is_a_settings_file(folder: Path) -> None:
    """A node starts with it as it is."""
    written = run("import", "kamailio.cfg", "--output", "regcluster.toml")
    checked = run("check")

    assert (0, "") == (written.exit_code, written.stdout)
    assert "regcluster.toml is written; 1 line was left out" == written.stderr.splitlines()[-1]
    assert "The settings are good (regcluster.toml).\n" == checked.stdout


@pytest.mark.parametrize(
    ("lines", "told"),
    [("", ""), (TEXT * 3, "; 3 lines were left out")],
    ids=["nothing", "some"],
)
def test_the_last_line_says_that_the_file_is_written(folder: Path, lines: str, told: str) -> None:
    """And how much of it was left out, of which there may be screens above."""
    (folder / "kamailio.cfg").write_text('modparam("usrloc", "use_domain", 1)\n' + lines)
    result = run("import", "kamailio.cfg", "-o", "mine.toml")

    assert f"mine.toml is written{told}" == result.stderr.splitlines()[-1]


def test_a_file_that_is_there_is_kept(folder: Path) -> None:
    """Unless it is said that it need not be."""
    (folder / "mine.toml").write_text("# mine")
    refused = run("import", "kamailio.cfg", "-o", "mine.toml")
    kept = (folder / "mine.toml").read_text()
    forced = run("import", "kamailio.cfg", "-o", "mine.toml", "--force")

    assert (2, "regcluster: mine.toml is there already; --force writes over it\n", "# mine") == (
        refused.exit_code,
        refused.stderr,
        kept,
    )
    assert 0 == forced.exit_code
    assert "max_contacts = 10" in (folder / "mine.toml").read_text()


def test_what_kamailio_is_started_with_counts() -> None:
    """A name alone, or with a value."""
    result = run("import", "kamailio.cfg", "-A", "SHORT", "--define", "LIMIT=60")

    assert 60 == tomllib.loads(result.stdout)["registrar"]["max_expires"]


def test_machines_get_one_document() -> None:
    """With the settings in it as values and as text, and nothing on standard error."""
    result = run("import", "kamailio.cfg", "--json")
    answer = json.loads(result.stdout)
    text = answer.pop("toml")

    assert (0, "") == (result.exit_code, result.stderr)
    assert {
        "settings": {"registrar.max_contacts": 10, "location.use_domain": 0},
        "left_out": [
            {
                "line": 6,
                "parameter": "usrloc db_mode = 2",
                "why": "has no meaning here: bindings live in Redis, see store.url",
            }
        ],
        "remarks": [],
    } == answer
    assert {"max_contacts": 10} == tomllib.loads(text)["registrar"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.cfg"], "nothing.cfg: cannot be read: No such file or directory"),
        ([".", "--json"], ".: cannot be read: Is a directory"),
        (
            ["kamailio.cfg", "-o", "no/where.toml"],
            "no/where.toml: cannot be written: No such file or directory",
        ),
    ],
)
def test_files_that_cannot_be_used_are_told(arguments: list[str], sentence: str) -> None:
    """In a sentence, and with exit code 2."""
    result = run("import", *arguments)

    assert (2, "", f"regcluster: {sentence}\n") == (
        result.exit_code,
        result.stdout,
        result.stderr,
    )


def test_octets_of_any_kind_are_read(folder: Path) -> None:
    """Comments were written in whatever the editor had."""
    (folder / "old.cfg").write_bytes(b"# caf\xe9\n" + TEXT.encode())

    assert 0 == run("import", "old.cfg").exit_code
