"""Damaged messages through a whole worker: nothing breaks, nothing gets lost uncounted."""

import random
from pathlib import Path
from typing import Literal

import pytest
from fakeredis import FakeServer

from regcluster.config import RoutingSettings, Settings
from tests import wire
from tests.edge.memory import OURS, Ledger, MemoryFlow, running

pytestmark = pytest.mark.anyio

MESSAGES = 1000

WHOLE = [
    wire.register(),
    wire.register(contact=['"A \\" B" <sip:a%40b@[::1]:5061>;q=0.7;expires=10', "<sips:c@d>"]),
    wire.register(contact="*", expires=0, require="path"),
    wire.invite(route=f"<sip:{OURS};lr>, <sip:127.0.0.1:9;lr>", body=b"v=0\r\n"),
    wire.request("OPTIONS", "sip:example.test"),
    wire.request("CANCEL"),
    wire.request("ACK"),
    wire.response(),
    wire.response(via=[f"SIP/2.0/UDP {OURS};branch=z9hG4bK-1;rc-flow=0.e.1", "SIP/2.0/TCP [::1]"]),
]

SPLINTERS = [
    *(b'"', b"<", b">", b";", b",", b":", b"@", b"[", b"]", b"=", b"\\", b"%", b"*", b"?"),
    *(b" ", b"\t", b"\r\n", b"\r", b"\n", b"\r\n ", b"\0", b"%00", b"\xff", b"\xc3\xa9"),
    *(b"\xe2\x80\xa8", b"-1", b"99999999999999999999", b"sip:", b"tel:", b"z9hG4bK"),
]
"""What has a meaning somewhere in SIP, or to something that reads it."""


def damaged(data: bytes, chance: random.Random) -> bytes:
    """``data`` with something put in, cut out or said twice, once or several times."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        lines = data.split(b"\r\n")
        match chance.randrange(4):
            case 0:
                data = data[:at] + chance.choice(SPLINTERS) + data[at:]
            case 1:
                data = data[:at] + data[at + chance.choice((1, 2, 20)) :]
            case 2:
                lines.insert(chance.randrange(len(lines)), chance.choice(lines))
                data = b"\r\n".join(lines)
            case _:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    return data


@pytest.mark.parametrize("mode", ["redirect", "forward"])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_every_message_is_answered_or_counted(
    tmp_path: Path, mode: Literal["redirect", "forward"], transport: str
) -> None:
    """One answer or one reason each, and none of them finds a bug."""
    chance = random.Random(f"{mode} {transport}")
    settings = Settings(routing=RoutingSettings(mode=mode, domains=["example.test"]))
    flow, ledger = MemoryFlow(transport), Ledger()

    async with running(tmp_path, FakeServer(), settings) as worker:
        for _ in range(MESSAGES):
            worker.receive(damaged(chance.choice(WHOLE), chance), flow)
        await worker.drain(5.0)

    keepalives = ledger.count("sip_keepalives_total", transport=transport)
    ends = flow.waiting + sum(ledger.drops().values()) + keepalives
    assert (MESSAGES, 0) == (ends, ledger.count("sip_failures_total"))
