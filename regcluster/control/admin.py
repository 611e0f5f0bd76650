"""What an operator types, read: an address-of-record, and a binding made by hand.

A binding made here goes through the same plan and the same script as a phone's. Its Call-ID is
new each time, so ordering by CSeq never stands in its way, nor in the way of the phone's own next
REGISTER. Lifetimes are the operator's to choose: ``min_expires`` and its kin do not apply.
"""

import secrets

from regcluster import __version__
from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.aor import canonical_aor
from regcluster.registrar.binding import match_key
from regcluster.registrar.plan import Change, Refusal, SavePlan
from regcluster.sip.headers import parse_q
from regcluster.sip.uri import parse_uri

USER_AGENT = f"regcluster/{__version__}"

RUID_PREFIX = "ulcx"
"""Kamailio's mark of a binding that no phone made."""


def read_aor(text: str, registrar: RegistrarSettings, location: LocationSettings) -> str:
    """The canonical AOR of ``alice@example.com`` or ``sip:alice@example.com``.

    Without domains (``use_domain`` 0) the bare user is enough. Raises ``ValueError`` with a
    sentence.
    """
    uri = text
    if not text.lower().startswith(("sip:", "sips:")):
        # Where AORs have no host, any host will do.
        bare = not location.use_domain and "@" not in text
        uri = f"sip:{text}@localhost" if bare else f"sip:{text}"
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


def plan_add(aor: str, change: Change, registrar: RegistrarSettings) -> SavePlan:
    """The plan that binds one contact to ``aor``."""
    return SavePlan(
        aor=aor,
        call_id=f"{secrets.token_hex(8)}@{USER_AGENT}",
        cseq=1,
        user_agent=USER_AGENT,
        wipe=False,
        changes=[change],
        max_contacts=registrar.max_contacts,
        cseq_delay=0,
    )


def read_change(
    contact: str, expires: int, q: int, registrar: RegistrarSettings, location: LocationSettings
) -> Change:
    """Contact URI ``contact`` bound for ``expires`` seconds; ``ValueError`` with a sentence."""
    try:
        key = match_key(contact, parse_uri(contact), location)
    except MalformedHeader as broken:
        raise ValueError(f"{contact} is no contact URI: {broken.reason}") from None
    if len(contact) > registrar.contact_max_size:
        limit = registrar.contact_max_size
        raise ValueError(f"the contact is longer than registrar.contact_max_size ({limit})")
    ruid = f"{RUID_PREFIX}-{secrets.token_hex(8)}-1"
    return Change(key=key, lifetime=expires, uri=contact, q=q, params="", ruid=ruid)
