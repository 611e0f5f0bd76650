"""What the values on a call mean: each AVP, XAVP field and flag ends in its option."""

from typing import Any

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import ScriptError
from regcluster.registrar.match import Match
from regcluster.registrar.options import PLAIN_LOOKUP, LookupOptions, SaveFlag, SaveOptions
from regcluster.route.call import Call
from regcluster.route.wishes import MAX_KEPT, lookup_options, match_wanted, save_options
from regcluster.sip.hop import Hop
from tests.route.stage import Peer, call_of
from tests.test_location import location_with, read
from tests.wire import invite, register, request

pytestmark = pytest.mark.anyio

SOCKET = "udp:192.0.2.9:5060"
CFG = RegistrarSettings(xavp_cfg="cfg")


async def call_and_options(
    registrar: RegistrarSettings = CFG,
    location: LocationSettings | None = None,
    peer: Peer | None = None,
    cfg: dict[str, Any] | None = None,
) -> SaveOptions:
    """The options of a REGISTER by ``peer`` whose script has set those fields."""
    async with location_with(registrar=registrar, location=location) as service:
        call = call_of(read(register()), service, peer)
        if cfg is not None:
            call.xavp.add_root("cfg", cfg)
        return save_options(call, service, "location", 0)


async def test_a_plain_register_has_options_that_are_made_once() -> None:
    """It knows its table and the socket it came in on; all phones at that socket share them."""
    first, second = await call_and_options(), await call_and_options()

    assert (SaveOptions(socket=SOCKET), True) == (first, first is second)


@pytest.mark.parametrize(
    ("local", "socket"),
    [
        (Hop("UDP", "192.0.2.9", 5060), "udp:192.0.2.9:5060"),
        (Hop("TCP", "2001:db8::9", 5070), "tcp:[2001:db8::9]:5070"),
    ],
)
async def test_a_socket_is_written_as_in_kamailio(local: Hop, socket: str) -> None:
    """Transport in lower case, IPv6 in brackets."""
    options = await call_and_options(peer=Peer(local=local))

    assert socket == options.socket


async def test_a_stream_connection_is_named_for_the_whole_cluster() -> None:
    """The node comes first (S-40)."""
    options = await call_and_options(peer=Peer("TCP", token="0.e.1"))

    assert "edge-1/0.e.1" == options.connection


async def test_who_sent_it_is_told_where_some_are_trusted() -> None:
    """``trust_contact_from`` has to compare."""
    settings = RegistrarSettings(trust_contact_from=["192.0.2.0/24"])
    options = await call_and_options(settings)

    assert SaveOptions(socket=SOCKET, source="192.0.2.50") == options


async def test_the_advertised_address_is_kept_if_so_configured() -> None:
    """``sock_mode`` 1, as text (S-30)."""
    options = await call_and_options(RegistrarSettings(sock_mode=1))

    assert "udp:edge.example.test:5060" == options.socket


async def test_flags_of_a_save_and_of_the_branch_are_handed_down() -> None:
    """Branch flags are kept with the contacts."""
    async with location_with() as location:
        call = call_of(read(register()), location)
        call.setbflag(3)
        options = save_options(call, location, "location", SaveFlag.REPL)

    assert (SaveFlag.REPL, 8) == (options.flags, options.cflags)


@pytest.mark.parametrize("name", ["$avp(rcv)", "$avp(s:rcv)", "rcv"])
async def test_received_comes_from_the_avp_that_the_settings_name(name: str) -> None:
    """However they spell it."""
    settings = RegistrarSettings(received_avp=name)
    async with location_with(registrar=settings) as location:
        call = call_of(read(register()), location)
        call.avp.add("$avp(rcv)", "sip:198.51.100.1:4242")
        options = save_options(call, location, "location", 0)

    assert "sip:198.51.100.1:4242" == options.received


async def test_an_avp_that_no_setting_names_means_nothing() -> None:
    """It is the script's own."""
    async with location_with() as location:
        call = call_of(read(register()), location)
        call.avp.add("$avp(rcv)", "sip:198.51.100.1:4242")
        options = save_options(call, location, "location", 0)

    assert "" == options.received


async def test_received_that_is_no_string_is_told_to_the_script() -> None:
    """It would be silently ignored otherwise."""
    async with location_with(registrar=RegistrarSettings(received_avp="$avp(rcv)")) as location:
        call = call_of(read(register()), location)
        call.avp.add("rcv", 5)
        with pytest.raises(ScriptError):
            save_options(call, location, "location", 0)


