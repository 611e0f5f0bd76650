"""A binding, and what makes two contacts the same binding.

The match key is computed here, from the request alone, so that a save finds its binding in the
store by field name. It has the form ``<strict part>`` or ``<strict part> SP <other parameters>``:
the strict parts of two equal URIs are the same text, and the other parameters agree wherever both
URIs name one (RFC 3261 §19.1.4). That rule is not transitive, so the second half is compared, not
looked up, and only when the whole key is not found as it stands.

``matching_mode`` may put a digest of Call-ID or Path before that, or in its place (``key_scope``).

A contact with an instance-id has the key ``+<instance>;<reg-id>`` instead, which nothing but itself
equals (RFC 5626 §6). What its URI alone would have made of it is its *alias*: by that, contacts
with and without an instance find each other. No URI begins with ``#`` or ``+``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from regcluster.config import LocationSettings
from regcluster.sip.digest import digest
from regcluster.sip.uri import SipUri, Uri, comparison_parts

ANY_METHOD: Final = 2**32 - 1
"""The ``methods`` of a contact of which nobody has said what it takes."""

_BY_URI, _BY_PATH, _BY_CALL_ID_ALONE = 0, 2, 3
"""Values of ``matching_mode`` that need a name; the one left out is URI and Call-ID."""

Xavp = Mapping[str, "str | int"]
"""What a script keeps with a binding, by name (``xavp_contact``)."""


@dataclass(slots=True)
class Binding:
    """One AOR reached at one Contact URI until ``expires_at``.

    Instants are epoch milliseconds on the store's clock; ``q`` is in thousandths, -1 unspecified.
    """

    key: str
    uri: str
    q: int
    params: str
    """Contact parameters we do not interpret, as received, each with its leading ``;``."""
    call_id: str
    cseq: int
    user_agent: str
    ruid: str
    expires_at: int
    created_at: int
    modified_at: int
    socket: str = ""
    """``udp:192.0.2.1:5060``: where the REGISTER came in, and what is for the phone goes out."""
    methods: int = ANY_METHOD
    """Bit mask of the methods the contact takes (``methods.bit``)."""
    received: str = ""
    """URI of where the REGISTER really came from, if somebody had to say so."""
    path: str = ""
    """Path values joined by commas, as received (RFC 3327)."""
    cflags: int = 0
    """Branch flags of the REGISTER."""
    instance: str = ""
    """The instance-id with its angle brackets (RFC 5626 §4.1)."""
    reg_id: int = 0
    """Number of the flow, 0: none (RFC 5626 §4.2)."""
    connection: str = ""
    """``<node>/<flow token>`` of the stream connection the REGISTER came in on."""
    xavp: Xavp | None = None
    """What a script has kept with it."""


def preference(binding: Binding) -> tuple[int, int, int, str]:
    """Sort key of the record order: highest q first, equal q oldest first (RFC 3261 §16.6).

    A refresh keeps ``created_at``, so it never changes which contact is tried first. Contacts that
    one request added stand as it named them: their ruids count up, and a longer number is a higher.
    """
    return (-binding.q, binding.created_at, len(binding.ruid), binding.ruid)


def match_key(text: str, uri: Uri, settings: LocationSettings, scope: str = "") -> str:
    """The store's name for the binding of Contact URI ``uri``, received as ``text``.

    ``scope`` is ``key_scope`` of the request. With an instance this is the binding's alias.
    """
    if scope and settings.matching_mode == _BY_CALL_ID_ALONE:
        return scope
    if settings.uri_equality == "bytes" or not isinstance(uri, SipUri):
        key = text
    else:
        strict, others = comparison_parts(uri)
        key = f"{strict} {others}" if others else strict
    return f"{scope}:{key}" if scope else key


def key_scope(call_id: str, path: str, settings: LocationSettings) -> str:
    """What else than its URI makes a contact of this request the same one (``matching_mode``).

    Empty where the URI is all that counts.
    """
    mode = settings.matching_mode
    if mode == _BY_URI or (mode == _BY_PATH and not path):
        return ""
    return f"#{digest(path if mode == _BY_PATH else call_id)}"


def flow_key(instance: str, reg_id: int) -> str:
    """The key of a contact that has an instance."""
    return f"+{instance_id(instance)};{reg_id}"


def instance_id(instance: str) -> str:
    """An instance-id as it is compared: one pair of angle brackets off, a UUID in lower case.

    By the rules of URNs a UUID has no case, and other names do (RFC 5626 §4.1, RFC 9562 §4).
    """
    if instance.startswith("<") and instance.endswith(">"):
        instance = instance[1:-1]
    return instance.lower() if instance[:9].lower() == "urn:uuid:" else instance
