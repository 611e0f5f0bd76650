"""The command line as its user sees it: help, answers, sentences and exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from regcluster import __version__
from regcluster.config import schema
from regcluster.config.reference import render
from regcluster.control.cli import main
from regcluster.control.edition import edition
from tests.control.watch import own_log

BAD = ["--set", "log.level=loud", "--set", "node.workers=-1"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, so that no settings file is lying about."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, environ: dict[str, str] | None = None) -> Result:
    """Run regcluster with ``arguments``."""
    return CliRunner().invoke(main, arguments, env=environ, catch_exceptions=False)


def test_version_is_the_packages_own() -> None:
    """One version, one place; and whether it is the build that takes half the time."""
    assert f"regcluster {__version__}, {edition()}\n" == run("--version").output


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_verb_and_exit_code(option: str) -> None:
    """What a script can rely on is written where it is looked for."""
    text = run(option).output

    for verb in ("aor", "check", "import", "serve", "set", "stats"):
        assert f"\n  {verb} " in text
    for code in ("0  done", "1  not found", "2  wrong usage", "3  the store"):
        assert f"\n    {code}" in text


@pytest.mark.parametrize(
    "command",
    ["serve", "check", "stats", "aor list", "aor show", "aor add", "aor rm"],
)
def test_every_verb_explains_itself_and_takes_settings(command: str) -> None:
    """Each has a description and the two options that say where settings come from."""
    result = run(*command.split(), "--help")

    assert 0 == result.exit_code
    assert "--config FILE" in result.output
    assert "--set SECTION.KEY=VALUE" in result.output
    assert "REGCLUSTER_CONFIG" in result.output


def test_good_settings_are_called_good(folder: Path) -> None:
    """With the file they came from."""
    (folder / "regcluster.toml").write_text("[log]\nlevel = 'debug'\n")
    result = run("check")

    assert (0, "The settings are good (regcluster.toml).\n") == (result.exit_code, result.stdout)


def test_without_a_file_that_is_said() -> None:
    """So that nobody believes their file was read."""
    assert "The settings are good (no file).\n" == run("check").stdout


def test_one_problem_is_one_sentence_on_standard_error() -> None:
    """Nothing goes to standard output, and the exit code is 2."""
    result = run("check", "--set", "log.levek=info")

    assert (2, "", "regcluster: --set: log.levek is not a setting; did you mean log.level?\n") == (
        result.exit_code,
        result.stdout,
        result.stderr,
    )


def test_several_problems_are_listed() -> None:
    """One line each, below how many there are."""
    result = run("check", *BAD)

    assert 2 == result.exit_code
    assert [
        "regcluster: 2 problems in the settings",
        '  --set: log.level must be "debug", "info", "warning" or "error", not "loud"',
        '  --set: node.workers must be a whole number, 0 or more, not "-1"',
    ] == result.stderr.splitlines()


@pytest.mark.parametrize(
    "command", ["serve", "stats", "aor list", "aor show a@b", "aor add a@b sip:c@d", "aor rm a@b"]
)
def test_no_verb_runs_on_bad_settings(command: str) -> None:
    """Each stops with exit code 2 before it touches anything."""
    result = run(*command.split(), *BAD)

    assert (2, "") == (result.exit_code, result.stdout)
    assert "2 problems in the settings" in result.stderr


def test_problems_for_machines_are_one_document() -> None:
    """On standard output, with the same exit code."""
    result = run("check", "--json", "--set", "log.levek=info")

    assert 2 == result.exit_code
    assert {
        "ok": False,
        "problems": ["--set: log.levek is not a setting; did you mean log.level?"],
    } == json.loads(result.stdout)


def test_good_settings_for_machines() -> None:
    """The same keys as for bad ones."""
    assert {"ok": True, "problems": []} == json.loads(run("check", "--json").stdout)


def test_printed_settings_show_values_and_origins() -> None:
    """The environment counts, and where it counted is shown."""
    result = run("check", "--print", environ={"REGCLUSTER_NODE__NAME": "edge-1"})

    assert 0 == result.exit_code
    assert (
        'name = "edge-1"  # environment variable REGCLUSTER_NODE__NAME'
        == result.stdout.splitlines()[1]
    )


def test_printed_settings_for_machines_have_value_and_origin() -> None:
    """Keyed as in --set."""
    answer = json.loads(run("check", "--print", "--json", "--set", "node.workers=3").stdout)

    assert {"value": 3, "origin": "--set"} == answer["settings"]["node.workers"]
    assert {"value": "embedded://", "origin": "default"} == answer["settings"]["store.url"]


@pytest.mark.parametrize("options", [["--print"], ["--print", "--json"], []])
@pytest.mark.parametrize(
    "url", ["redis://u:hunter2@h", "redis://u:hunter2@h/x", "hunt://u:hunter2@h"]
)
def test_a_password_is_never_written(options: list[str], url: str) -> None:
    """Neither when the URL is good nor in the sentence that says what is wrong with it."""
    result = run("check", *options, environ={"REGCLUSTER_STORE__URL": url})

    assert "hunter2" not in result.output
    assert "hunter2" not in result.stderr


def test_the_reference_is_written_even_when_settings_are_bad() -> None:
    """It is what one needs to mend them."""
    result = run("check", "--reference", *BAD)

    assert (0, render()) == (result.exit_code, result.stdout)


def test_the_schema_is_written_for_editors() -> None:
    """One document of JSON, whatever the settings are."""
    result = run("check", "--schema", *BAD)

    assert (0, schema.document()) == (result.exit_code, json.loads(result.stdout))


def test_wrong_usage_is_exit_code_2() -> None:
    """An unknown verb or option, with a hint."""
    assert 2 == run("regsiter").exit_code
    assert 2 == run("check", "--prnt").exit_code


def loaded_by(*arguments: str) -> set[str]:
    """The top-level packages a fresh interpreter has loaded after running ``arguments``."""
    program = (
        "import sys\n"
        "from regcluster.control.cli import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "sys.stderr.write(' '.join(sorted(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    return set(run.stderr.split())


@pytest.mark.server
def test_looking_at_settings_loads_no_server() -> None:
    """check answers quickly: no Redis client, no HTTP server, no metrics."""
    heavy = {"redis", "starlette", "uvicorn", "prometheus_client", "structlog", "uvloop"}

    assert set() == heavy & loaded_by("check")


@pytest.mark.server
def test_python_m_regcluster_is_the_command_line() -> None:
    """For those who have no script on their PATH."""
    run = subprocess.run(
        [sys.executable, "-m", "regcluster", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert f"regcluster {__version__}, {edition()}\n" == run.stdout


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("redis://h?foo=1", "foo is not one of"),
        ("rediss://h?ssl_ca_certs=/nowhere.pem", "/nowhere.pem"),
    ],
)
def test_check_reads_the_stores_url_as_a_node_would(url: str, wrong: str) -> None:
    """What serve would refuse, check refuses; it asks no server for that."""
    result = run("check", "--set", f"store.url={url}")

    assert 2 == result.exit_code
    assert "store.url: " in result.stderr
    assert wrong in result.stderr


@pytest.mark.parametrize(
    ("script", "callback", "wrong"),
    [
        ("async def route(call:\n", "", "route.py:1: "),
        ("x = 1\n", "", "has no entry point"),
        ("async def route(call): ...\n", "expired", "expired"),
        (None, "", "cannot be read"),
    ],
)
def test_check_loads_the_route_script_as_a_node_would(
    folder: Path, script: str | None, callback: str, wrong: str
) -> None:
    """What no worker would start with is no good setting."""
    if script is not None:
        (folder / "route.py").write_text(script)
    named = ("routing.script=route.py", f"registrar.event_callback={callback}")
    with own_log():
        result = run("check", *(word for setting in named for word in ("--set", setting)))

    assert 2 == result.exit_code
    assert "route.py" in result.stderr
    assert wrong in result.stderr


def test_check_reads_the_token_file_as_a_node_would(folder: Path) -> None:
    """Without telling what may be a token."""
    (folder / "tokens").write_text("secretsecretsecret\n")
    result = run("check", "--set", "http.token_file=tokens")

    wrong = "http.token_file: tokens:1: a line is a role, read or write, and a token"
    assert (2, f"regcluster: {wrong}\n") == (result.exit_code, result.stderr)


def test_check_finds_a_good_route_script_good(folder: Path) -> None:
    """It is loaded and not entered; what it says meanwhile does not get into the answer."""
    script = "from regcluster.route.kemi import KSR\nKSR.info('here')\n"
    (folder / "route.py").write_text(f"{script}def ksr_request_route(msg):\n    exit()\n")
    with own_log():
        result = run("check", "--json", "--set", "routing.script=route.py")

    assert (0, {"ok": True, "problems": []}) == (result.exit_code, json.loads(result.stdout))
    assert "here" in result.stderr
