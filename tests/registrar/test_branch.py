"""From a binding to the branch that leads to it."""

from dataclasses import replace

import pytest

from regcluster.registrar.branch import Branch, branch_of
from regcluster.sip.uri import SipUri
from tests.registrar.test_binding import BINDING

NOW = 1_000
RECEIVED = "sip:198.51.100.1:9"
PATH = "<sip:p1.example.com;lr>,<sip:p2.example.com;lr>"


def is_ours(uri: SipUri) -> bool:
    return uri.host in ("p1.example.com", "p0.example.com")


def test_a_branch_has_all_that_is_known_of_the_way_there() -> None:
    """Whatever the binding holds of it, and what is left of its lifetime."""
    binding = replace(
        BINDING,
        uri="sip:a@192.0.2.1",
        q=500,
        user_agent="Phone/1",
        ruid="uloc-7",
        expires_at=NOW + 59_001,
        socket="udp:192.0.2.9:5060",
        received=RECEIVED,
        cflags=64,
        instance="<urn:uuid:aa>",
        reg_id=2,
        connection="node-1/token",
        xavp={"seat": 4},
    )

    assert Branch(
        uri="sip:a@192.0.2.1",
        q=500,
        next_hop=RECEIVED,
        socket="udp:192.0.2.9:5060",
        flags=64,
        instance="<urn:uuid:aa>",
        reg_id=2,
        ruid="uloc-7",
        user_agent="Phone/1",
        connection="node-1/token",
        expires_in=60,
        xavp={"seat": 4},
    ) == branch_of(binding, NOW)


@pytest.mark.parametrize(
    ("path", "received", "next_hop"),
    [
        ("", "", ""),
        ("", RECEIVED, RECEIVED),
        ("<sip:p1;lr>", "", "sip:p1;lr"),
        ("<sip:p1;lr>", RECEIVED, "sip:p1;lr"),
        ('"Edge, first" <sip:p1;lr>;x=y, <sip:p2;lr>', RECEIVED, "sip:p1;lr"),
    ],
)
def test_path_goes_before_received_before_the_contact(
    path: str, received: str, next_hop: str
) -> None:
    """The first URI of Path is the next hop, all of it the route as it came (RFC 3327 §5.3)."""
    branch = branch_of(replace(BINDING, path=path, received=received), NOW)

    assert (next_hop, path, BINDING.uri) == (branch.next_hop, branch.path, branch.uri)


@pytest.mark.parametrize(
    ("path", "received", "next_hop", "rest"),
    [
        (PATH, "", "sip:p2.example.com;lr", "<sip:p2.example.com;lr>"),
        (f"<sip:p0.example.com>,{PATH}", "", "sip:p2.example.com;lr", "<sip:p2.example.com;lr>"),
        ("<sip:p2.example.com;lr>", "", "sip:p2.example.com;lr", "<sip:p2.example.com;lr>"),
        ("<sip:p1.example.com;lr>", RECEIVED, RECEIVED, ""),
        ("<sip:p1.example.com;lr>", "", "", ""),
        ("", RECEIVED, RECEIVED, ""),
    ],
)
def test_hops_that_are_ours_are_passed_over(
    path: str, received: str, next_hop: str, rest: str
) -> None:
    """path_check_local: no request goes out to come back at once (S-31)."""
    branch = branch_of(replace(BINDING, path=path, received=received), NOW, is_ours)

    assert (next_hop, rest) == (branch.next_hop, branch.path)


def test_a_path_goes_through_us_if_nobody_asks() -> None:
    """Without path_check_local the first hop may be anybody."""
    branch = branch_of(replace(BINDING, path=PATH), NOW)

    assert ("sip:p1.example.com;lr", PATH) == (branch.next_hop, branch.path)
