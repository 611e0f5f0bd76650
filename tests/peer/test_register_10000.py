"""Ten thousand phones by SIPp, over UDP and over TCP, found at once through another node."""

import json
from pathlib import Path

import pytest

from tests.peer.conftest import StartNode
from tests.peer.scenario import Sipp, Tally, User

pytestmark = [pytest.mark.peer, pytest.mark.timeout(240)]

PHONES = 10_000

TRANSPORTS = pytest.mark.parametrize("transport", ["u1", "t1"], ids=["udp", "tcp"])


def phones(count: int) -> list[User]:
    """Users with a contact each that no other has."""
    names = [f"user{number:05}" for number in range(count)]
    return [User(name, f"sip:{name}@127.0.0.1:{20_000 + i}") for i, name in enumerate(names)]


@TRANSPORTS
def test_ten_thousand_phones_register_and_are_found_through_another_node(
    start_node: StartNode, sipp: str, tmp_path: Path, transport: str
) -> None:
    """Not one registration fails, all are counted, and a second node knows each of them."""
    first, second = start_node(), start_node()
    users = phones(PHONES)

    registered = Sipp(sipp, first.port, transport).run("register", users, tmp_path)
    stats = json.loads(first.command("stats", "--json"))
    found = Sipp(sipp, second.port, transport).run("lookup", users, tmp_path)

    assert Tally(PHONES, 0, "") == registered
    assert PHONES == stats["bindings"]
    assert Tally(PHONES, 0, "") == found


def test_each_phone_may_bring_its_own_connection(
    start_node: StartNode, sipp: str, tmp_path: Path
) -> None:
    """A thousand TCP connections, one a phone, each served by the worker that accepted it."""
    node = start_node()
    users = phones(1000)

    tally = Sipp(sipp, node.port, "tn", rate=500).run("register", users, tmp_path)

    assert Tally(1000, 0, "") == tally


@TRANSPORTS
def test_a_balancer_that_asks_is_answered(
    start_node: StartNode, sipp: str, tmp_path: Path, transport: str
) -> None:
    """OPTIONS to the node itself is answered 200 over each transport."""
    node = start_node()
    users = phones(100)

    tally = Sipp(sipp, node.port, transport).run("options", users, tmp_path)

    assert Tally(100, 0, "") == tally


def test_a_lookup_of_the_wrong_contact_fails_the_call(
    start_node: StartNode, sipp: str, tmp_path: Path
) -> None:
    """The check can fail: SIPp compares the Contact that comes with the one it expects."""
    node = start_node()
    users = phones(10)
    strangers = [User(user.name, user.contact.replace("@127", "@128")) for user in users]

    Sipp(sipp, node.port, "u1").run("register", users, tmp_path)
    tally = Sipp(sipp, node.port, "u1").run("lookup", strangers, tmp_path)

    assert (0, 10) == (tally.succeeded, tally.failed)
