"""The seal in our branch: a response goes back only where this cluster was asked from.

A stateless proxy remembers nothing, so the way back stands in the Vias, and whoever sends a
response can write there what he likes. The seal is a keyed hash over that way, which only nodes
that share the secret can make. It covers what the Via below ours means and not how that is spelled,
for some phones spell it anew.
"""

from hashlib import blake2b
from hmac import compare_digest
from typing import Final

from regcluster.sip.hop import Hop

SEAL_OCTETS: Final = 10


def seal(secret: bytes, hop: Hop, flow: str) -> str:
    """The proof that a request came from ``hop`` by the connection ``flow``, as a token.

    ``secret`` has 1 to 64 octets.
    """
    way = "\n".join([hop.transport, hop.host, str(hop.port), flow])
    seed = way.encode("utf-8", "surrogateescape")
    return blake2b(seed, digest_size=SEAL_OCTETS, key=secret, person=b"rc-via").hexdigest()


def is_sealed(shown: str, secret: bytes, hop: Hop, flow: str) -> bool:
    """Whether ``shown`` is that proof. Without a secret nothing is: anybody could make one."""
    expected = seal(secret, hop, flow) if secret else ""
    # What is shown may hold any character, and only bytes of any kind can be compared.
    return expected != "" and compare_digest(
        shown.encode("utf-8", "surrogateescape"), expected.encode()
    )
