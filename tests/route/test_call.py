"""What a route script sees of a request, and how its wishes are recorded."""

import pytest

from regcluster.errors import MalformedHeader
from regcluster.route.call import Call, Forward
from regcluster.sip.headers import Via
from regcluster.sip.reply import Reply
from regcluster.sip.uri import OtherUri, SipUri, parse_uri
from tests.test_location import location_with, read
from tests.wire import invite, register, request

pytestmark = pytest.mark.anyio

CONTACT = "sip:alice@192.0.2.1"


class Node:
    """A node at 192.0.2.9."""

    def is_ours(self, uri: SipUri) -> bool:
        return uri.host == "192.0.2.9"

    def wrote(self, via: Via) -> bool:
        return via.host == "192.0.2.9"


async def test_a_script_reads_method_and_request_uri() -> None:
    """Case of the method kept; the URI is read once."""
    async with location_with() as location:
        call = Call(read(request("Foo")), location, Node())

    assert ("Foo", parse_uri("sip:alice@example.test"), True) == (
        call.method,
        call.uri,
        call.uri is call.uri,
    )


async def test_a_script_reads_the_aor_of_a_register() -> None:
    """It is the To URI, whatever it may be."""
    async with location_with() as location:
        call = Call(read(register(to='"+1" <tel:+1>;tag=x')), location, Node())

    assert OtherUri("tel", "tel:+1") == call.to


async def test_a_request_uri_that_cannot_be_read_says_so() -> None:
    """The worker makes a 400 of it."""
    async with location_with() as location:
        call = Call(read(request("INVITE", "sip:@example.test", to="<sip:a@b>")), location, Node())
        with pytest.raises(MalformedHeader):
            _ = call.uri


async def test_a_reply_has_the_standard_phrase_unless_another_is_given() -> None:
    """Headers come along."""
    async with location_with() as location:
        call = Call(read(invite()), location, Node())
        call.reply(486)
        call.reply(480, "Gone Fishing", [("Retry-After", "7200")])

    assert [
        Reply(486, "Busy Here", []),
        Reply(480, "Gone Fishing", [("Retry-After", "7200")]),
    ] == call.effects


async def test_saving_records_the_reply_and_returns_it() -> None:
    """A script need not reply itself, but may look at what was said."""
    async with location_with() as location:
        call = Call(read(register()), location, Node())
        reply = await call.registrar.save()

    assert ([reply], 200) == (call.effects, reply.status)


async def test_a_lookup_is_for_the_user_in_the_request_uri() -> None:
    """To plays no part in routing (RFC 3261 §8.2.2.1)."""
    async with location_with(register(contact=f"<{CONTACT}>")) as location:
        calls = [
            Call(read(invite(to="<sip:nobody@example.test>")), location, Node()),
            Call(read(invite("sip:nobody@example.test", to=f"<{CONTACT}>")), location, Node()),
        ]
        found = [[target.uri for target in await call.registrar.lookup()] for call in calls]

    assert [[CONTACT], []] == found


async def test_a_request_is_sent_on_to_a_target_or_to_a_uri() -> None:
    """One effect each, carried out by the worker."""
    async with location_with(register(contact=f"<{CONTACT}>")) as location:
        call = Call(read(invite()), location, Node())
        [target] = await call.registrar.lookup()
        call.forward(target)
        call.forward("sip:carol@192.0.2.2")

    assert [Forward(CONTACT), Forward("sip:carol@192.0.2.2")] == call.effects


async def test_no_script_sends_on_what_has_gone_far_enough() -> None:
    """RFC 3261 §16.3: the refusal takes the place of the effect."""
    async with location_with() as location:
        call = Call(read(invite(max_forwards=0)), location, Node())
        call.forward(CONTACT)

    assert [Reply(483, "Too Many Hops", [])] == call.effects


async def test_no_script_sends_on_a_request_with_a_malformed_max_forwards() -> None:
    """The worker makes a 400 of it."""
    async with location_with() as location:
        call = Call(read(invite(max_forwards=256)), location, Node())
        with pytest.raises(MalformedHeader):
            call.forward(CONTACT)
