"""Texts by a short name."""

import pytest

from regcluster.sip.digest import digest


def test_a_digest_is_what_it_ever_was() -> None:
    """Nodes of two versions have to agree on whose CSeq it is, and on keys."""
    assert "43f000a36f6d744e" == digest("c1")


@pytest.mark.parametrize("call_id", ["C1", "c1 ", "c2", "", "caf\udce9"])
def test_unlike_call_ids_have_unlike_digests(call_id: str) -> None:
    """Compared octet by octet (RFC 3261 §20.8), and always of one width."""
    assert (True, 16) == (digest(call_id) != digest("c1"), len(digest(call_id)))
