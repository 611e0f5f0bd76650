"""What a route script sees of a request, and how its wishes are recorded."""

import pytest

from regcluster.errors import MalformedHeader
from regcluster.registrar.branch import Branch
from regcluster.route.call import Forward
from regcluster.sip.reply import Reply
from regcluster.sip.uri import OtherUri, parse_uri
from tests.route.stage import call_of
from tests.test_location import location_with, read
from tests.wire import AOR, invite, register, request

pytestmark = pytest.mark.anyio

CONTACT = "sip:alice@192.0.2.1"


async def test_a_script_reads_method_and_request_uri() -> None:
    """Case of the method kept; the URI is read once."""
    async with location_with() as location:
        call = call_of(read(request("Foo")), location)

    assert ("Foo", parse_uri("sip:alice@example.test"), True) == (
        call.method,
        call.uri,
        call.uri is call.uri,
    )


async def test_a_script_reads_the_aor_of_a_register() -> None:
    """It is the To URI, whatever it may be."""
    async with location_with() as location:
        call = call_of(read(register(to='"+1" <tel:+1>;tag=x')), location)

    assert OtherUri("tel", "tel:+1") == call.to


async def test_a_request_uri_that_cannot_be_read_says_so() -> None:
    """The worker makes a 400 of it."""
    async with location_with() as location:
        call = call_of(read(request("INVITE", "sip:@example.test", to="<sip:a@b>")), location)
        with pytest.raises(MalformedHeader):
            _ = call.uri


async def test_a_reply_has_the_standard_phrase_unless_another_is_given() -> None:
    """Headers come along."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.reply(486)
        call.reply(480, "Gone Fishing", [("Retry-After", "7200")])

    assert [
        Reply(486, "Busy Here", []),
        Reply(480, "Gone Fishing", [("Retry-After", "7200")]),
    ] == call.effects


async def test_saving_records_the_reply_and_returns_it() -> None:
    """A script need not reply itself, but may look at what was said."""
    async with location_with() as location:
        call = call_of(read(register()), location)
        result = await call.registrar.save()

    assert ([result.reply], 200, True) == (call.effects, result.reply.status, result.is_replied)


async def test_a_lookup_is_for_the_user_in_the_request_uri() -> None:
    """To plays no part in routing (RFC 3261 §8.2.2.1)."""
    async with location_with(register(contact=f"<{CONTACT}>")) as location:
        calls = [
            call_of(read(invite(to="<sip:nobody@example.test>")), location),
            call_of(read(invite("sip:nobody@example.test", to=f"<{CONTACT}>")), location),
        ]
        found = [(await call.registrar.lookup(), call.target) for call in calls]

    assert [(1, CONTACT), (-1, "sip:nobody@example.test")] == found


async def test_a_request_is_sent_on_to_a_branch_or_to_a_uri() -> None:
    """One effect each, carried out by the worker."""
    bob, carol = Branch("sip:bob@192.0.2.3", path="<sip:192.0.2.4;lr>"), "sip:carol@192.0.2.2"
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.forward()
        call.forward(bob)
        call.forward(carol)

    assert [Forward(Branch(AOR)), Forward(bob), Forward(Branch(carol))] == call.effects


async def test_no_script_sends_on_what_has_gone_far_enough() -> None:
    """RFC 3261 §16.3: the refusal takes the place of the effect."""
    async with location_with() as location:
        call = call_of(read(invite(max_forwards=0)), location)
        call.forward(CONTACT)

    assert [Reply(483, "Too Many Hops", [])] == call.effects


async def test_no_script_sends_on_a_request_with_a_malformed_max_forwards() -> None:
    """The worker makes a 400 of it."""
    async with location_with() as location:
        call = call_of(read(invite(max_forwards=256)), location)
        with pytest.raises(MalformedHeader):
            call.forward(CONTACT)
