"""Answers and relaying, as far as a registrar without transactions has them."""

from collections.abc import Callable

import pytest

from regcluster.registrar.branch import Branch
from regcluster.route.call import Call
from regcluster.route.kemi import KSR, run_kemi
from regcluster.sip.reply import Reply
from regcluster.testing import Phone, ScriptBench
from tests.route.ksr.script import ALICE, BOB, kemi, status_of, told

pytestmark = pytest.mark.anyio

PHONE = Phone(BOB, "192.0.2.20")


@pytest.mark.parametrize(
    "reply", [KSR.sl.sl_send_reply, KSR.sl.send_reply, KSR.tm.t_reply], ids=lambda f: f.__name__
)
async def test_a_reply_has_status_and_phrase(reply: Callable[[int, str], int]) -> None:
    """By whichever of its names."""
    async with kemi(lambda: reply(404, "Not Here")) as bench:
        await bench.send(PHONE.invite(ALICE))

        assert [Reply(404, "Not Here", [])] == bench.effects


async def test_a_redirection_names_the_branches() -> None:
    """Those that were looked up; without any it is a bare reply."""

    def script() -> None:
        if KSR.is_REGISTER():
            KSR.registrar.save("location", 0)
        else:
            KSR.registrar.lookup("location")
            KSR.sl.sl_send_reply(302, "Moved")

    phone = Phone(ALICE)
    async with kemi(script) as bench:
        await bench.send(phone.register())
        moved = await bench.send(PHONE.invite(ALICE))
        bare = await bench.send(PHONE.invite(BOB))
    assert moved is not None
    assert bare is not None

    assert (f"<{phone.uri}>;expires=3600", None) == (moved.first("contact"), bare.first("contact"))


async def test_an_error_reply_is_sent_once() -> None:
    """S-50: the registrar has answered already; nobody gets two final replies."""

    def script() -> None:
        if KSR.registrar.save("location", 0) < 0:
            KSR.sl.sl_reply_error()

    async with kemi(script) as bench:
        await bench.send(Phone(ALICE).register(contact="<sip:a@b>;q=x"))

        assert [400] == [effect.status for effect in bench.effects if isinstance(effect, Reply)]


async def test_an_error_reply_is_a_500_where_nobody_has_answered() -> None:
    """A provisional one is no answer."""

    def script() -> None:
        KSR.sl.send_reply(100, "Trying")
        KSR.sl.sl_reply_error()

    assert [500] == await status_of(script, [PHONE.invite(ALICE)])


async def test_relaying_takes_the_first_branch_that_can_be_reached() -> None:
    """Over the transports there are, or the connection it has."""
    reached = []
    branches = [
        [Branch("mailto:alice@example.com"), Branch("sip:a@192.0.2.10;transport=sctp")],
        [Branch("tel:+1"), Branch("sip:a@192.0.2.11"), Branch("sip:a@192.0.2.12")],
        [Branch("sip:a@192.0.2.13;transport=ws", connection="n/0.e.1")],
        [Branch("sip:a@b;transport=ws", next_hop="sip:192.0.2.14")],
    ]
    for some in branches:
        codes: list[int] = []
        bench = _relaying(some, codes)
        async with bench:
            await bench.send(PHONE.invite(ALICE))
            reached.append((codes, [effect.branch.uri for effect in bench.forwarded]))

    assert [
        ([-1], []),
        ([1], ["sip:a@192.0.2.11"]),
        ([1], ["sip:a@192.0.2.13;transport=ws"]),
        ([1], ["sip:a@b;transport=ws"]),
    ] == reached


async def test_a_secure_request_is_not_relayed_insecurely() -> None:
    """RFC 5630 §5.3: a sips URI wants sips contacts."""
    codes: list[int] = []
    bench = _relaying([Branch("sip:a@192.0.2.11"), Branch("sips:a@b", connection="n/0.e.1")], codes)
    async with bench:
        await bench.send(PHONE.invite("sips:alice@example.com"))

        assert (["sips:a@b"], [1]) == ([effect.branch.uri for effect in bench.forwarded], codes)


async def test_what_may_go_no_further_is_answered_instead() -> None:
    """RFC 3261 §16.3: the script need not look at Max-Forwards."""
    codes: list[int] = []
    async with _relaying([Branch("sip:a@192.0.2.11")], codes) as bench:
        reply = await bench.send(PHONE.invite(ALICE, max_forwards=0))
    assert reply is not None

    assert (483, [1]) == (reply.status, codes)


async def test_there_are_no_transactions() -> None:
    """A script that asks is told so, and may say that it begins one."""
    assert [-1, -1, 1] == await told(
        lambda: [KSR.tm.t_check_trans(), KSR.tmx.t_precheck_trans(), KSR.tm.t_newtran()]
    )


def _relaying(branches: list[Branch], codes: list[int]) -> ScriptBench:
    """A bench whose script has those branches, and relays."""

    def script(call: Call) -> None:
        call.branches[:] = branches
        codes.append(KSR.tm.t_relay())

    return ScriptBench(run_kemi(script))
