"""Path: what is taken, what is kept, where it leads (RFC 3327)."""

import pytest

from regcluster.config import RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.path import (
    MAX_PATH,
    first_uri,
    hops,
    local_stripped,
    read_path,
    received_of,
    refuse_path,
    uris,
)
from regcluster.registrar.plan import Refusal
from regcluster.sip.uri import SipUri
from tests.registrar.planning import register

ON = RegistrarSettings(use_path=1)


def path_of(*values: str, settings: RegistrarSettings = ON) -> str:
    return read_path(register(*[f"Path: {value}" for value in values]), settings)


def is_p1(uri: SipUri) -> bool:
    """Whether ``uri`` is p1 on its own port."""
    return (uri.host, uri.port) == ("p1", 5070)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([], ""),
        (["<sip:p1;lr>"], "<sip:p1;lr>"),
        (["<sip:p1;lr>", "<sip:p2;lr>"], "<sip:p1;lr>,<sip:p2;lr>"),
        (["<sip:p1;lr>,  <sip:p2>;x=y", "<sip:p3>"], "<sip:p1;lr>,  <sip:p2>;x=y,<sip:p3>"),
        (['"Edge, 1" <sips:P1:5061;LR=on>'], '"Edge, 1" <sips:P1:5061;LR=on>'),
    ],
)
def test_a_path_is_kept_in_order_and_as_written(values: list[str], path: str) -> None:
    """All rows make one vector, joined by a bare comma (pa-01)."""
    assert path == path_of(*values)


def test_without_use_path_there_is_none() -> None:
    """Neither kept nor checked."""
    assert "" == path_of("nonsense", settings=RegistrarSettings(use_path=0))


@pytest.mark.parametrize(
    "values",
    [
        [""],
        ["<sip:p1>"],
        ["<sip:p1>;lr"],
        ["sip:p1;lr"],
        ["<tel:+123;lr>"],
        ["<sip:p1;lr>, sip:p2;lr"],
        ["<sip:p1;lr>,"],
        ["<sip:p1;lr>", "<sip:p2:port>"],
        ["<sip:p1;lr"],
        ['"\\\0" <sip:p1;lr>'],
        [f"<sip:{'p' * (MAX_PATH - 8)};lr>"],
        [f'"{"é" * 249}" <sip:p1;lr>'],
    ],
)
def test_a_path_that_could_not_be_followed_is_refused(values: list[str]) -> None:
    """It becomes a Route: each value a name-addr, the first a loose router's, 510 octets in all."""
    with pytest.raises(MalformedHeader, match="400 Path parse error"):
        path_of(*values)


def test_the_longest_path_is_taken() -> None:
    """510 octets are not too many."""
    assert MAX_PATH == len(path_of(f"<sip:{'p' * (MAX_PATH - 9)};lr>"))


def test_a_vector_comes_apart_again() -> None:
    """Values as they were written, URIs as they are understood."""
    path = '"a, b" <sip:p1;lr>;x , <sip:p2>'
    first, second = uris(path)
    assert isinstance(first, SipUri)
    assert isinstance(second, SipUri)

    assert (['"a, b" <sip:p1;lr>;x', "<sip:p2>"], "sip:p1;lr", "p1", "p2") == (
        hops(path),
        first_uri(path),
        first.host,
        second.host,
    )


@pytest.mark.parametrize(
    ("value", "received"),
    [
        (
            "<sip:p1;lr;received=sip:7.7.7.7:5062%3Btransport%3Dtcp>",
            "sip:7.7.7.7:5062;transport=tcp",
        ),
        ("<sip:p1;lr;RECEIVED=sip:7.7.7.7>,<sip:p2;received=sip:8.8.8.8>", "sip:7.7.7.7"),
        ("<sip:p1;lr>,<sip:p2;received=sip:8.8.8.8>", ""),
        ("<sip:p1;lr>;received=sip:7.7.7.7", ""),
        ("<sip:p1;lr;received>", ""),
        ("<sip:p1;lr;received=7.7.7.7~5060~1>", ""),
        ("<sip:p1;lr;received=tel:+123>", ""),
        ("<sip:p1;lr;received=sip:7.7.7.7%0D%0AX:y>", ""),
        ("<tel:+1;received=sip:7.7.7.7>", ""),
    ],
)
def test_the_first_hop_knows_where_a_request_came_from(value: str, received: str) -> None:
    """Its received parameter, escapes undone, if it is a SIP URI; no other hop is asked."""
    assert received == received_of(value)


def test_a_path_unknown_to_the_phone_is_named() -> None:
    """420 with the tag it lacks and the Path it does not know of (RFC 3327 §5.3)."""
    assert Refusal(
        420,
        "Bad Extension",
        "No support for found Path indicated",
        [("Unsupported", "path"), ("Path", "<sip:p1;lr>")],
    ) == refuse_path("<sip:p1;lr>")


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("<sip:p2;lr>, <sip:p1:5070;lr>", ("sip:p2;lr", "<sip:p2;lr>, <sip:p1:5070;lr>")),
        ("<sip:p1:5070;lr>,<sip:p2;lr>", ("sip:p2;lr", "<sip:p2;lr>")),
        ('"x, y" <sip:p1:5070;lr>;a=b, "z" <sip:p2>,<sip:p3>', ("sip:p2", '"z" <sip:p2>,<sip:p3>')),
        ("<sip:p1:5070;lr>,<sip:x@p1:5070>,<sip:p1;lr>", ("sip:p1;lr", "<sip:p1;lr>")),
        ("<sip:p1:5070;lr>,<tel:+1>", ("tel:+1", "<tel:+1>")),
        ("<sip:p1:5070;lr>,<sip:p1:5070;lr>", ("", "")),
    ],
)
def test_hops_that_are_ours_are_passed_over(path: str, left: tuple[str, str]) -> None:
    """All that lead the vector, told by what the caller compares, port and all (S-31)."""
    assert left == local_stripped(path, is_p1)
