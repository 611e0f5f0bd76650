"""The built-in script and what contacts bring with them: methods they take, Path."""

import pytest

from regcluster.config import RegistrarSettings, RoutingSettings
from regcluster.location import Node
from regcluster.registrar.gruu import NONCE_OCTETS, TemporaryGruus, temporary_gruu
from regcluster.route.call import Forward
from regcluster.route.default import BuiltIn
from regcluster.sip.reply import Reply
from tests.registrar.test_binding import BINDING
from tests.route.stage import call_of
from tests.route.test_default import (
    ANY,
    ANY_FORWARD,
    CONTACT,
    FORWARD,
    NOT_FOUND,
    REDIRECT,
    UNAVAILABLE,
    effects,
    moved,
    sent_to,
)
from tests.test_location import location_with, read
from tests.wire import AOR, invite, register, request

pytestmark = pytest.mark.anyio

GRUUS = TemporaryGruus(lambda: b"secret", lambda: bytes(NONCE_OCTETS))
MINTED = temporary_gruu(GRUUS.mint("alice@example.test", BINDING), "example.test")

TAKES = "INVITE, ACK, BYE, CANCEL"


@pytest.mark.parametrize("settings", [REDIRECT, FORWARD, ANY, ANY_FORWARD])
async def test_a_phone_that_does_not_take_the_method_says_which_it_takes(
    settings: RoutingSettings,
) -> None:
    """RFC 3261 §21.4.6, with ``method_filtering``: what one phone of the user or another takes."""
    phones = [
        register(contact=f"<{CONTACT}>", allow=TAKES),
        register(contact="<sip:alice@192.0.2.2>", allow="INVITE, INFO", call_id="call-2"),
    ]
    wanted = Reply(405, "Method Not Allowed", [("Allow", "ACK, BYE, CANCEL, INFO, INVITE")])

    assert [wanted] == await effects(
        request("MESSAGE"), settings, *phones, registrar=RegistrarSettings(method_filtering=1)
    )


@pytest.mark.parametrize(
    ("data", "best"),
    [
        (request("MESSAGE"), "sip:alice@192.0.2.2"),
        (invite(), CONTACT),
        (request("CANCEL"), CONTACT),
        # In a dialog nothing keeps a request from its contact.
        (request("MESSAGE", to=f"<{AOR}>;tag=to-1"), CONTACT),
    ],
)
async def test_a_phone_that_does_not_take_the_method_is_passed_over(data: bytes, best: str) -> None:
    """With ``method_filtering`` the best contact is the best of those that do."""
    picky = register(contact=f"<{CONTACT}>;q=1", allow="INVITE, ACK, BYE")
    other = register(contact="<sip:alice@192.0.2.2>", call_id="call-2")
    settings = RegistrarSettings(method_filtering=1)

    assert [best] == await sent_to(data, FORWARD, picky, other, registrar=settings)


PATH = RegistrarSettings(use_path=1)


async def test_a_request_goes_along_the_path_of_its_contact() -> None:
    """RFC 3327 §5.3: the branch holds all that there is to know."""
    path = "<sip:p1.example.test;lr>,<sip:p2.example.test;lr>"
    bound = register(contact=f"<{CONTACT}>", path=path, supported="path")
    [effect] = await effects(invite(), FORWARD, bound, registrar=PATH)
    assert isinstance(effect, Forward)

    assert (CONTACT, path, "sip:p1.example.test;lr") == (
        effect.branch.uri,
        effect.branch.path,
        effect.branch.next_hop,
    )


async def test_a_redirect_keeps_the_path_to_itself() -> None:
    """The caller gets the contact alone."""
    bound = register(contact=f"<{CONTACT}>", path="<sip:p1;lr>", supported="path")

    assert [moved(f"<{CONTACT}>;expires=300")] == await effects(
        invite(), REDIRECT, bound, registrar=PATH
    )


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("<sip:p1;lr>", ["sip:alice@192.0.2.9;transport=ws"]),
        ("<sip:p1;lr;transport=tls>", [UNAVAILABLE]),
    ],
)
async def test_what_we_have_a_transport_for_is_the_first_hop(
    path: str, wanted: list[str | Reply]
) -> None:
    """Behind a proxy a phone may speak whatever the proxy does."""
    contact = "<sip:alice@192.0.2.9;transport=ws>"
    bound = register(contact=contact, path=path, supported="path")

    assert wanted == await sent_to(invite(), FORWARD, bound, registrar=PATH)


@pytest.mark.parametrize("settings", [REDIRECT, FORWARD])
@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        # Its binding is gone, and with it the GRUU for good.
        (MINTED, NOT_FOUND),
        ("sip:tgruu.forged@example.test;gr", NOT_FOUND),
        (f"{AOR};gr=urn:uuid:aa", UNAVAILABLE),
    ],
)
async def test_a_gruu_that_leads_nowhere_is_not_found_if_it_never_will_again(
    uri: str, wanted: Reply, settings: RoutingSettings
) -> None:
    """A public one waits for its device; a temporary one does not come back (gr-06, gr-08)."""
    async with location_with(node=Node(gruus=GRUUS)) as location:
        call = call_of(read(invite(uri)), location)
        await BuiltIn(settings).route(call)

    assert [wanted] == call.effects
