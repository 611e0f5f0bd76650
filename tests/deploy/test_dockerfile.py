"""The Dockerfiles: linted, what they copy is there, and what they start is our program."""

import json
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from click.testing import CliRunner

from regcluster.config.reader import load
from regcluster.control.cli import main
from tests.control.page import playing
from tests.deploy.dockerfile import BALANCER, NODE, ROOT, instructions, last

HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.mark.parametrize("file", [NODE, BALANCER])
def test_hadolint_has_nothing_to_say(file: Path) -> None:
    """Nor has ShellCheck, which it asks about the commands."""
    told = subprocess.run([HADOLINT, file], capture_output=True, text=True, check=False)

    assert (0, "") == (told.returncode, told.stdout)


def copied() -> list[str]:
    """What the image of a node takes from the checkout."""
    lines = [rest.split() for name, rest in instructions(NODE) if name == "COPY"]
    return [source for words in lines if "--from=build" not in words for source in words[:-1]]


def test_what_is_copied_is_there() -> None:
    """Sources, requirements, and the settings that are in the image."""
    assert [] == [source for source in copied() if not (ROOT / source).exists()]


def test_nothing_else_is_sent_to_the_builder() -> None:
    """A password in some file of the checkout cannot end up in a layer."""
    lines = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    allowed = {line[1:] for line in patterns if line.startswith("!")}

    assert "*" == patterns[0]
    assert set(copied()) == allowed
    assert not any(fnmatch(source, pattern) for source in copied() for pattern in patterns[-2:])


def test_everything_installed_is_pinned() -> None:
    """By its hash; what we have built ourselves is the exception."""
    commands = [rest for name, rest in instructions(NODE) if name == "RUN"]
    installs = [part for rest in commands for part in rest.split("&&") if " install " in part]
    by_pip = [part for part in installs if "pip" in part and "/wheel/" not in part]

    assert len(by_pip) == 2
    assert all("--require-hashes" in part for part in by_pip)


def test_it_runs_as_nobody_in_particular() -> None:
    """By number: Kubernetes cannot tell of a name whether it is root's."""
    assert "10001:10001" == last(NODE, "USER")


def test_it_serves_with_settings_that_are_good() -> None:
    """The verb there is, with a file whose HTTP port is the one that is exposed and asked."""
    words = [*json.loads(last(NODE, "ENTRYPOINT")), *json.loads(last(NODE, "CMD"))]
    settings = load(ROOT / "deploy" / "image.toml", {}, ()).settings

    assert "regcluster" == words[0]
    assert 0 == CliRunner().invoke(main, [*words[1:], "--help"]).exit_code
    assert "0.0.0.0:8080" == settings.http.listen
    assert "5060/udp 5060/tcp 8080/tcp" == last(NODE, "EXPOSE")


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_its_health_is_that_of_the_node(status: int, code: int) -> None:
    """The command that Docker runs says no where the node does."""
    check = json.loads(last(NODE, "HEALTHCHECK").partition("CMD ")[2])
    with playing((status, "{}")) as port:
        program = check[2].replace("8080", port.address.rpartition(":")[2])
        told = subprocess.run([sys.executable, "-c", program], check=False)
        asked = port.asked

    assert (["python", "-c"], code, "/health/live") == (check[:2], told.returncode, asked[0][1])
