"""The bench for route scripts: what a script sees there, and what a test sees of it."""

import sys
from pathlib import Path

import pytest

from regcluster.errors import ConfigError, MalformedHeader, ScriptError, SipError, StoreUnavailable
from regcluster.route.call import Call
from regcluster.sip.hop import Hop
from regcluster.testing import Phone, ScriptBench

pytestmark = pytest.mark.anyio

ALICE = Phone("sip:alice@example.com", "192.0.2.10")
BOB = Phone("sip:bob@example.com", "192.0.2.20")


async def both(call: Call) -> None:
    """Saves, or forwards to the best contact."""
    if call.method == "REGISTER":
        await call.registrar.save()
    elif await call.registrar.lookup():
        call.forward()
    else:
        call.reply(404)


async def test_a_response_is_read_as_its_receiver_reads_it() -> None:
    """Status, headers, echoed rows."""
    async with ScriptBench(both) as bench:
        response = await bench.send(ALICE.register(call_id="mine"))
    assert response is not None

    assert (200, "mine", f"<{ALICE.uri}>;expires=3600") == (
        response.status,
        response.first("call-id"),
        response.first("contact"),
    )


async def test_what_is_sent_on_is_an_effect() -> None:
    """Then there is no response; the effects are those of the last request."""
    async with ScriptBench(both) as bench:
        assert ([], None) == (bench.effects, bench.call)
        await bench.send(ALICE.register())
        response = await bench.send(BOB.invite(ALICE.aor))

        assert (None, [ALICE.uri], bench.effects) == (
            response,
            [effect.branch.uri for effect in bench.forwarded],
            bench.forwarded,
        )


async def test_a_provisional_reply_is_no_response_yet() -> None:
    """The final one is."""

    async def script(call: Call) -> None:
        call.reply(100)
        if call.method == "INVITE":
            call.reply(486)

    async with ScriptBench(script) as bench:
        busy = await bench.send(BOB.invite(ALICE.aor))
        silent = await bench.send(BOB.request("MESSAGE", ALICE.aor))
    assert busy is not None

    assert (486, None) == (busy.status, silent)


async def test_a_script_is_loaded_from_its_file(tmp_path: Path) -> None:
    """With what the settings ask of it."""
    file = tmp_path / "edge.py"
    file.write_text("async def route(call):\n    call.reply(486)\n")
    async with ScriptBench(file) as bench:
        response = await bench.send(BOB.invite(ALICE.aor))
    assert response is not None

    with pytest.raises(ConfigError, match="has no function told"):
        ScriptBench(str(file), registrar={"event_callback": "told"}, routing={"script": str(file)})

    assert 486 == response.status


async def test_settings_are_a_nodes(tmp_path: Path) -> None:
    """By section, over those of a file; a wrong one is refused as at a node's start."""
    file = tmp_path / "node.toml"
    file.write_text("[registrar]\nmax_expires = 100\nretry_after = 7\n")
    bench = ScriptBench(
        both,
        file,
        registrar={"max_expires": 50},
        location={"tables": ["location", "guests"]},
        routing={"service_route": ["sip:192.0.2.1;lr"]},
    )
    async with bench:
        response = await bench.send(ALICE.register())
    assert response is not None

    with pytest.raises(ConfigError, match=r"registrar\.max_expires must be a whole number"):
        ScriptBench(both, registrar={"max_expires": -1})

    settings = bench.settings
    assert (50, 7, ["location", "guests"], "<sip:192.0.2.1;lr>") == (
        settings.registrar.max_expires,
        settings.registrar.retry_after,
        settings.location.tables,
        response.first("service-route"),
    )


@pytest.mark.parametrize(
    ("source", "hop"),
    [
        ("", Hop("UDP", "192.0.2.10", 5060)),
        ("203.0.113.5:4242", Hop("UDP", "203.0.113.5", 4242)),
        ("203.0.113.5", Hop("UDP", "203.0.113.5", 5060)),
        ("[2001:db8::5]:4242", Hop("UDP", "2001:db8::5", 4242)),
    ],
)
async def test_a_request_comes_from_its_via_or_from_where_the_test_says(
    source: str, hop: Hop
) -> None:
    """So a NAT is a word in a test."""
    seen: list[Hop] = []

    async def script(call: Call) -> None:
        seen.append(call.source.peer)

    async with ScriptBench(script) as bench:
        await bench.send(ALICE.register(), source)

    assert [hop] == seen


