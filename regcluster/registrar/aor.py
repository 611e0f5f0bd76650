"""The canonical address-of-record: the key under which bindings are kept (RFC 3261 §10.3 step 5).

URI parameters, headers, port and password play no part. Escapes of characters that may stand
unescaped in a user part are decoded once; every other escape is kept, so that ``%40``, ``%00`` or
``%0D%0A`` can neither break a key nor move the boundary between user and host.
"""

from typing import Final

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.plan import Refusal
from regcluster.sip.uri import SipUri, Uri, canonical_host, canonical_user

MAX_PART: Final = 248
"""Longest user or host of an AOR, characters (Kamailio's limit)."""

BAD_AOR: Final = "Error while parsing AOR"
"""What Kamailio says of a To URI that can be nobody's AOR."""


def canonical_aor(
    uri: Uri, registrar: RegistrarSettings, location: LocationSettings
) -> str | Refusal:
    """The AOR that ``uri`` names, or why it names none.

    Shaped by ``realm_prefix`` and ``case_sensitive`` of ``registrar`` and by ``use_domain`` of
    ``location``. Without a user part the host alone is the AOR; an IPv6 address is written out.
    """
    if not isinstance(uri, SipUri):
        return _bad_aor(BAD_AOR)
    user, host = uri.user or "", uri.host
    # Not even as escapes alone, three characters each, could a longer one be short enough.
    if len(user) <= 3 * MAX_PART:
        user = canonical_user(user)
    if len(user) > MAX_PART or len(host) > MAX_PART:
        return Refusal(500, "Server Internal Error", "Address Of Record too long")
    if not registrar.case_sensitive:
        user = user.lower()
    if not location.use_domain:
        # Without a user every such REGISTER would share one empty AOR.
        return user or _bad_aor("No username in To URI")
    if host.startswith("["):
        host = canonical_host(host)
    elif registrar.realm_prefix:
        host = _strip_prefix(host, registrar.realm_prefix.lower())
    return f"{user}@{host}" if user else host


def _bad_aor(error: str) -> Refusal:
    return Refusal(400, error, error)


def _strip_prefix(host: str, prefix: str) -> str:
    if len(prefix) < len(host):
        return host.removeprefix(prefix)
    return host
