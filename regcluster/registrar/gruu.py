"""GRUUs: URIs that lead to one device of a user, wherever it registers from (RFC 5627).

A public GRUU is the AOR with the instance-id in its ``gr`` parameter, so there is nothing to keep.
A temporary one is a sealed envelope: its user part holds AOR, ruid and Call-ID, encrypted under a
key that all nodes derive from the store's secret. Each is new and unlike any other, any node can
open it, and it ends with its binding or with that binding's Call-ID (§5.4), without a table of
those given out.
"""

from base64 import b32decode, b32encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from urllib.parse import quote as escape
from urllib.parse import unquote as unescape

import msgpack
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from regcluster.registrar.binding import Binding
from regcluster.sip.uri import SipUri, canonical_user

Mint = Callable[[str, Binding], str]
"""From an AOR and one of its bindings to the user part of a new temporary GRUU; empty: none can be
made yet."""

PREFIX: Final = "tgruu."
"""How the user part of every temporary GRUU begins."""

MAX_USER: Final = 1024
"""The longest user part worth opening: no AOR is so long that ours would be longer."""

NONCE_OCTETS: Final = 12

BLOCK_OCTETS: Final = 32
"""Envelopes grow in steps of this, so that their length says little about whose they are."""

_LENIENT: Final = "surrogateescape"

# gr = "gr" [ "=" pvalue ] (RFC 5627 §9): what a URI parameter may hold as it is, and only that.
_PLAIN_IN_PARAM: Final = "-_.!~*'()[]/:&+$"


@dataclass(slots=True, frozen=True)
class Opened:
    """What a temporary GRUU says: the one binding it leads to."""

    aor: str
    ruid: str
    call_id: bytes
    """Digest of the Call-ID that the binding had."""

    def names(self, binding: Binding) -> bool:
        """Whether ``binding`` is still the one."""
        return binding.ruid == self.ruid and _digest(binding.call_id) == self.call_id


class TemporaryGruus:
    """Makes temporary GRUUs and opens them."""

    def __init__(self, secret: Callable[[], bytes], nonce: Callable[[], bytes]) -> None:
        """``secret`` gives 1 to 64 octets, or none as long as they are not known.

        ``nonce`` gives 12 random octets, never the same ones twice.
        """
        self._secret = secret
        self._nonce = nonce
        self._known = b""
        self._cipher: ChaCha20Poly1305 | None = None

    def mint(self, aor: str, binding: Binding) -> str:
        """The user part of a new temporary GRUU; empty while there is no secret."""
        cipher = self._current()
        if cipher is None:
            return ""
        fields = (aor, binding.ruid, _digest(binding.call_id))
        packed: bytes = msgpack.packb(fields, unicode_errors="surrogateescape")
        nonce = self._nonce()
        envelope = nonce + cipher.encrypt(nonce, _padded(packed), None)
        return PREFIX + b32encode(envelope).decode("ascii").rstrip("=").lower()

    def open(self, user: str) -> Opened | None:
        """What a temporary GRUU with this user part says; None if it is none of this cluster's."""
        user = canonical_user(user).lower()
        cipher = self._current()
        if cipher is None or not user.startswith(PREFIX) or len(user) > MAX_USER:
            return None
        text = user.removeprefix(PREFIX).upper()
        try:
            envelope = b32decode(text + "=" * (-len(text) % 8))
            packed = cipher.decrypt(envelope[:NONCE_OCTETS], envelope[NONCE_OCTETS:], None)
        except (ValueError, InvalidTag):
            # Not in base 32, too short for a nonce, or not sealed with our key.
            return None
        fields = msgpack.unpackb(_unpadded(packed), unicode_errors="surrogateescape")
        return Opened(*fields)

    def _current(self) -> ChaCha20Poly1305 | None:
        secret = self._secret()
        if not secret:
            return None
        if secret != self._known:
            key = blake2b(key=secret, digest_size=32, person=b"rc-gruu").digest()
            self._known, self._cipher = secret, ChaCha20Poly1305(key)
        return self._cipher


def public_gruu(aor: str, host: str, instance: str, scheme: str = "sip") -> str:
    """The public GRUU of an instance: always the same one for both (RFC 5627 §3.1.1).

    The AOR has a host of its own if it has an ``@``; else it is a user of ``host``, or that host
    itself. It needs no escapes, for it still has all that its URI could not do without.
    """
    address = aor if "@" in aor or aor == host else f"{aor}@{host}"
    is_bracketed = instance.startswith("<") and instance.endswith(">")
    bare = instance[1:-1] if is_bracketed else instance
    return f"{scheme}:{address};gr={escape(bare, safe=_PLAIN_IN_PARAM, errors=_LENIENT)}"


def temporary_gruu(user: str, host: str, scheme: str = "sip") -> str:
    """The temporary GRUU with the user part that a ``Mint`` has made (RFC 5627 §3.1.2)."""
    return f"{scheme}:{user}@{host};gr"


def instance_named(uri: SipUri) -> str | None:
    """The instance-id in ``gr`` of a GRUU: empty if it is a temporary one, None if it is none."""
    if "gr" not in uri.params:
        return None
    return unescape(uri.params["gr"] or "", errors=_LENIENT)


def _digest(call_id: str) -> bytes:
    return blake2b(call_id.encode("utf-8", "surrogateescape"), digest_size=8).digest()


def _padded(text: bytes) -> bytes:
    return text + b"\x80" + bytes(-(len(text) + 1) % BLOCK_OCTETS)


def _unpadded(text: bytes) -> bytes:
    return text.rstrip(b"\0")[:-1]
