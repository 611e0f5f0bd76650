"""KSR.registrar: every function by Kamailio's name, with Kamailio's numbers."""

from collections.abc import Callable

import pytest

from regcluster.errors import ScriptError, StoreUnavailable
from regcluster.route.kemi import KSR
from regcluster.sip.reply import Reply
from regcluster.testing import Phone, ScriptBench
from tests.route.ksr.script import ALICE, BOB, CALLER, after_saving, kemi, status_of

pytestmark = pytest.mark.anyio

PHONE = Phone(ALICE, "192.0.2.10")
SAVE = KSR.registrar.save
NORPL = 0x02


async def codes_of_saves(messages: list[bytes], flags: int = 0, **settings: object) -> list[object]:
    """What save returns for some requests, one after the other."""
    codes: list[object] = []
    async with kemi(lambda: codes.append(SAVE("location", flags)), **settings) as bench:
        for data in messages:
            await bench.send(data)
    return codes


async def test_save_returns_what_it_did() -> None:
    """1 added, 2 refreshed, 4 queried, 3 removed; -1 refused."""
    phone = Phone(ALICE)
    codes = await codes_of_saves(
        [
            phone.register(),
            phone.register(),
            phone.register(contact=None),
            phone.register(0),
            phone.register(0, contact="*"),
            phone.register(contact="<sip:a@b>;q=x"),
        ]
    )

    assert [1, 2, 4, 3, 3, -1] == codes
    assert all(type(code) is int for code in codes)


async def test_save_returns_a_number_of_its_own_for_too_many() -> None:
    """-2."""
    assert [1, -2] == await codes_of_saves(
        [Phone(ALICE, "192.0.2.1").register(), Phone(ALICE, "192.0.2.2").register()],
        max_contacts=1,
    )


async def test_save_takes_kamailios_flags() -> None:
    """0x04: the newest phone alone stays, here without a reply (0x02)."""
    seen: list[object] = []

    def script() -> None:
        SAVE("location", 0x04 | NORPL)
        KSR.registrar.reg_fetch_contacts("location", ALICE, "all")
        seen.append(KSR.registrar.ulc_rget("all", "count"))

    messages = [Phone(ALICE, f"192.0.2.{host}").register() for host in (1, 2)]

    assert [None, None] == await status_of(script, messages)
    assert [1, 1] == seen


async def test_save_uri_names_another_user() -> None:
    """The binding is that user's; an empty URI means To."""
    seen: list[object] = []

    def script() -> None:
        seen.append(KSR.registrar.save_uri("location", 0, BOB if not seen else ""))
        seen.extend(KSR.registrar.registered_uri("location", uri) for uri in (ALICE, BOB))

    await status_of(script, [PHONE.register(), PHONE.register()])

    assert [1, -1, 1, 1, 1, 1] == seen


async def test_a_held_reply_is_sent_by_hand() -> None:
    """Once; there is none to send when nothing was held back."""
    seen: list[object] = []

    def script() -> None:
        seen.append(KSR.registrar.reg_send_reply())
        SAVE("location", NORPL)
        seen.append(KSR.registrar.reg_send_reply())
        seen.append(KSR.registrar.reg_send_reply())

    assert [200] == await status_of(script, [PHONE.register()])
    assert [-1, 1, -1] == seen


async def test_a_q_is_overridden_for_one_save() -> None:
    """It beats what the Contact says; what is no q is refused."""
    seen: list[object] = []

    def script() -> None:
        seen.append(KSR.registrar.set_q_override("2"))
        seen.append(KSR.registrar.set_q_override("0.5"))
        SAVE("location", 0)

    async with kemi(script) as bench:
        reply = await bench.send(PHONE.register(contact=f"{PHONE.contact};q=0.9"))
    assert reply is not None

    assert ([-1, 1], True) == (seen, ";q=0.5;" in (reply.first("contact") or ""))


