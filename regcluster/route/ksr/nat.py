"""``KSR.nathelper``: whether a phone is behind a NAT, and where it really is."""

from ipaddress import ip_address, ip_network

from regcluster.errors import ScriptError
from regcluster.route.call import Call
from regcluster.route.sync import current_call
from regcluster.sip.headers import parse_contacts
from regcluster.sip.hop import default_port
from regcluster.sip.uri import SipUri

_PRIVATE = [
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
    )
]

_CONTACT, _VIA_ADDRESS, _VIA, _VIA_PORT, _SOURCE, _CONTACT_PORT = 1, 2, 4, 16, 32, 128
"""The tests of ``nat_uac_test`` that are here: the others look at bodies and WebSockets."""

_ALL_TESTS = _CONTACT | _VIA_ADDRESS | _VIA | _VIA_PORT | _SOURCE | _CONTACT_PORT


def fix_nated_register() -> int:
    """Put where the request came from into ``received_avp``; nothing without that setting."""
    current_call().registrar.fix_nated_register()
    return 1


def is_rfc1918(address: str) -> int:
    """Whether that is a private IPv4 address."""
    return 1 if _is_private(address) else -1


def nat_uac_test(flags: int) -> int:
    """Whether one of the tests that ``flags`` add up finds a NAT."""
    if flags & ~_ALL_TESTS:
        raise ScriptError(f"nat_uac_test has the tests {_ALL_TESTS:#x} here, not {flags:#x}")
    call = current_call()
    return 1 if any(flags & test and finds(call) for test, finds in _TESTS.items()) else -1


def _is_private(host: str) -> bool:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE)


def _contact(call: Call) -> SipUri | None:
    """The first Contact, if it is a SIP one."""
    contacts = parse_contacts(call.request.all("contact"))
    first = contacts[0].parsed if contacts and contacts != "*" else None
    return first if isinstance(first, SipUri) else None


def _has_private_contact(call: Call) -> bool:
    contact = _contact(call)
    return contact is not None and _is_private(contact.host)


def _has_other_contact_port(call: Call) -> bool:
    contact = _contact(call)
    if contact is None:
        return False
    return (contact.port or default_port(call.source.transport)) != call.source.peer.port


def _has_other_via(call: Call) -> bool:
    return call.request.via.host.strip("[]") != call.source.peer.host


def _has_other_via_port(call: Call) -> bool:
    via = call.request.via
    return (via.port or default_port(via.transport)) != call.source.peer.port


_TESTS = {
    _CONTACT: _has_private_contact,
    _VIA_ADDRESS: _has_other_via,
    _VIA: lambda call: _is_private(call.request.via.host),
    _VIA_PORT: _has_other_via_port,
    _SOURCE: lambda call: _is_private(call.source.peer.host),
    _CONTACT_PORT: _has_other_contact_port,
}

FUNCTIONS: dict[str, object] = {
    "fix_nated_register": fix_nated_register,
    "is_rfc1918": is_rfc1918,
    "nat_uac_test": nat_uac_test,
}
