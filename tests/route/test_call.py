"""What a route script sees of a request, and how its wishes are recorded."""

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from regcluster.errors import MalformedHeader, ScriptError
from regcluster.registrar.branch import Branch
from regcluster.route.call import MAX_BRANCHES, Call, Forward
from regcluster.route.exchange import read_uri
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


async def test_a_call_goes_without_the_garbage_collector() -> None:
    """Nothing it has used refers back to it: what the collector has to find costs a lot more."""
    request = read(register())
    gc.disable()
    try:
        async with location_with() as location:
            # The first to need a script finds it missing. fakeredis keeps that exception for its
            # connection's life, and Python 3.12 with it the frames of all who wait.
            await call_of(read(register()), location).registrar.save()
            call = call_of(request, location)
            await call.registrar.save()
            del call
        left = [it for it in gc.get_objects() if isinstance(it, Call) and it.request is request]
    finally:
        gc.enable()

    assert [] == left


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


async def test_the_request_uri_is_branch_0() -> None:
    """Whoever changes it there has changed it; the other branches play no part."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.append_branch(Branch("sip:carol@192.0.2.2"))
        before = call.target
        call.branches[0].uri = CONTACT

    assert (AOR, CONTACT, parse_uri(CONTACT)) == (before, call.target, call.uri)


async def test_a_call_has_room_for_so_many_branches() -> None:
    """As many as Kamailio's by default; one too many is not appended."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        appended = [call.append_branch(Branch(f"sip:{n}@192.0.2.2")) for n in range(MAX_BRANCHES)]

    assert ([True] * (MAX_BRANCHES - 1) + [False], MAX_BRANCHES) == (appended, len(call.branches))


async def test_flags_of_the_message_are_set_and_taken_back() -> None:
    """They are bits of one number."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.setflag(0)
        call.setflag(5)
        call.resetflag(0)

    assert (32, True, False) == (call.flags, call.isflagset(5), call.isflagset(0))


async def test_flags_of_a_branch_are_set_and_taken_back() -> None:
    """Of branch 0 unless another is named."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        before = call.bflags
        call.append_branch(Branch(CONTACT))
        call.setbflag(2)
        call.setbflag(3)
        call.resetbflag(3)
        call.setbflag(4, 1)

    assert (0, 4, True, False, [4, 16], True) == (
        before,
        call.bflags,
        call.isbflagset(2),
        call.isbflagset(4),
        [branch.flags for branch in call.branches],
        call.isbflagset(4, 1),
    )


async def test_avps_and_xavps_last_as_long_as_the_call() -> None:
    """Made when they are first asked for, and the same ones from then on."""
    async with location_with() as location:
        call, other = (call_of(read(invite()), location) for _ in range(2))
        call.avp.add("a", 1)
        call.xavp.add_root("x", {"b": 2})

    assert (1, {"b": 2}, None, None) == (
        call.avp.first("a"),
        call.xavp.newest("x").newest(),
        other.avp.first("a"),
        other.xavp.root("x"),
    )


@pytest.mark.parametrize(
    ("touch", "has_values"),
    [
        (lambda call: call.target, False),
        (lambda call: call.bflags, False),
        (lambda call: call.avp, True),
        (lambda call: call.xavp, True),
        (lambda call: call.branches, True),
        (lambda call: call.setflag(1), True),
    ],
)
async def test_a_call_knows_whether_a_script_has_touched_its_values(
    touch: Callable[[Call], object], has_values: bool
) -> None:
    """A REGISTER that nobody touched goes the short way."""
    async with location_with() as location:
        call = call_of(read(register()), location)
        touch(call)

    assert has_values == call.has_values


async def test_headers_for_the_reply_go_with_every_reply_from_then_on() -> None:
    """With the script's own, with a refusal, with a redirect; what was recorded before stays."""
    row = ("X-Node", "edge-1")
    async with location_with() as location:
        call = call_of(read(invite(max_forwards=0)), location)
        call.reply(100)
        call.reply_headers.append(row)
        call.reply(180, headers=[("A", "b")])
        call.forward(CONTACT)
        call.branches[0].uri = CONTACT
        call.redirect()

    assert [
        Reply(100, "Trying", []),
        Reply(180, "Ringing", [("A", "b"), row]),
        Reply(483, "Too Many Hops", [row]),
        Reply(302, "Moved Temporarily", [("Contact", f"<{CONTACT}>"), row]),
    ] == call.effects


async def test_headers_of_a_reply_are_not_shared_with_the_next() -> None:
    """Each effect is what it was when it was recorded."""
    headers = [("A", "b")]
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.reply(180, headers=headers)
        headers.clear()

    assert [Reply(180, "Ringing", [("A", "b")])] == call.effects


async def test_headers_for_the_request_go_with_it_when_it_is_sent_on() -> None:
    """Those that are there by then."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.added_headers.append(("X-Node", "edge-1"))
        call.forward()
        call.added_headers.append(("X-Late", "yes"))

    assert [Forward(Branch(AOR), [("X-Node", "edge-1")])] == call.effects


async def test_a_branch_is_sent_to_as_it_was_then() -> None:
    """What a script does to it later is about something else."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.forward()
        call.branches[0].uri = CONTACT

    assert [Forward(Branch(AOR))] == call.effects


async def test_a_redirect_offers_all_branches() -> None:
    """In their order, with q where there is one."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.branches[0] = Branch(CONTACT, 700, next_hop="sip:p1", path="<sip:p1;lr>")
        call.append_branch(Branch("sip:carol@192.0.2.2"))
        is_redirected = call.redirect()

    contact = f"<{CONTACT}>;q=0.7, <sip:carol@192.0.2.2>"
    assert (True, [Reply(302, "Moved Temporarily", [("Contact", contact)])]) == (
        is_redirected,
        call.effects,
    )


async def test_a_redirect_offers_one_flow_of_a_device() -> None:
    """Nobody shall call one device twice (RFC 5626 §7, ob-20); those of lower q come later."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.branches[:] = [
            Branch("sip:a@192.0.2.1", q=500, instance="<urn:x>", reg_id=1),
            Branch("sip:b@192.0.2.2", q=500),
            Branch("sip:a@192.0.2.3", q=500, instance="<urn:x>", reg_id=2),
            Branch("sip:a@192.0.2.4", q=100, instance="<urn:x>", reg_id=3),
        ]
        call.redirect()

    [reply] = call.effects
    offered = "<sip:a@192.0.2.1>;q=0.5, <sip:b@192.0.2.2>;q=0.5, <sip:a@192.0.2.4>;q=0.1"

    assert Reply(302, "Moved Temporarily", [("Contact", offered)]) == reply


async def test_nobody_is_redirected_to_where_he_called() -> None:
    """RFC 3261 §8.3: then there is no effect either."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        is_redirected = call.redirect()

    assert (False, []) == (is_redirected, call.effects)


async def test_a_branch_without_a_uri_is_no_fault_of_the_callers() -> None:
    """The worker makes a 500 of it, not a 400."""
    async with location_with() as location:
        call = call_of(read(invite()), location)
        call.append_branch(Branch("nowhere"))
        with pytest.raises(ScriptError):
            call.redirect()


def test_uris_that_nobody_sends_twice_are_not_remembered() -> None:
    """What strangers make up takes no memory for long."""
    tracemalloc.start()
    try:
        for number in range(20):
            params = "".join(f";p{number}x{index}" for index in range(500))
            read_uri(f"sip:a@h{params}")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 100_000 > kept
