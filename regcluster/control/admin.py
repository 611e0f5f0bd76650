"""What operators say, read: an address-of-record, which ones to list, a binding made by hand.

It is the same whether they type it or ask the API: a ``ValueError`` is a sentence for both.

A binding made here goes through the same plan and the same script as a phone's. Its Call-ID is
new each time, so ordering by CSeq never stands in its way, nor in the way of the phone's own next
REGISTER. Lifetimes are the operator's to choose: ``min_expires`` and its kin do not apply.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

from regcluster import __version__
from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.aor import canonical_aor
from regcluster.registrar.binding import Binding, match_key
from regcluster.registrar.plan import DEFAULT_TABLE, Change, Refusal, SavePlan
from regcluster.registrar.save import bindings_allowed
from regcluster.sip.headers import Contact, parse_contacts, parse_q
from regcluster.sip.uri import SipUri, equivalent, parse_uri

if TYPE_CHECKING:
    from regcluster.store.api import Store

USER_AGENT = f"regcluster/{__version__}"

SCHEMES = ("sip:", "sips:", "tel:", "urn:")
"""What makes an argument a whole URI rather than the rest of a SIP URI."""

RUID_PREFIX = "ulcx"
"""Kamailio's mark of a binding that no phone made."""


def read_aor(text: str, registrar: RegistrarSettings, location: LocationSettings) -> str:
    """The canonical AOR of ``alice@example.com`` or ``sip:alice@example.com``.

    Without domains (``use_domain`` 0) the bare user is enough, with them it is refused. Raises
    ``ValueError`` with a sentence.
    """
    uri = text
    if not text.lower().startswith(SCHEMES):
        uri = f"sip:{text}"
        if not location.use_domain and "@" not in text:
            # Where AORs have no host, any host will do.
            uri += "@localhost"
        elif text.isalnum():
            # It would be the AOR of a host, and nobody types those.
            raise ValueError(f"{text} has no domain: write {text}@example.com, or sip:{text}")
    try:
        aor = canonical_aor(parse_uri(uri), registrar, location)
    except MalformedHeader as broken:
        raise ValueError(f"{text} is no address-of-record: {broken.reason}") from None
    if isinstance(aor, Refusal):
        raise ValueError(f"{text} is no address-of-record: {aor.error}")
    return aor


def read_q(text: str) -> int:
    """A preference in thousandths; raises ``ValueError`` with a sentence."""
    try:
        return parse_q(text)
    except MalformedHeader:
        raise ValueError(f"{text} is no preference: a number from 0 to 1, such as 0.5") from None


def read_contact(text: str, registrar: RegistrarSettings) -> Contact:
    """The Contact that binds the bare URI ``text``; raises ``ValueError`` with a sentence.

    It is read between angle brackets, as it will be written: whatever could close them early is
    refused.
    """
    try:
        contacts = parse_contacts([f"<{text}>"])
    except MalformedHeader as broken:
        raise ValueError(f"{text} is no contact URI: {broken.reason}") from None
    if len(contacts) != 1 or not isinstance(contacts[0], Contact) or contacts[0].uri != text:
        raise ValueError(f"{text} is no contact URI: write it bare, as in sip:alice@192.0.2.1")
    if len(text) > registrar.contact_max_size:
        limit = registrar.contact_max_size
        raise ValueError(f"the contact is longer than registrar.contact_max_size ({limit})")
    return contacts[0]


def means(contact: Contact, binding: Binding, location: LocationSettings) -> bool:
    """Whether ``binding`` is that of the URI of ``contact``, whatever else names it."""
    if contact.uri == binding.uri:
        return True
    if location.uri_equality == "bytes" or not isinstance(contact.parsed, SipUri):
        return False
    return equivalent(contact.parsed, parse_uri(binding.uri))


async def drop_contact(
    store: "Store", aor: str, contact: Contact, table: str, location: LocationSettings
) -> int:
    """Remove the bindings of ``aor`` that ``contact`` means; how many went."""
    record = await store.fetch(aor, table)
    meant = [binding for binding in record.bindings if means(contact, binding, location)]
    return sum([await store.drop(aor, binding.ruid, table) for binding in meant])


@dataclass(slots=True)
class Wish:
    """A binding as an operator asks for it."""

    aor: str
    contact: Contact
    expires: int
    """Seconds."""
    q: int
    """Thousandths; -1: unspecified."""
    table: str = DEFAULT_TABLE


def in_domain(domain: str, location: LocationSettings) -> Callable[[str], bool]:
    """Whether an AOR is of ``domain``, which can be an AOR itself.

    Raises ``ValueError`` where AORs have no domain.
    """
    if not location.use_domain:
        raise ValueError("location.use_domain is 0, so no AOR has a domain")
    host = domain.lower()
    suffix = f"@{host}"
    return lambda aor: aor.endswith(suffix) or aor == host


def selection(prefix: str, domain: str, location: LocationSettings) -> Callable[[str], bool]:
    """Whether an AOR is to be listed: it begins with ``prefix``, and is of ``domain`` if named.

    Raises ``ValueError`` for a domain where AORs have none.
    """
    if not domain:
        return lambda aor: aor.startswith(prefix)
    is_in = in_domain(domain, location)
    return lambda aor: is_in(aor) and aor.startswith(prefix)


def read_cursor(text: str) -> str:
    """The AOR that a list has ended with, from what ``write_cursor`` has made of it."""
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def write_cursor(aor: str) -> str:
    """``aor`` as one word of a shell, whatever octets it is made of."""
    return quote_from_bytes(aor.encode("utf-8", "surrogateescape"), safe="@:+")


def read_table(text: str | None, location: LocationSettings) -> str:
    """The location table of that name, or the first there is. ``ValueError``: there is none."""
    if text is None:
        return location.tables[0]
    if text not in location.tables:
        raise ValueError(
            f"there is no table {text}; location.tables has {', '.join(location.tables)}"
        )
    return text


def plan_add(wish: Wish, registrar: RegistrarSettings, location: LocationSettings) -> SavePlan:
    """The plan that makes or refreshes one binding; ``max_contacts`` and ``full_aor`` apply.

    It finds a binding by its URI alone, whatever ``matching_mode`` says: nobody types a Call-ID.
    """
    change = Change(
        key=match_key(wish.contact.uri, wish.contact.parsed, location),
        lifetime=wish.expires,
        uri=wish.contact.uri,
        q=wish.q,
        params="",
        ruid=f"{RUID_PREFIX}-{secrets.token_hex(8)}-1",
    )
    return SavePlan(
        aor=wish.aor,
        call_id=f"{secrets.token_hex(8)}@{USER_AGENT}",
        cseq=1,
        user_agent=USER_AGENT,
        wipe=False,
        changes=[change],
        max_contacts=bindings_allowed(registrar),
        cseq_delay=location.cseq_delay,
        table=wish.table,
        evicts=registrar.full_aor == "evict",
    )
