"""Kamailio's parameters that make no sense as they are written, or without one another."""

import pytest
from msgspec import structs

from regcluster.config import LocationSettings, RegistrarSettings, RoutingSettings, Settings
from regcluster.config.parameters import Complaint, check_parameters


def complaints(**sections: object) -> list[Complaint]:
    """What is said of settings that differ from the default in ``sections``."""
    return list(check_parameters(structs.replace(Settings(), **sections)))


def test_the_defaults_are_sound() -> None:
    """A node starts without a settings file."""
    assert [] == complaints()


@pytest.mark.parametrize(
    "registrar",
    [
        RegistrarSettings(received_avp="$avp(rcv)"),
        RegistrarSettings(received_avp="$avp(s:rcv)"),
        RegistrarSettings(received_avp="$avp(i:42)"),
        RegistrarSettings(received_param=""),
        RegistrarSettings(received_param="x-received"),
        RegistrarSettings(sock_flag=0, sock_hdr_name="X-Socket"),
        RegistrarSettings(sock_flag=4, xavp_cfg="cfg"),
        RegistrarSettings(outbound_mode=1, flow_timer=25),
        RegistrarSettings(xavp_rcd="ulrcd", xavp_cfg="reg-cfg"),
        RegistrarSettings(trust_contact_from=["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]),
    ],
)
def test_parameters_as_kamailio_takes_them_are_taken(registrar: RegistrarSettings) -> None:
    """Each spelling of an AVP, and each pair that belongs together."""
    assert [] == complaints(registrar=registrar)


@pytest.mark.parametrize("text", ["rcv", "$avp(rcv", "$avp()", "$avp(i:x)", "$xavp(a=>b)", "$ru"])
def test_received_avp_is_an_avp(text: str) -> None:
    """As in Kamailio, which does not start with anything else."""
    wrong = f'is "{text}", which names no AVP; write it as in $avp(rcv)'

    assert [("registrar.received_avp", wrong)] == complaints(
        registrar=RegistrarSettings(received_avp=text)
    )


@pytest.mark.parametrize(
    "text", ["q", "Expires", "pub-gruu", "temp-gruu", "+sip.instance", "reg-id"]
)
def test_received_is_not_shown_under_a_name_that_is_taken(text: str) -> None:
    """A Contact that has a parameter twice breaks the 200 for its phone."""
    wrong = f'is "{text}", which says something else in a Contact'

    assert [("registrar.received_param", wrong)] == complaints(
        registrar=RegistrarSettings(received_param=text)
    )


@pytest.mark.parametrize("text", ["a b", "a;b", "a\r\nX: y", 'a"', "é"])
def test_names_in_messages_are_tokens(text: str) -> None:
    """Anything else would break the 200 it is written into, or never be found."""
    registrar = RegistrarSettings(received_param=text, sock_hdr_name=text, sock_flag=1)
    found = complaints(registrar=registrar)

    assert ["registrar.received_param", "registrar.sock_hdr_name"] == [key for key, _ in found]
    assert all(wrong.startswith("must be a token of SIP") for _, wrong in found)
    assert all(wrong.isprintable() for _, wrong in found)


def test_names_of_xavps_are_bare() -> None:
    """People write $xavp(cfg) where Kamailio wants cfg."""
    registrar = RegistrarSettings(xavp_cfg="$xavp(cfg)", xavp_rcd="a=>b")
    found = complaints(registrar=registrar, location=LocationSettings(xavp_contact="a b"))

    rule = "must be a bare name of letters, digits, _ and -, not"
    assert [
        ("registrar.xavp_cfg", f'{rule} "$xavp(cfg)"'),
        ("registrar.xavp_rcd", f'{rule} "a=>b"'),
        ("location.xavp_contact", f'{rule} "a b"'),
    ] == found


def test_a_socket_header_without_its_flag_is_told() -> None:
    """Kamailio switches it off without a word."""
    assert [
        (
            "registrar.sock_hdr_name",
            'is "X-Sock", but without registrar.sock_flag nobody may name a socket in it',
        )
    ] == complaints(registrar=RegistrarSettings(sock_hdr_name="X-Sock"))


def test_a_socket_flag_without_a_place_for_the_socket_is_told() -> None:
    """Neither a header nor a script could name one."""
    assert [
        (
            "registrar.sock_flag",
            "is 3, but neither registrar.sock_hdr_name nor registrar.xavp_cfg "
            "says where a socket is named",
        )
    ] == complaints(registrar=RegistrarSettings(sock_flag=3))


def test_a_flow_timer_needs_outbound() -> None:
    """Nobody is told of it otherwise (RFC 5626 §6)."""
    assert [
        ("registrar.flow_timer", "is 25, which needs registrar.outbound_mode 1 or 2")
    ] == complaints(registrar=RegistrarSettings(flow_timer=25))


def test_a_callback_needs_a_script() -> None:
    """Whether the script has such a function is seen when it is loaded."""
    registrar = RegistrarSettings(event_callback="on_expired")

    assert [] == complaints(registrar=registrar, routing=RoutingSettings(script="route.py"))
    assert [
        (
            "registrar.event_callback",
            'is "on_expired", but there is no routing.script to find it in',
        )
    ] == complaints(registrar=registrar)


def test_a_callback_is_a_function() -> None:
    """Not an event route of Kamailio's."""
    registrar = RegistrarSettings(event_callback="usrloc:contact-expired")

    assert [
        (
            "registrar.event_callback",
            'must be the name of a function, not "usrloc:contact-expired"',
        )
    ] == complaints(registrar=registrar, routing=RoutingSettings(script="route.py"))


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "proxy.example.com", ""])
def test_who_is_trusted_are_networks(text: str) -> None:
    """A network with bits of a host in it is as often a typing error as not."""
    wrong = f'holds "{text}", which is no network, such as "10.0.0.0/8"'

    assert [("registrar.trust_contact_from", wrong)] == complaints(
        registrar=RegistrarSettings(trust_contact_from=["10.0.0.0/8", text])
    )


