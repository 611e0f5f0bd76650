"""What Kamailio's parameters must satisfy beyond their types, alone and together.

Kamailio refuses some of these at start, switches others off without a word (a header that names a
socket without its flag), and lets the rest fail at the first request. Here each is one sentence,
before anything starts.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_network

from regcluster.config.address import is_address, is_host
from regcluster.config.settings import (
    LocationSettings,
    RegistrarSettings,
    RoutingSettings,
    Settings,
)
from regcluster.config.values import shown

Complaint = tuple[str, str]
"""The key at fault, and what is wrong with it."""

AVP = re.compile(r"\$avp\((?:(?:s:)?[A-Za-z_][A-Za-z0-9_]*|i:[0-9]+)\)")
TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
"""RFC 3261 §25.1, token."""

NAME = re.compile(r"[A-Za-z0-9_-]+")
TAKEN = frozenset({"q", "expires", "pub-gruu", "temp-gruu", "+sip.instance", "reg-id"})
"""Contact parameters that say something else in a 200; no phone reads one that has them twice."""

URI_TEXT = re.compile(r"[!#-;=?-~]+")
"""What a URI may hold and still stand between angle brackets: no blank, quote or bracket."""


def check_parameters(settings: Settings) -> Iterator[Complaint]:
    """Every way in which the parameters cannot be used."""
    yield from _spelling(settings.registrar, settings.location)
    yield from _sockets(settings.registrar)
    yield from _company(settings)
    yield from check_networks("registrar.trust_contact_from", settings.registrar.trust_contact_from)
    yield from _tables(settings.location.tables)
    yield from _service_route(settings.routing)


def _spelling(registrar: RegistrarSettings, location: LocationSettings) -> Iterator[Complaint]:
    """Names that end up in a message, or are looked for in a script."""
    if registrar.received_avp and not AVP.fullmatch(registrar.received_avp):
        yield (
            "registrar.received_avp",
            f"is {shown(registrar.received_avp)}, which names no AVP; write it as in $avp(rcv)",
        )
    for key, text in (
        ("registrar.received_param", registrar.received_param),
        ("registrar.sock_hdr_name", registrar.sock_hdr_name),
    ):
        if text and not TOKEN.fullmatch(text):
            yield key, f"must be a token of SIP, without blanks or separators, not {shown(text)}"
    if registrar.received_param.lower() in TAKEN:
        yield (
            "registrar.received_param",
            f"is {shown(registrar.received_param)}, which says something else in a Contact",
        )
    for key, text in (
        ("registrar.xavp_cfg", registrar.xavp_cfg),
        ("registrar.xavp_rcd", registrar.xavp_rcd),
        ("location.xavp_contact", location.xavp_contact),
    ):
        if text and not NAME.fullmatch(text):
            yield key, f"must be a bare name of letters, digits, _ and -, not {shown(text)}"
    if registrar.event_callback and not registrar.event_callback.isidentifier():
        yield (
            "registrar.event_callback",
            f"must be the name of a function, not {shown(registrar.event_callback)}",
        )


def _sockets(registrar: RegistrarSettings) -> Iterator[Complaint]:
    """``sock_flag`` and what it lets a REGISTER do: neither works alone."""
    if registrar.sock_hdr_name and registrar.sock_flag < 0:
        yield (
            "registrar.sock_hdr_name",
            f"is {shown(registrar.sock_hdr_name)}, but without registrar.sock_flag "
            "nobody may name a socket in it",
        )
    if registrar.sock_flag >= 0 and not registrar.sock_hdr_name and not registrar.xavp_cfg:
        yield (
            "registrar.sock_flag",
            f"is {registrar.sock_flag}, but neither registrar.sock_hdr_name nor registrar.xavp_cfg "
            "says where a socket is named",
        )


def _company(settings: Settings) -> Iterator[Complaint]:
    """What has an effect only beside something else."""
    registrar = settings.registrar
    if registrar.flow_timer and not registrar.outbound_mode:
        yield (
            "registrar.flow_timer",
            f"is {registrar.flow_timer}, which needs registrar.outbound_mode 1 or 2",
        )
    if registrar.event_callback and not settings.routing.script:
        yield (
            "registrar.event_callback",
            f"is {shown(registrar.event_callback)}, but there is no routing.script to find it in",
        )


def check_networks(key: str, networks: list[str]) -> Iterator[Complaint]:
    """What among ``networks``, the value of ``key``, is none."""
    for text in networks:
        try:
            ip_network(text)
        except ValueError:
            yield key, f'holds {shown(text)}, which is no network, such as "10.0.0.0/8"'


def _tables(tables: list[str]) -> Iterator[Complaint]:
    key = "location.tables"
    if not tables:
        yield key, 'is empty; give one, such as "location"'
    seen = set()
    for name in tables:
        if not NAME.fullmatch(name):
            yield key, f"holds {shown(name)}; a name has letters, digits, _ and - only"
        elif name in seen:
            yield key, f"names {name} twice"
        seen.add(name)


def _service_route(routing: RoutingSettings) -> Iterator[Complaint]:
    for text in routing.service_route:
        if wrong := _wrong_route(text):
            yield "routing.service_route", f"holds {shown(text)}, which {wrong}"


def _wrong_route(text: str) -> str:
    """What keeps a URI from being a Service-Route; empty when nothing does."""
    scheme, _, rest = text.partition(":")
    host, *parameters = rest.rpartition("@")[2].partition("?")[0].split(";")
    if scheme.lower() not in ("sip", "sips") or not URI_TEXT.fullmatch(text):
        return "is no SIP URI, written bare"
    if not is_host(host) and not is_address(host):
        return "is no SIP URI: its host is neither an IP address nor a host name"
    if "lr" not in (name.partition("=")[0].lower() for name in parameters):
        # Without it the phone's next proxy would take us for a strict router.
        return "lacks ;lr (RFC 3608)"
    return ""
