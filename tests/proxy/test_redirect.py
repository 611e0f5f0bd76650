"""The 302 that tells a caller where to go."""

import pytest

from regcluster.proxy.redirect import redirect
from regcluster.registrar.branch import Branch
from regcluster.sip.reply import Reply
from regcluster.sip.uri import parse_uri

AOR = parse_uri("sip:alice@example.test")


def branch(uri: str, q: int = -1, expires_in: int | None = 60) -> Branch:
    return Branch(uri, q, expires_in=expires_in)


@pytest.mark.parametrize(
    ("branches", "contact"),
    [
        ([branch("sip:a@192.0.2.1")], "<sip:a@192.0.2.1>;expires=60"),
        ([branch("sip:a@192.0.2.1", 0, 1)], "<sip:a@192.0.2.1>;q=0;expires=1"),
        (
            [branch("sip:a@192.0.2.1", 1000), branch("sip:b@192.0.2.1", 380, 40)],
            "<sip:a@192.0.2.1>;q=1;expires=60, <sip:b@192.0.2.1>;q=0.38;expires=40",
        ),
        # A script's own, which nobody has registered.
        ([branch("sip:a@192.0.2.1", 500, None)], "<sip:a@192.0.2.1>;q=0.5"),
        # One that is over, which says nothing: then it is good for one try (§21.3.3).
        ([branch("sip:a@192.0.2.1", 500, -4)], "<sip:a@192.0.2.1>;q=0.5"),
        # A caller may well use what we cannot forward to.
        ([branch("mailto:alice@example.test")], "<mailto:alice@example.test>;expires=60"),
        ([branch("sip:a@x.invalid;transport=ws")], "<sip:a@x.invalid;transport=ws>;expires=60"),
        # RFC 3261 §19.1.1 table 1: both may stand in the Contact of a redirect.
        ([branch("sip:a@h;method=INVITE?x=y")], "<sip:a@h;method=INVITE?x=y>;expires=60"),
    ],
)
def test_every_contact_is_offered_best_first(branches: list[Branch], contact: str) -> None:
    """RFC 3261 §8.3: in the order given, with q and the seconds left."""
    assert Reply(302, "Moved Temporarily", [("Contact", contact)]) == redirect(branches, AOR)


def test_the_way_from_here_is_not_told() -> None:
    """RFC 3327 §5.3: Path is for requests of ours; a NAT lets in nobody else than us."""
    known = Branch("sip:a@10.0.0.1", 500, "sip:p1", "<sip:p1;lr>", "udp:h:5060", expires_in=9)

    assert redirect([branch("sip:a@10.0.0.1", 500, 9)], AOR) == redirect([known], AOR)


def test_the_request_uri_itself_is_not_offered() -> None:
    """RFC 3261 §8.3: in any spelling; the caller would come back with it."""
    branches = [branch("sip:%61lice@EXAMPLE.test;x=1"), branch("sip:a@192.0.2.1")]

    assert redirect(branches[1:], AOR) == redirect(branches, AOR)


@pytest.mark.parametrize("branches", [[], [branch("sip:alice@example.test")]])
def test_with_nothing_to_offer_there_is_no_redirect(branches: list[Branch]) -> None:
    """The caller of this function has to find another answer."""
    assert None is redirect(branches, AOR)
