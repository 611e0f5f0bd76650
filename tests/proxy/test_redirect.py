"""The 302 that tells a caller where to go."""

from dataclasses import replace

import pytest

from regcluster.proxy.redirect import redirect
from regcluster.registrar.select import Target
from regcluster.sip.reply import Reply
from regcluster.sip.uri import parse_uri
from tests.registrar.test_binding import BINDING

AOR = parse_uri("sip:alice@example.test")


def target(uri: str, q: int = -1, expires_in: int = 60) -> Target:
    return Target(uri, q, expires_in, replace(BINDING, uri=uri, q=q))


@pytest.mark.parametrize(
    ("targets", "contact"),
    [
        ([target("sip:a@192.0.2.1")], "<sip:a@192.0.2.1>;expires=60"),
        ([target("sip:a@192.0.2.1", 0, 1)], "<sip:a@192.0.2.1>;q=0;expires=1"),
        (
            [target("sip:a@192.0.2.1", 1000), target("sip:b@192.0.2.1", 380, 40)],
            "<sip:a@192.0.2.1>;q=1;expires=60, <sip:b@192.0.2.1>;q=0.38;expires=40",
        ),
        # A caller may well use what we cannot forward to.
        ([target("mailto:alice@example.test")], "<mailto:alice@example.test>;expires=60"),
        ([target("sip:a@x.invalid;transport=ws")], "<sip:a@x.invalid;transport=ws>;expires=60"),
        # RFC 3261 §19.1.1 table 1: both may stand in the Contact of a redirect.
        ([target("sip:a@h;method=INVITE?x=y")], "<sip:a@h;method=INVITE?x=y>;expires=60"),
    ],
)
def test_every_contact_is_offered_best_first(targets: list[Target], contact: str) -> None:
    """RFC 3261 §8.3: in the order given, with q and the seconds left."""
    assert Reply(302, "Moved Temporarily", [("Contact", contact)]) == redirect(targets, AOR)


def test_the_request_uri_itself_is_not_offered() -> None:
    """RFC 3261 §8.3: in any spelling; the caller would come back with it."""
    targets = [target("sip:%61lice@EXAMPLE.test;x=1"), target("sip:a@192.0.2.1")]

    assert redirect(targets[1:], AOR) == redirect(targets, AOR)


@pytest.mark.parametrize("targets", [[], [target("sip:alice@example.test")]])
def test_with_nothing_to_offer_there_is_no_redirect(targets: list[Target]) -> None:
    """The caller of this function has to find another answer."""
    assert None is redirect(targets, AOR)