async def test_lookup_writes_the_request_uri_and_appends_branches() -> None:
    """The best first; the others can be read as branches, from nought."""

    def ask() -> list[object]:
        return [
            KSR.registrar.lookup("location"),
            KSR.pv.get("$ru"),
            KSR.pv.get("$branch(count)"),
            KSR.pv.get("$(branch(uri)[0])"),
            KSR.pv.get("$(branch(q)[1])"),
            KSR.pv.get("$(branch(dst_uri)[1])"),
            KSR.pv.get("$(branch(uri)[2])"),
        ]

    assert [
        1,
        "sip:alice@192.0.2.10:5060",
        2,
        "sip:alice@192.0.2.11:5060",
        700,
        None,
        None,
    ] == await after_saving(ask, phones=3)


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: KSR.registrar.lookup("location"), 1),
        (lambda: KSR.registrar.lookup_uri("location", ALICE), 1),
        (lambda: KSR.registrar.lookup_uri("location", BOB), -1),
        (lambda: KSR.registrar.lookup_uri("location", "sip:@"), -3),
        (lambda: KSR.registrar.lookup_uri("location", ""), -3),
        (lambda: KSR.registrar.lookup_to_dset("location", ALICE), 1),
        (lambda: KSR.registrar.lookup_to_dset("location", BOB), -1),
        (lambda: KSR.registrar.lookup_to_dset("location", ""), -3),
        (lambda: KSR.registrar.lookup_branches("location"), 1),
        (lambda: KSR.registrar.lookup_xavp("location", ALICE, "r", "c"), 1),
        (lambda: KSR.registrar.lookup_xavp("location", BOB, "r", "c"), -1),
        (lambda: KSR.registrar.lookup_xavp("location", "", "r", "c"), -1),
        (lambda: KSR.registrar.registered("location"), 1),
        (lambda: KSR.registrar.registered_uri("location", ""), 1),
        (lambda: KSR.registrar.registered_uri("location", BOB), -1),
        (lambda: KSR.registrar.registered_flags("location", ALICE, 4), 1),
        (lambda: KSR.registrar.registered_action("location", ALICE, 0, 2), 1),
        (lambda: KSR.registrar.unregister("location", ALICE), 1),
        (lambda: KSR.registrar.unregister("location", BOB), 1),
        (lambda: KSR.registrar.unregister("location", ""), -1),
        (lambda: KSR.registrar.unregister_ruid("location", ALICE, "uloc-test-1"), 1),
        (lambda: KSR.registrar.unregister_ruid("location", ALICE, "none"), -3),
        (lambda: KSR.registrar.unregister_ruid("location", "", "uloc-test-1"), -2),
        (lambda: KSR.registrar.reg_fetch_contacts("location", ALICE, "p"), 1),
        (lambda: KSR.registrar.reg_fetch_contacts("location", BOB, "p"), -1),
        (lambda: KSR.registrar.reg_fetch_contacts("location", "", "p"), -1),
        (lambda: KSR.registrar.reg_free_contacts("p"), 1),
        (lambda: KSR.registrar.reg_free_contacts(""), -1),
        (lambda: KSR.registrar.reg_from_user("location", ALICE, 0), -1),
        (lambda: KSR.registrar.reg_from_user("location", "", 0), -1),
        (lambda: KSR.registrar.add_sock_hdr("X-Sock"), 1),
        (lambda: KSR.registrar.add_sock_hdr(""), -1),
    ],
)
async def test_each_function_returns_kamailios_number(ask: Callable[[], object], code: int) -> None:
    """Above 0 yes, below no; of an empty URI each makes what Kamailio makes of it."""
    answer = await after_saving(ask)

    assert (code, int) == (answer, type(answer))


async def test_a_caller_is_known_by_where_it_registered() -> None:
    """reg_from_user says yes to the phone itself."""
    data = PHONE.invite(BOB)

    assert 1 == await after_saving(
        lambda: KSR.registrar.reg_from_user("location", ALICE, 1), data=data
    )


async def test_registered_keeps_to_what_the_xavp_asks() -> None:
    """Bit 4 compares the contact with match_contact."""

    def ask() -> list[object]:
        KSR.pvx.xavp_child_sets("cfg", "match_contact", "sip:alice@192.0.2.99")
        return [
            KSR.registrar.registered_flags("location", ALICE, 4),
            KSR.registrar.registered_flags("location", ALICE, 1),
        ]

    assert [-1, 1] == await after_saving(ask, xavp_cfg="cfg")