async def test_what_a_script_keeps_is_the_newest_of_each_child() -> None:
    """``xavp_contact``: one level, strings and integers."""
    async with location_with(location=LocationSettings(xavp_contact="kept")) as location:
        call = call_of(read(register()), location)
        root = call.xavp.add_root("kept", {"desk": 12})
        root.add("desk", 14)
        options = save_options(call, location, "location", 0)

    assert {"desk": 14} == options.xavp


async def test_a_script_keeps_no_more_than_is_read_at_once() -> None:
    """Every look-up of the user pays for it, and the text may be the phone's own."""
    agent = "x" * (MAX_KEPT - len("agent") - len("desk") - len("12"))
    fits: dict[str, str | int] = {"agent": agent, "desk": 12}
    async with location_with(location=LocationSettings(xavp_contact="kept")) as location:
        call = call_of(read(register()), location)
        root = call.xavp.add_root("kept", fits)
        options = save_options(call, location, "location", SaveFlag.NONE)
        root.set("desk", 123)
        with pytest.raises(ScriptError, match="4097 characters are too many to keep: 4096 at most"):
            save_options(call, location, "location", SaveFlag.NONE)

    assert fits == options.xavp


@pytest.mark.parametrize("name", ["", "another"])
async def test_where_a_script_keeps_nothing_what_is_stored_stays(name: str) -> None:
    """None is not the same as empty."""
    async with location_with(location=LocationSettings(xavp_contact=name)) as location:
        call = call_of(read(register()), location)
        call.xavp.add_root("kept", {"desk": 12})
        options = save_options(call, location, "location", 0)

    assert None is options.xavp


@pytest.mark.parametrize(
    ("field", "value", "option", "wanted"),
    [
        ("expires", 120, "expires", 120),
        ("expires", 0, "expires", 0),
        ("expires", -1, "expires", None),
        ("expires", 2**40, "expires", 2**32 - 1),
        ("q", 500, "q", 500),
        ("q", 5000, "q", 5000),
        ("max_contacts", 3, "max_contacts", 3),
        ("max_contacts", 0, "max_contacts", 0),
        ("tcpconn_id", "edge-2/1.e.7", "connection", "edge-2/1.e.7"),
        ("tcpconn_id", 42, "connection", "42"),
        ("tcpconn_id", 0, "connection", ""),
        ("tcpconn_id", -1, "connection", ""),
        ("unheard_of", "x", "expires", None),
    ],
)
async def test_a_field_of_the_configuration_becomes_an_option(
    field: str, value: Any, option: str, wanted: Any
) -> None:
    """``xavp_cfg``: what is out of range is left to whoever applies it, or ignored."""
    options = await call_and_options(cfg={field: value})

    assert wanted == getattr(options, option)


@pytest.mark.parametrize(
    ("field", "value"), [("expires", "120"), ("q", "0.5"), ("max_contacts", "3")]
)
async def test_a_field_of_the_wrong_type_is_told_to_the_script(field: str, value: Any) -> None:
    """S-58."""
    with pytest.raises(ScriptError, match=field):
        await call_and_options(cfg={field: value})


async def test_the_configuration_means_nothing_where_no_setting_names_it() -> None:
    """``xavp_cfg`` is off by default."""
    options = await call_and_options(RegistrarSettings(), cfg={"expires": "no number"})

    assert None is options.expires


async def test_a_tcp_connection_stays_its_own_where_none_is_named() -> None:
    """A ``tcpconn_id`` of 0 names none."""
    options = await call_and_options(peer=Peer("TCP", token="0.e.1"), cfg={"tcpconn_id": 0})

    assert "edge-1/0.e.1" == options.connection


BY_HEADER = RegistrarSettings(sock_flag=4, sock_hdr_name="X-Sock", xavp_cfg="cfg")
BY_XAVP = RegistrarSettings(sock_flag=4, xavp_cfg="cfg")


async def socket_of(settings: RegistrarSettings, header: str | None, field: str, flag: int) -> str:
    """The socket of a REGISTER that names one in a header, in the XAVP, or in both."""
    async with location_with(registrar=settings) as location:
        call = call_of(read(register(x_sock=header)), location)
        call.setflag(flag)
        if field:
            call.xavp.add_root("cfg", {"socket": field})
        return save_options(call, location, "location", 0).socket


