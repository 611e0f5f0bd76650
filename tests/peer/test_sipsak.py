"""sipsak, as the README shows it: a phone registers, the node answers a ping."""

import subprocess

import pytest

from tests.peer.conftest import StartNode

pytestmark = pytest.mark.peer


def call(program: str, *words: str) -> tuple[int, str]:
    """Exit status and output of sipsak."""
    run = subprocess.run([program, *words], capture_output=True, text=True, timeout=20, check=False)
    return run.returncode, run.stdout


def test_sipsak_registers_a_user(start_node: StartNode, sipsak: str) -> None:
    """sipsak's own user location test passes, and its contact is in the store afterwards."""
    node = start_node()

    status, output = call(
        sipsak,
        *("-U", "-v", "-x", "300", "-C", "sip:alice@127.0.0.1:5070"),
        *("-s", f"sip:alice@127.0.0.1:{node.port}"),
    )

    assert 0 == status
    assert "All usrloc tests completed successful." in output
    assert "sip:alice@127.0.0.1:5070" in node.command("aor", "show", "alice@127.0.0.1")


def test_sipsak_pings_the_node(start_node: StartNode, sipsak: str) -> None:
    """An OPTIONS ping of the node is answered 200."""
    node = start_node()

    status, output = call(sipsak, "-v", "-s", f"sip:127.0.0.1:{node.port}")

    assert 0 == status
    assert "SIP/2.0 200 OK" in output
