"""A worker whose route script is told of bindings that expire."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from regcluster.config import RegistrarSettings, RoutingSettings, Settings
from regcluster.control.channel import Applied, Apply, Ready
from regcluster.store.expiries import GROUP
from regcluster.store.keys import Keys
from tests.control.test_callbacks import expire
from tests.control.test_serve import folder, settings, started
from tests.control.watch import PATIENCE_S
from tests.peer.processes import wait_until
from tests.servers import RealServer

pytestmark = [pytest.mark.anyio, pytest.mark.server]

__all__ = ["folder", "settings"]

SCRIPT = """\
from pathlib import Path

async def route(call):
    call.reply(486)

async def gone(event):
    Path({file!r}).write_text(event.aor + " " + event.binding.uri)
"""

KEMI = """\
from pathlib import Path
from regcluster.route.kemi import KSR

class Script:
    def ksr_request_route(self, msg):
        KSR.sl.send_reply(486, "Busy Here")

    def gone(self, msg, name):
        told = [KSR.pv.getvs("$ulc(exp=>" + field + ")", "") for field in ("aor", "addr")]
        Path({file!r}).write_text(" ".join(told))

def mod_init():
    return Script()
"""


@pytest.fixture(autouse=True)
def expired(server_url: str, valkey: RealServer) -> None:
    """A binding of Alice's has expired while nobody was there to hear of it."""
    feed = Keys(Settings().store).feeds[0]
    valkey.ask(b"XGROUP", b"CREATE", feed, GROUP, b"0", b"MKSTREAM")
    expire(valkey, "alice@example.com")


def scripted(settings: Settings, folder: Path, text: str) -> Settings:
    """``settings`` with a script that writes down what it is told."""
    script = folder / "route.py"
    script.write_text(text.format(file=str(folder / "told")))
    return replace(
        settings,
        routing=RoutingSettings(script=str(script)),
        registrar=RegistrarSettings(event_callback="gone"),
    )


async def told(folder: Path) -> str:
    """What the script was told."""
    file = folder / "told"

    def is_written() -> bool:
        return file.exists() and bool(file.read_text())

    await asyncio.to_thread(wait_until, is_written, PATIENCE_S, "the script is told")
    return file.read_text()


@pytest.mark.parametrize("text", [SCRIPT, KEMI])
async def test_a_script_is_told_of_a_binding_that_has_expired(
    settings: Settings, folder: Path, text: str
) -> None:
    """One for us, or one of Kamailio's."""
    async with started(scripted(settings, folder, text), folder):
        assert "alice@example.com sip:a@192.0.2.1" == await told(folder)


async def test_a_script_may_be_told_from_a_reload_on(settings: Settings, folder: Path) -> None:
    """``event_callback`` can be changed while a node runs."""
    ours = scripted(settings, folder, SCRIPT)
    deaf = replace(ours, registrar=RegistrarSettings())
    async with started(deaf, folder) as ward:
        await ward.report(Ready)
        ward.channel.send(Apply(ours))
        await ward.report(Applied)

        assert "alice@example.com sip:a@192.0.2.1" == await told(folder)