@pytest.mark.parametrize(
    ("tables", "wrong"),
    [
        ([], ['is empty; give one, such as "location"']),
        (["location", "aliases", "location"], ["names location twice"]),
        (
            ["a:b", ""],
            [
                'holds "a:b"; a name has letters, digits, _ and - only',
                'holds ""; a name has letters, digits, _ and - only',
            ],
        ),
    ],
)
def test_tables_are_names_each_once(tables: list[str], wrong: list[str]) -> None:
    """They become a part of every key in the store."""
    found = complaints(location=LocationSettings(tables=tables))

    assert [("location.tables", one) for one in wrong] == found


@pytest.mark.parametrize(
    "uri",
    [
        "sip:edge.example.com;lr",
        "sips:edge.example.com:5061;transport=tcp;LR",
        "sip:orig;x@[2001:db8::1]:5060;lr",
        "sip:192.0.2.1;lr=on",
    ],
)
def test_a_service_route_is_a_loose_routing_sip_uri(uri: str) -> None:
    """With or without user and port."""
    assert [] == complaints(routing=RoutingSettings(service_route=[uri]))


@pytest.mark.parametrize(
    ("uri", "wrong"),
    [
        ("edge.example.com", "is no SIP URI, written bare"),
        ("tel:+4912;lr", "is no SIP URI, written bare"),
        ("<sip:edge.example.com;lr>", "is no SIP URI, written bare"),
        ("sip:edge.example.com;lr>, <sip:x;lr", "is no SIP URI, written bare"),
        (
            "sip:alice@;lr",
            "is no SIP URI: its host is neither an IP address nor a host name",
        ),
        ("sip:e:0;lr", "is no SIP URI: its host is neither an IP address nor a host name"),
        ("sip:edge.example.com", "lacks ;lr (RFC 3608)"),
    ],
)
def test_what_is_no_service_route_is_told(uri: str, wrong: str) -> None:
    """It is written into a 200 as it stands, between angle brackets."""
    assert [("routing.service_route", f'holds "{uri}", which {wrong}')] == complaints(
        routing=RoutingSettings(service_route=[uri])
    )
