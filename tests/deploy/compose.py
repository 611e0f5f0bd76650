"""``deploy/compose.yaml`` as Docker Compose reads it: names filled in, every key a known one."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

DEPLOY = Path(__file__).parents[2] / "deploy"

COMPOSE = Path(sys.executable).with_name("docker-compose")
"""Docker Compose itself, without an engine."""


def read(environ: Mapping[str, str]) -> dict[str, Any]:
    """What it makes of the file where ``environ`` is set."""
    told = subprocess.run(
        [COMPOSE, "--file", DEPLOY / "compose.yaml", "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environ},
    )
    assert (0, "") == (told.returncode, told.stderr)
    document: dict[str, Any] = json.loads(told.stdout)
    return document


@cache
def services() -> dict[str, dict[str, Any]]:
    """Every service, where nothing is set."""
    found: dict[str, dict[str, Any]] = read({})["services"]
    return found


def mounts(service: Mapping[str, Any]) -> dict[str, Path]:
    """The files and folders of the host that it sees, by where it sees them."""
    return {
        volume["target"]: Path(volume["source"])
        for volume in service.get("volumes", ())
        if volume["type"] == "bind"
    }
