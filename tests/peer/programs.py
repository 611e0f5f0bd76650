"""Where the peers' programs are."""

import shutil

import pytest


def program(name: str) -> str:
    """The path of one; skips the test if it is not there."""
    file = shutil.which(name)
    if file is None:
        pytest.skip(f"{name} is not installed: make peers")
    return file