async def test_a_stream_is_a_connection() -> None:
    """It has a token, and what is saved over it is bound to it."""
    phone = Phone("sip:alice@example.com", "192.0.2.10", transport="TCP")
    async with ScriptBench(both) as bench:
        await bench.send(phone.register())
        await bench.send(BOB.invite(phone.aor))

        assert [("bench/0.test.5060", "tcp:192.0.2.1:5060")] == [
            (effect.branch.connection, effect.branch.socket) for effect in bench.forwarded
        ]


async def test_a_route_that_names_the_node_is_off_before_the_script_runs() -> None:
    """As at a node; others stay, and a REGISTER keeps all of them."""
    seen: list[str | None] = []

    async def script(call: Call) -> None:
        seen.append(call.request.first("route"))

    ours, other = "<sip:192.0.2.1;lr>", "<sip:192.0.2.99;lr>"
    async with ScriptBench(script) as bench:
        await bench.send(BOB.invite(ALICE.aor, route=ours))
        await bench.send(BOB.invite(ALICE.aor, route=[ours, other]))
        await bench.send(BOB.invite(ALICE.aor, route=other))
        await bench.send(BOB.register(route=ours))

    assert [None, other, other, ours] == seen


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        ("udp:192.0.2.1:5060", True),
        ("tcp:192.0.2.1:5060", True),
        ("udp:192.0.2.1:5070", False),
        ("udp:192.0.2.2:5060", False),
        ("", False),
    ],
)
async def test_the_node_of_the_bench_knows_its_sockets(text: str, is_ours: bool) -> None:
    """At port 5060 of its one address."""
    seen: list[object] = []

    async def script(call: Call) -> None:
        seen.append(call.ourselves.own_socket(text) is not None)
        seen.append(call.ourselves.advertised(call.source.local) == call.source.local)
        seen.append(call.ourselves.wrote(call.request.via))

    async with ScriptBench(script) as bench:
        await bench.send(ALICE.register())

    assert [is_ours, True, False] == seen


async def test_a_store_can_be_stopped_and_started() -> None:
    """What was saved before is there again."""
    async with ScriptBench(both) as bench:
        await bench.send(ALICE.register())
        bench.stop_store()
        with pytest.raises(StoreUnavailable):
            await bench.send(BOB.invite(ALICE.aor))
        bench.start_store()
        await bench.send(BOB.invite(ALICE.aor))

        assert [ALICE.uri] == [effect.branch.uri for effect in bench.forwarded]


async def test_benches_do_not_share_bindings() -> None:
    """Each has a store of its own."""
    async with ScriptBench(both) as one, ScriptBench(both) as two:
        await one.send(ALICE.register())
        response = await two.send(BOB.invite(ALICE.aor))
    assert response is not None

    assert 404 == response.status


async def test_what_a_script_raises_the_test_sees() -> None:
    """A node would answer 500, or 400 where the request is to blame."""

    async def script(call: Call) -> None:
        raise KeyError("mine", call.uri)

    async with ScriptBench(script) as bench:
        with pytest.raises(KeyError, match="mine"):
            await bench.send(BOB.invite(ALICE.aor))
        with pytest.raises(MalformedHeader):
            await bench.send(BOB.invite("sip:@", to="<sip:a@b>"))


async def test_what_is_no_request_is_refused() -> None:
    """A response passes no script, and neither does junk."""
    async with ScriptBench(both) as bench:
        with pytest.raises(ValueError, match="a script is for requests"):
            await bench.send(
                b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
                b"To: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"
            )
        with pytest.raises(SipError):
            await bench.send(b"junk")


def test_without_fakeredis_the_kit_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra of its own: a node has no use for it."""
    monkeypatch.setitem(sys.modules, "fakeredis", None)

    with pytest.raises(ScriptError, match=r"pip install 'regcluster\[testing\]'"):
        ScriptBench(both)
