"""The registrar's functions as a script calls them, over a store in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import ScriptError, StoreUnavailable
from regcluster.registrar.codes import SaveCode, UnregisterCode
from regcluster.registrar.options import SaveFlag
from regcluster.route.call import Call, Forward
from regcluster.sip.hop import Hop
from regcluster.sip.reply import Reply
from tests.route.stage import Peer, call_of
from tests.test_location import location_with, read, unreachable
from tests.wire import AOR, invite, register

pytestmark = pytest.mark.anyio

ONE, TWO = "sip:alice@192.0.2.1", "sip:alice@192.0.2.2"
BOB = "sip:bob@example.test"


@asynccontextmanager
async def calling(
    data: bytes,
    *registered: bytes,
    registrar: RegistrarSettings | None = None,
    location: LocationSettings | None = None,
    peer: Peer | None = None,
) -> AsyncIterator[Call]:
    """A call for a request that comes when those REGISTERs have been saved."""
    async with location_with(*registered, registrar=registrar, location=location) as service:
        yield call_of(read(data), service, peer)


def contacts(reply: Reply) -> str:
    return dict(reply.headers).get("Contact", "")


RCD = RegistrarSettings(xavp_rcd="rcd", rcd_shape="roots")


def shown(call: Call) -> list[Any]:
    """The contacts in ``xavp_rcd``."""
    return [root.first("contact") for root in call.xavp.roots("rcd")]


BOTH = register(contact=f"<{ONE}>;q=0.7, <{TWO}>;q=0.2")


async def test_a_save_replies_and_tells_what_it_did() -> None:
    """A script need not reply itself, and can see that (S-50)."""
    async with calling(register(contact=f"<{ONE}>")) as call:
        result = await call.registrar.save()

    assert (SaveCode.ADDED, 200, True, [result.reply]) == (
        result.code,
        result.reply.status,
        result.is_replied,
        call.effects,
    )


async def test_a_refused_save_replies_too() -> None:
    """Whoever replies once more, as scripts for Kamailio do, can be told by ``is_replied``."""
    async with calling(register(contact=f"<{ONE}>;q=7")) as call:
        result = await call.registrar.save()

    assert (SaveCode.FAILED, 400, True, [result.reply]) == (
        result.code,
        result.reply.status,
        result.is_replied,
        call.effects,
    )


@pytest.mark.parametrize(("contact", "status"), [(f"<{ONE}>", 200), (f"<{ONE}>;q=7", 400)])
async def test_a_reply_that_is_held_back_can_be_sent_later(contact: str, status: int) -> None:
    """``reg_send_reply`` after NORPL; Path is in it (S-38)."""
    settings = RegistrarSettings(use_path=1)
    data = register(contact=contact, path="<sip:p1;lr>", supported="path")
    async with calling(data, registrar=settings) as call:
        result = await call.registrar.save(flags=SaveFlag.NORPL)
        before = list(call.effects)
        is_sent = call.registrar.reg_send_reply()

    assert ([], False, True, [result.reply], status, status == 200) == (
        before,
        result.is_replied,
        is_sent,
        call.effects,
        result.reply.status,
        ("Path", "<sip:p1;lr>") in result.reply.headers,
    )


@pytest.mark.parametrize(("flags", "is_replied"), [(0, True), (2, False), (4, True), (6, False)])
async def test_flags_may_be_plain_numbers(flags: int, is_replied: bool) -> None:
    """As they stand in scripts for Kamailio."""
    async with calling(register()) as call:
        result = await call.registrar.save(flags=flags)

    assert (is_replied, len(call.effects)) == (result.is_replied, int(is_replied))


async def test_a_reply_is_sent_once() -> None:
    """Neither what is sent already, nor what nobody has saved (S-06)."""
    async with calling(register()) as call:
        nothing = call.registrar.reg_send_reply()
        await call.registrar.save(flags=SaveFlag.NORPL)
        sent = [call.registrar.reg_send_reply() for _ in range(2)]
        await call.registrar.save()
        again = call.registrar.reg_send_reply()

    assert (False, [True, False], False, 2) == (nothing, sent, again, len(call.effects))


async def test_a_reply_that_was_held_back_is_over_with_the_next_save() -> None:
    """What is sent by then is newer."""
    async with calling(register()) as call:
        await call.registrar.save(flags=SaveFlag.NORPL)
        await call.registrar.save()
        is_sent = call.registrar.reg_send_reply()

    assert (False, 1) == (is_sent, len(call.effects))


async def test_a_call_does_not_send_what_another_has_saved() -> None:
    """Nothing is left behind for the next request (S-06)."""
    async with location_with() as location:
        first = call_of(read(register()), location)
        await first.registrar.save(flags=SaveFlag.NORPL)
        second = call_of(read(register(to=f"<{BOB}>", contact=f"<{BOB}>;q=7")), location)
        is_sent = second.registrar.reg_send_reply()
        result = await second.registrar.save()

    assert (False, "") == (is_sent, contacts(result.reply))


@pytest.mark.parametrize(
    ("contact", "rows"), [(f"<{ONE}>", ["Contact", "Date"]), (f"<{ONE}>;q=7", [])]
)
async def test_the_headers_of_a_reply_can_go_with_the_scripts_own(
    contact: str, rows: list[str]
) -> None:
    """PREPRPL with NORPL, when the save has succeeded."""
    async with calling(register(contact=contact)) as call:
        await call.registrar.save(flags=SaveFlag.NORPL | SaveFlag.PREPRPL)
        call.reply(202)
        [reply] = call.effects
        assert isinstance(reply, Reply)

    assert (202, rows) == (reply.status, [name for name, _ in reply.headers])


async def test_preprpl_alone_changes_nothing() -> None:
    """The registrar replies, and its headers are in nothing else."""
    async with calling(register()) as call:
        await call.registrar.save(flags=SaveFlag.PREPRPL)

    assert (1, []) == (len(call.effects), call.reply_headers)


async def test_what_a_script_appends_goes_with_the_registrars_reply() -> None:
    """``append_to_reply`` before ``save``."""
    async with calling(register()) as call:
        call.reply_headers.append(("X-Node", "edge-1"))
        await call.registrar.save()
        [reply] = call.effects
        assert isinstance(reply, Reply)

    assert ("X-Node", "edge-1") == reply.headers[-1]


async def test_a_uri_names_the_aor_in_place_of_to() -> None:
    """As ``save_uri`` does."""
    async with calling(register(contact=f"<{ONE}>")) as call:
        await call.registrar.save(uri=BOB)
        found = [await call.registrar.registered(uri=uri) for uri in (AOR, BOB)]

    assert [False, True] == found


async def test_contact_and_user_agent_can_be_overridden() -> None:
    """For a registrar in the middle that saves what another one has answered (S-54)."""
    async with calling(register(contact=f"<{ONE}>", user_agent="phone")) as call:
        await call.registrar.save(contact=f"<{TWO}>;expires=70", user_agent="other")
        profile = await call.registrar.reg_fetch_contacts(uri=AOR)

    assert [(TWO, "other")] == [
        (binding.uri, binding.user_agent)
        for binding in (profile.record.bindings if profile else [])
    ]


async def test_a_save_is_into_the_table_it_names() -> None:
    """The first one where it names none."""
    settings = LocationSettings(tables=["mine", "other"])
    async with calling(register(contact=f"<{ONE}>"), location=settings) as call:
        await call.registrar.save("other")
        in_default = await call.registrar.registered(uri=AOR)
        in_other = await call.registrar.registered("other", AOR)
        await call.registrar.save()
        in_first = await call.registrar.registered("mine", AOR)

    assert (False, True, True) == (in_default, in_other, in_first)


async def test_a_table_that_is_not_there_is_a_mistake_of_the_script() -> None:
    """In every function that takes one."""
    async with calling(register()) as call:
        registrar = call.registrar
        for asked in (
            registrar.save("x"),
            registrar.lookup("x"),
            registrar.lookup_to_dset("x"),
            registrar.lookup_branches("x"),
            registrar.lookup_xavp("x", AOR),
            registrar.registered("x"),
            registrar.unregister("x", AOR),
            registrar.reg_fetch_contacts("x", AOR),
            registrar.reg_from_user("x", AOR),
        ):
            with pytest.raises(ScriptError):
                await asked


@pytest.mark.parametrize(
    ("avp", "received"), [("$avp(rcv)", ';received="sip:192.0.2.50:5066"'), ("", "")]
)
async def test_where_a_request_came_from_is_kept_if_a_script_says_so(
    avp: str, received: str
) -> None:
    """And if ``received_avp`` names the value to say it in."""
    settings = RegistrarSettings(received_avp=avp)
    async with calling(register(contact=f"<{ONE}>"), registrar=settings) as call:
        call.registrar.fix_nated_register()
        result = await call.registrar.save()

    assert f"<{ONE}>;expires=300{received}" == contacts(result.reply)


async def test_q_of_the_next_save_can_be_overridden() -> None:
    """It beats the XAVP and the Contact, once."""
    settings = RegistrarSettings(xavp_cfg="cfg")
    async with calling(register(contact=f"<{ONE}>;q=0.1"), registrar=settings) as call:
        call.xavp.add_root("cfg", {"q": 200})
        is_taken = call.registrar.set_q_override("0.5")
        first = await call.registrar.save()
        second = await call.registrar.save(contact=f"<{TWO}>;q=0.1")

    assert (True, f"<{ONE}>;q=0.5;expires=300", True) == (
        is_taken,
        contacts(first.reply),
        f"<{TWO}>;q=0.2;expires=300" in contacts(second.reply),
    )


async def test_a_q_that_is_none_is_not_taken() -> None:
    """The contact keeps its own."""
    async with calling(register(contact=f"<{ONE}>;q=0.1")) as call:
        is_taken = call.registrar.set_q_override("1.5")
        result = await call.registrar.save()

    assert (False, f"<{ONE}>;q=0.1;expires=300") == (is_taken, contacts(result.reply))


async def test_a_save_shows_all_bindings_that_it_lists() -> None:
    """``xavp_rcd``, in the order of the reply."""
    first = register(contact=f"<{ONE}>;q=1", call_id="call-0")
    async with calling(register(contact=f"<{TWO}>"), first, registrar=RCD) as call:
        await call.registrar.save()

    assert [ONE, TWO] == shown(call)


async def test_a_save_that_is_refused_before_the_store_shows_none() -> None:
    """There is nothing to show."""
    async with calling(register(contact=f"<{ONE}>;q=7"), registrar=RCD) as call:
        await call.registrar.save()

    assert [] == shown(call)


@pytest.mark.parametrize(
    ("uri", "is_registered"), [("", True), (AOR, True), (BOB, False), ("nonsense", False)]
)
async def test_a_user_is_registered_or_not(uri: str, is_registered: bool) -> None:
    """Whoever the URI names, or the Request-URI."""
    async with calling(invite(), BOTH) as call:
        outcome = await call.registrar.registered(uri=uri)

    assert is_registered == outcome


@pytest.mark.parametrize(
    ("contact", "option", "found"), [(TWO, 4, [TWO]), (TWO, 0, [ONE]), ("sip:x@y", 4, [])]
)
async def test_registered_shows_the_first_contact_that_matches(
    contact: str, option: int, found: list[str]
) -> None:
    """Bit 4 compares the Contact URI."""
    settings = RegistrarSettings(xavp_rcd="rcd", xavp_cfg="cfg")
    async with calling(invite(), BOTH, registrar=settings) as call:
        call.xavp.add_root("cfg", {"match_contact": contact})
        outcome = await call.registrar.registered(match_option=option)

    assert (bool(found), found) == (outcome, shown(call))


@pytest.mark.parametrize(
    ("action", "kept", "is_shown"), [(0, 0, True), (1, 1, True), (2, 0, False), (3, 1, False)]
)
async def test_registered_does_with_the_contact_what_it_is_told(
    action: int, kept: int, is_shown: bool
) -> None:
    """Bit 1 gives back what was kept with it, bit 2 keeps it from ``xavp_rcd``."""
    location_settings = LocationSettings(xavp_contact="kept")
    async with location_with(registrar=RCD, location=location_settings) as location:
        phone = call_of(read(register(contact=f"<{ONE}>")), location)
        phone.xavp.add_root("kept", {"desk": 12})
        await phone.registrar.save()
        call = call_of(read(invite()), location)
        await call.registrar.registered(match_action=action)

    assert (kept, is_shown) == (len(call.xavp.roots("kept")), bool(shown(call)))


async def test_the_next_registrar_is_told_the_socket() -> None:
    """``add_sock_hdr``: in what is sent on, as ``sock_hdr_name`` is read."""
    peer = Peer("TCP", local=Hop("TCP", "2001:db8::9", 5070))
    async with calling(register(), peer=peer) as call:
        is_added = call.registrar.add_sock_hdr("X-Sock")
        call.forward("sip:registrar.example.test")
        [effect] = call.effects
        assert isinstance(effect, Forward)

    assert (True, [("X-Sock", "tcp:[2001:db8::9]:5070")]) == (is_added, effect.headers)


@pytest.mark.parametrize("name", ["", "X Sock", "X:Sock\r\nA"])
async def test_a_header_needs_a_name(name: str) -> None:
    """Without one nothing is added."""
    async with calling(register()) as call:
        is_added = call.registrar.add_sock_hdr(name)

    assert (False, []) == (is_added, call.added_headers)


@pytest.mark.parametrize(
    ("uri", "ruid", "code", "is_left"),
    [
        (AOR, "", UnregisterCode.DONE, False),
        (BOB, "", UnregisterCode.DONE, True),
        (AOR, "uloc-x", UnregisterCode.NOT_FOUND, True),
        ("tel:+1", "", UnregisterCode.BAD_AOR, True),
        ("nonsense", "uloc-x", UnregisterCode.BAD_AOR, True),
        ("", "", UnregisterCode.BAD_AOR, True),
        # A search of everything is no work for a request.
        ("", "uloc-test-1", UnregisterCode.FAILED, True),
    ],
)
async def test_a_script_can_unregister(
    uri: str, ruid: str, code: UnregisterCode, is_left: bool
) -> None:
    """A user, or one contact of his."""
    async with calling(invite(), BOTH) as call:
        outcome = await call.registrar.unregister(uri=uri, ruid=ruid)
        left = await call.registrar.registered()

    assert (code, is_left) == (outcome, left)


async def test_without_a_store_every_function_says_so() -> None:
    """Nobody is told that nobody is there (S-26)."""
    async with location_with(server=unreachable()) as location:
        registrar = call_of(read(register()), location).registrar
        for asked in (
            registrar.save(),
            registrar.lookup(uri=AOR),
            registrar.lookup_to_dset(uri=AOR),
            registrar.lookup_xavp(uri=AOR),
            registrar.registered(uri=AOR),
            registrar.unregister(uri=AOR),
            registrar.reg_fetch_contacts(uri=AOR),
            registrar.reg_from_user(uri=AOR),
        ):
            with pytest.raises(StoreUnavailable):
                await asked
