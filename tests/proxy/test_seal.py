"""The proof that a request came from where its response is to go."""

import pytest

from regcluster.proxy.seal import is_sealed, seal
from regcluster.sip.hop import Hop

SECRET = b"a secret of all nodes"
HOP = Hop("UDP", "192.0.2.7", 5070)
SEALED = seal(SECRET, HOP, "1.ab.7")


def test_a_seal_is_a_token_and_the_same_for_ever() -> None:
    """Whichever node made it, before or after an upgrade, any other has to know it again."""
    assert "1405596cdb09f4085edd" == SEALED


def test_a_way_is_known_by_its_seal() -> None:
    """The same hop and the same connection."""
    assert is_sealed(SEALED, SECRET, Hop("UDP", "192.0.2.7", 5070), "1.ab.7")


@pytest.mark.parametrize(
    ("secret", "hop", "flow"),
    [
        (b"another secret", HOP, "1.ab.7"),
        (b"", HOP, "1.ab.7"),
        (SECRET, Hop("TCP", "192.0.2.7", 5070), "1.ab.7"),
        (SECRET, Hop("UDP", "127.0.0.1", 5070), "1.ab.7"),
        (SECRET, Hop("UDP", "192.0.2.7", 6379), "1.ab.7"),
        (SECRET, HOP, "1.ab.8"),
        (SECRET, HOP, ""),
    ],
)
def test_no_other_way_bears_it(secret: bytes, hop: Hop, flow: str) -> None:
    """Neither another address nor another connection, nor that of a cluster with its own secret."""
    assert not is_sealed(SEALED, secret, hop, flow)


@pytest.mark.parametrize(
    "shown", ["", SEALED[:-1], SEALED.upper(), SEALED + "0", "\udcff", "\u00e9"]
)
def test_what_is_no_seal_proves_nothing(shown: str) -> None:
    """Whatever a peer has put in its place, the comparison bears it."""
    assert not is_sealed(shown, SECRET, HOP, "1.ab.7")


def test_nothing_is_sealed_without_a_secret() -> None:
    """Not even what an empty one would make: everybody has that."""
    assert not is_sealed(seal(b"", HOP, ""), b"", HOP, "")
