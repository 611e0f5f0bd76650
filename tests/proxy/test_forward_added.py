"""What a forwarded request gets on its way: the values of a Path, the rows of a script."""

from typing import Any

import pytest

from tests.proxy.test_forward import CONTACT, PATH, lines, on_its_way, read, sent
from tests.wire import invite


def test_a_path_stands_where_proxies_look_for_it() -> None:
    """Below the Vias, all of them, and above what is for the endpoints (RFC 3261 §7.3.1)."""
    vias = ["SIP/2.0/UDP 127.0.0.1:5066;branch=z9hG4bK-1", "SIP/2.0/UDP 192.0.2.66"]
    forwarded = read(sent(invite(via=vias), outgoing=on_its_way(PATH)))

    assert ["via"] * 3 + ["route", "max-forwards"] == [name for name, _ in forwarded.headers[:5]]


@pytest.mark.parametrize(
    ("route", "routes"),
    [(None, [f"<{CONTACT}>"]), ("<sip:a;lr>", ["<sip:p2;lr>", "<sip:a;lr>", f"<{CONTACT}>"])],
)
def test_a_path_that_begins_with_a_strict_router_is_followed(route: Any, routes: list[str]) -> None:
    """RFC 3261 §16.6 step 6: a value without ``lr`` takes the place of the Request-URI."""
    path = "<sip:p1;x>, <sip:p2;lr>" if route else "<sip:p1;x>"
    forwarded = read(sent(invite(route=route), outgoing=on_its_way(path)))

    assert ("sip:p1;x", routes) == (forwarded.uri, forwarded.values("route"))


def test_rows_of_a_script_go_below_all_others() -> None:
    """As many as there are, in their order; the body is behind them."""
    added = [("X-Socket", "udp:192.0.2.9:5060"), ("X-Empty", ""), ("X-Name", "Жанна \udcff")]
    data = sent(invite(body=b"body"), outgoing=on_its_way(added=added))
    rows = [f"{name}: {value}" for name, value in added]

    assert ([row.encode("utf-8", "surrogateescape") for row in rows], b"body") == (
        lines(data)[-3:],
        read(data).body,
    )
