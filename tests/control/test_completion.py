"""What a shell completes: in bash itself, and in the words click makes for the others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regcluster.control.completion import SHELLS, VARIABLE
from tests.control.command import run

pytestmark = pytest.mark.server

PROGRAM = Path(sys.executable).with_name("regcluster")


def in_bash(*words: str) -> list[str]:
    """What bash offers for the last of ``words``, once it has read what we write for it."""
    script = (
        'eval "$0" && COMP_WORDS=("$@") && COMP_CWORD=$(($# - 1)) && '
        '_regcluster_completion regcluster && printf "%s\\n" "${COMPREPLY[@]}"'
    )
    found = subprocess.run(
        ["bash", "--norc", "-c", script, run("completion", "bash").stdout, "regcluster", *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"},
    )
    return found.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["se"], ["serve", "set"]),
        (["drain", "--w"], ["--wait"]),
        (["set", "registrar.max_c"], ["registrar.max_contacts"]),
        (["set", "store."], []),
    ],
)
def test_bash_completes_verbs_options_and_settings(words: list[str], expected: list[str]) -> None:
    """Of settings those that a running node can be told."""
    assert expected == in_bash(*words)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_ask_the_same_way(shell: str) -> None:
    """They are not installed everywhere; what they run is ours."""
    words = {"COMP_WORDS": "regcluster se", "COMP_CWORD": "1"}
    if shell == "fish":
        words["COMP_CWORD"] = "se"
    found = subprocess.run(
        [PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, VARIABLE: f"{shell}_complete", **words},
    )

    assert "serve" in found.stdout
    assert "watch" not in found.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_written_calls_this_program(shell: str) -> None:
    """By the variable that has it complete instead of run."""
    result = run("completion", shell)

    assert (0, "") == (result.exit_code, result.stderr)
    assert f"{VARIABLE}={shell}_complete" in result.stdout


def test_an_unknown_shell_is_wrong_usage() -> None:
    """With those there are."""
    result = run("completion", "tcsh")

    assert 2 == result.exit_code
    assert "'bash', 'zsh', 'fish'" in result.stderr