@pytest.mark.parametrize(
    ("settings", "header", "field", "flag", "socket"),
    [
        (BY_HEADER, "tcp:192.0.2.9:5070", "", 4, "tcp:192.0.2.9:5070"),
        (BY_XAVP, None, "tcp:192.0.2.9:5070", 4, "tcp:192.0.2.9:5070"),
        # The flag has to be set, for the XAVP too (S-39).
        (BY_HEADER, "tcp:192.0.2.9:5070", "", 5, SOCKET),
        (BY_XAVP, None, "tcp:192.0.2.9:5070", 5, SOCKET),
        (RegistrarSettings(xavp_cfg="cfg"), None, "tcp:192.0.2.9:5070", 4, SOCKET),
        # Where a header is asked for, the XAVP is not.
        (BY_HEADER, None, "tcp:192.0.2.9:5070", 4, SOCKET),
        # Whoever could name any socket could have us send from anywhere.
        (BY_HEADER, "tcp:198.51.100.7:5070", "", 4, SOCKET),
        (BY_XAVP, None, "", 4, SOCKET),
    ],
)
async def test_a_register_may_name_its_socket_if_the_script_lets_it(
    settings: RegistrarSettings, header: str | None, field: str, flag: int, socket: str
) -> None:
    """``sock_flag`` and ``sock_hdr_name``; what is none of ours is ignored."""
    assert socket == await socket_of(settings, header, field, flag)


async def lookup_with(
    settings: RegistrarSettings,
    data: bytes,
    table: str = "location",
    cfg: dict[str, int] | None = None,
) -> LookupOptions:
    async with location_with() as location:
        call = call_of(read(data), location)
        if cfg:
            call.xavp.add_root("cfg", cfg)
        return lookup_options(call, settings, table)


async def test_a_plain_lookup_has_options_that_are_there_already() -> None:
    """Nothing is asked of the contacts."""
    assert PLAIN_LOOKUP is await lookup_with(RegistrarSettings(), invite())


async def test_a_lookup_knows_its_table() -> None:
    """Of a plain one that is all."""
    options = await lookup_with(RegistrarSettings(), invite(), "other")

    assert "other" == options.table


@pytest.mark.parametrize(
    ("data", "method", "in_dialog"),
    [
        (request("MESSAGE"), "MESSAGE", False),
        (request("MESSAGE", to="<sip:alice@example.test>;tag=1"), "MESSAGE", True),
        (request("CANCEL"), "INVITE", False),
        (request("ACK", to="<sip:alice@example.test>;tag=1"), "INVITE", True),
    ],
)
async def test_a_lookup_may_ask_for_the_method(data: bytes, method: str, in_dialog: bool) -> None:
    """``method_filtering``; ACK and CANCEL go where their INVITE went."""
    options = await lookup_with(RegistrarSettings(method_filtering=1), data)

    assert LookupOptions(method=method, in_dialog=in_dialog) == options


@pytest.mark.parametrize(
    ("settings", "cfg", "bflags"),
    [
        (RegistrarSettings(xavp_cfg="cfg", lookup_filter_mode=1), {"rlf_bflags": 8}, 8),
        (RegistrarSettings(xavp_cfg="cfg", lookup_filter_mode=3), {"rlf_bflags": 8}, 8),
        (RegistrarSettings(xavp_cfg="cfg", lookup_filter_mode=1), {"other": 8}, 0),
        (RegistrarSettings(xavp_cfg="cfg", lookup_filter_mode=1), {}, 0),
        (RegistrarSettings(xavp_cfg="cfg", lookup_filter_mode=2), {"rlf_bflags": 8}, 0),
        (RegistrarSettings(lookup_filter_mode=1), {"rlf_bflags": 8}, 0),
    ],
)
async def test_a_lookup_may_ask_for_branch_flags(
    settings: RegistrarSettings, cfg: dict[str, int], bflags: int
) -> None:
    """``lookup_filter_mode`` 1 and the ``rlf_bflags`` of ``xavp_cfg``."""
    options = await lookup_with(settings, invite(), cfg=cfg)

    assert bflags == options.bflags


ALL = {"match_callid": "c", "match_received": "r", "match_contact": "u"}


def wanted(call: Call, settings: RegistrarSettings, option: int) -> Match:
    call.xavp.add_root("cfg", ALL)
    return match_wanted(call, settings, option)


@pytest.mark.parametrize(
    ("settings", "option", "match"),
    [
        (CFG, 0, Match()),
        (CFG, 1, Match(call_id="c")),
        (CFG, 2, Match(received="r")),
        (CFG, 4, Match(contact="u")),
        (CFG, 7, Match("c", "r", "u")),
        (RegistrarSettings(), 7, Match()),
    ],
)
async def test_registered_may_ask_for_a_contact_of_a_kind(
    settings: RegistrarSettings, option: int, match: Match
) -> None:
    """Each bit restricts if there is something to compare with."""
    async with location_with() as location:
        call = call_of(read(invite()), location)

    assert match == wanted(call, settings, option)