async def test_fetched_contacts_are_read_by_attribute() -> None:
    """By ulc_rget and ulc_cget, or as $ulc with an index; 0 or None where there is nothing."""

    def ask() -> list[object]:
        KSR.registrar.reg_fetch_contacts("location", ALICE, "p")
        return [
            KSR.registrar.ulc_rget("p", "count"),
            KSR.registrar.ulc_rget("p", "aor"),
            KSR.registrar.ulc_rget("p", "addr"),
            KSR.registrar.ulc_rget("none", "count"),
            KSR.registrar.ulc_cget("p", "addr", 1),
            KSR.registrar.ulc_cget("p", "socket", 0),
            KSR.registrar.ulc_cget("p", "ruid", 0),
            KSR.registrar.ulc_cget("p", "addr", 2),
            KSR.registrar.ulc_cget("p", "addr", -1),
            KSR.registrar.ulc_cget("none", "addr", 0),
        ]

    assert [
        2,
        "alice@example.com",
        0,
        0,
        "sip:alice@192.0.2.11:5060",
        "udp:192.0.2.1:5060",
        0,
        0,
        0,
        0,
    ] == await after_saving(ask, phones=2)


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: KSR.registrar.lookup("location"), -3),
        (lambda: KSR.registrar.lookup_uri("location", ALICE), -3),
        (lambda: KSR.registrar.lookup_to_dset("location", ALICE), -3),
        (lambda: KSR.registrar.lookup_branches("location"), -3),
        (lambda: KSR.registrar.lookup_xavp("location", ALICE, "r", "c"), -3),
        (lambda: KSR.registrar.registered("location"), -1),
        (lambda: KSR.registrar.unregister("location", ALICE), -2),
        (lambda: KSR.registrar.reg_fetch_contacts("location", ALICE, "p"), -1),
        (lambda: KSR.registrar.reg_from_user("location", ALICE, 0), -1),
    ],
)
async def test_a_store_that_does_not_answer_is_no_empty_one(
    ask: Callable[[], object], code: int
) -> None:
    """S-26: a lookup says -3, not -1; the script goes on."""
    answers: list[object] = []
    async with kemi(lambda: answers.append(ask())) as bench:
        bench.stop_store()
        await bench.send(CALLER.invite(ALICE))

    assert [code] == answers


@pytest.mark.parametrize(
    ("flags", "then"),
    [
        (0, lambda: KSR.sl.sl_reply_error()),
        (0, lambda: KSR.sl.send_reply(500, "Mine")),
        (0, lambda: None),
        (NORPL, lambda: KSR.registrar.reg_send_reply()),
    ],
)
async def test_a_save_that_the_store_did_not_take_is_a_503(
    flags: int, then: Callable[[], object]
) -> None:
    """S-26, S-50: save returns -1, and what the script says after it is no second reply.

    The worker makes the 503 of ``StoreUnavailable``, with its own Retry-After.
    """
    codes: list[object] = []

    def script() -> None:
        codes.append(SAVE("location", flags))
        then()

    async with kemi(script) as bench:
        bench.stop_store()
        with pytest.raises(StoreUnavailable):
            await bench.send(PHONE.register())

    assert [-1] == codes


async def test_a_script_that_holds_the_reply_back_answers_for_the_store_itself() -> None:
    """With 0x02 the reply is the script's."""

    def script() -> None:
        if SAVE("location", NORPL) < 0:
            KSR.sl.send_reply(480, "Try Later")

    async with kemi(script) as bench:
        bench.stop_store()
        await bench.send(PHONE.register())

        assert [Reply(480, "Try Later", [])] == bench.effects


async def test_a_script_that_has_answered_before_a_save_stays_with_that() -> None:
    """No 503 of the store's takes the place of a reply that is there already."""

    def script() -> None:
        KSR.sl.send_reply(202, "Later")
        SAVE("location", 0)

    async with kemi(script) as bench:
        bench.stop_store()
        await bench.send(PHONE.register())

        assert [Reply(202, "Later", [])] == bench.effects


async def test_a_save_that_is_tried_again_may_succeed() -> None:
    """Then its 200 is the reply."""
    benches: list[ScriptBench] = []

    def script() -> None:
        benches[0].stop_store()
        SAVE("location", 0)
        benches[0].start_store()
        SAVE("location", 0)

    async with kemi(script) as bench:
        benches.append(bench)
        reply = await bench.send(PHONE.register())
    assert reply is not None

    assert 200 == reply.status


async def test_an_unknown_table_is_a_mistake_of_the_script() -> None:
    """Kamailio returns -1 for ever; here somebody finds out."""
    async with kemi(lambda: SAVE("nowhere", 0)) as bench:
        with pytest.raises(ScriptError, match="there is no location table 'nowhere'"):
            await bench.send(PHONE.register())
