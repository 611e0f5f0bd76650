"""How an error is told to people."""

import errno
import os
import socket

import pytest

from regcluster.errors import StoreUnavailable, told

REFUSED = "Connect call failed ('{}', 6379)"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), "No such file or directory"),
        (
            OSError(f"Multiple exceptions: [Errno 111] {REFUSED}, [Errno 111] {REFUSED}"),
            f"Multiple exceptions: {REFUSED}, {REFUSED}",
        ),
        (StoreUnavailable("closed by the store"), "closed by the store"),
        (TimeoutError(), ""),
    ],
)
def test_an_error_is_told_without_its_number(error: Exception, sentence: str) -> None:
    """Which says nothing that its words do not."""
    assert sentence == told(error)
