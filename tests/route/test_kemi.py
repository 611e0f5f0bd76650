"""Kamailio's names: which there are, and how a script of Kamailio's becomes a route."""

import pytest
from anyio import create_task_group

from regcluster.errors import StoreUnavailable
from regcluster.route.kemi import KSR, run_kemi
from regcluster.testing import Phone, ScriptBench

pytestmark = pytest.mark.anyio

REGISTRAR = {
    *("save", "save_uri", "lookup", "lookup_uri", "lookup_to_dset", "lookup_branches"),
    *("lookup_xavp", "registered", "registered_uri", "registered_flags", "registered_action"),
    *("set_q_override", "add_sock_hdr", "unregister", "unregister_ruid", "reg_fetch_contacts"),
    *("reg_free_contacts", "reg_from_user", "reg_send_reply", "ulc_rget", "ulc_cget"),
}
"""Everything Kamailio 6 offers by this module."""

PHONE = Phone("sip:alice@example.com")


def names(module: object) -> set[str]:
    return {name for name in vars(module) if not name.startswith("_")}


def test_the_registrar_has_every_function_of_kamailios() -> None:
    """And none that is not there, which a script could not take back."""
    assert names(KSR.registrar) == REGISTRAR


def test_every_module_of_ksr_is_named_after_kamailios() -> None:
    """What a script finds by dots."""
    modules = {name for name, member in vars(KSR).items() if type(member) is type(KSR)}

    assert {
        *("corex", "hdr", "maxfwd", "nathelper", "pv", "pvx", "registrar", "sanity"),
        *("siputils", "sl", "tm", "tmx", "x"),
    } == modules


@pytest.mark.parametrize("returned", [None, 1, -255, False])
async def test_it_does_not_matter_what_a_script_returns(returned: object) -> None:
    """Its effects count."""

    def script(_: object) -> object:
        KSR.sl.send_reply(486, "Busy Here")
        return returned

    async with ScriptBench(run_kemi(script)) as bench:
        reply = await bench.send(PHONE.invite("sip:bob@example.com"))
    assert reply is not None

    assert 486 == reply.status


async def test_the_message_is_the_call() -> None:
    """A script may use both faces on one request."""
    seen: list[object] = []
    async with ScriptBench(run_kemi(lambda msg: seen.append(msg))) as bench:
        await bench.send(PHONE.invite("sip:bob@example.com"))

        assert [bench.call] == seen


async def test_requests_of_one_script_do_not_mix() -> None:
    """Each waits for its own store call and goes on with its own request."""
    seen: list[bool] = []

    def script(msg: object) -> None:
        mine = KSR.pv.get("$ci")
        KSR.registrar.lookup("location")
        seen.append(mine == KSR.pv.get("$ci"))

    async with ScriptBench(run_kemi(script)) as bench, create_task_group() as group:
        for host in range(1, 9):
            data = Phone("sip:alice@example.com", f"192.0.2.{host}").invite("sip:b@example.com")
            group.start_soon(bench.send, data)

    assert [True] * 8 == seen


async def test_an_exit_does_not_hide_that_the_store_failed() -> None:
    """The phone gets its 503 all the same."""

    def script(_: object) -> None:
        KSR.registrar.save("location", 0)
        KSR.x.exit()

    async with ScriptBench(run_kemi(script)) as bench:
        bench.stop_store()
        with pytest.raises(StoreUnavailable):
            await bench.send(PHONE.register())

        assert [] == bench.effects
