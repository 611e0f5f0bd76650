"""KSR itself: lines, methods, flags, addresses, the Request-URI and the end of a script."""

import json
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from regcluster import log
from regcluster.config import LogSettings
from regcluster.errors import ScriptError
from regcluster.route.kemi import KSR
from regcluster.sip.message import METHODS
from regcluster.testing import Phone
from tests.control.watch import own_log
from tests.route.ksr.script import ALICE, BOB, kemi, status_of, told

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("write", "level"),
    [
        (lambda: KSR.dbg("text\n"), "debug"),
        (lambda: KSR.info("text\n"), "info"),
        (lambda: KSR.notice("text\n"), "info"),
        (lambda: KSR.warn("text\n"), "warning"),
        (lambda: KSR.err("text\n"), "error"),
        (lambda: KSR.crit("text\n"), "critical"),
        (lambda: KSR.log("warn", "text\n"), "warning"),
        (lambda: KSR.log("whatever", "text\n"), "debug"),
    ],
)
def test_a_line_is_logged_at_its_level(write: Callable[[], int], level: str) -> None:
    """At any time, requests or not; the line end is the log's own business."""
    with capture_logs() as lines:
        write()

    assert [("script", "text", level)] == [
        (line["event"], line["text"], line["log_level"]) for line in lines
    ]


async def test_every_method_can_be_asked_for_by_name() -> None:
    """Of all these questions one is answered with yes."""

    def ask() -> list[str]:
        return [method for method in sorted(METHODS) if getattr(KSR, f"is_{method}")()]

    phone = Phone(ALICE)

    assert [["REGISTER"], ["INVITE"], ["BYE"]] == [
        await told(ask, phone.register()),
        await told(ask, phone.invite(BOB)),
        await told(ask, phone.request("BYE", BOB)),
    ]


def test_a_line_goes_by_the_settings_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of now, its level among them, though scripts import KSR before or after."""
    with own_log():
        log.configure(LogSettings(level="warning", format="json"))
        KSR.info("not worth a line\n")
        KSR.err("text\n")
        written = capsys.readouterr()

    assert ("", "text") == (written.out, json.loads(written.err)["text"])


@pytest.mark.parametrize(
    ("letters", "is_in"), [("I", True), ("bi", True), ("R", False), ("", False), ("?", False)]
)
async def test_letters_stand_for_methods(letters: str, is_in: bool) -> None:
    """Of either case; those that stand for nothing match nothing."""
    assert is_in is await told(lambda: KSR.is_method_in(letters))


async def test_a_method_is_compared_with_case() -> None:
    """Methods have case (RFC 3261 §7.1)."""
    assert (True, False) == await told(lambda: (KSR.is_method("INVITE"), KSR.is_method("invite")))


@pytest.mark.parametrize(
    ("uri", "is_ours"),
    [
        ("sip:192.0.2.1", True),
        ("sip:alice@192.0.2.1:5060", True),
        ("192.0.2.1", True),
        ("192.0.2.1:5070", False),
        ("192.0.2.2", False),
        ("[2001:db8::1]", False),
        ("tel:+1", False),
        ("", False),
    ],
)
async def test_a_node_knows_itself(uri: str, is_ours: bool) -> None:
    """By its addresses, as URI or bare."""
    assert is_ours is await told(lambda: KSR.is_myself(uri))


async def test_a_node_finds_itself_in_request_uri_from_and_to() -> None:
    """Each is asked for by its own name."""
    data = Phone(BOB).invite("sip:192.0.2.1", to="<sip:x@192.0.2.2>")

    assert (True, False, False) == await told(
        lambda: (KSR.is_myself_ruri(), KSR.is_myself_furi(), KSR.is_myself_turi()), data
    )


async def test_flags_of_the_message_are_set_and_taken_back() -> None:
    """Each by itself."""

    def ask() -> tuple[bool, ...]:
        before = KSR.isflagset(3)
        KSR.setflag(3)
        KSR.setflag(4)
        KSR.resetflag(4)
        return before, KSR.isflagset(3), KSR.isflagset(4)

    assert (False, True, False) == await told(ask)


async def test_flags_of_a_branch_are_its_own() -> None:
    """Branch 0 is meant where none is named."""

    def ask() -> tuple[bool, ...]:
        KSR.setbflag(6)
        KSR.setbiflag(7, 0)
        KSR.resetbflag(7)
        return KSR.isbflagset(6), KSR.isbiflagset(7, 0), KSR.isflagset(6)

    assert (True, False, False) == await told(ask)


async def test_the_request_uri_is_changed_part_by_part() -> None:
    """User, host, all of it; a new host has no port of the old one."""

    def ask() -> list[object]:
        KSR.seturi("sip:carol@example.com:5070;transport=tcp")
        KSR.setuser("dave")
        KSR.sethost("example.net")
        return [KSR.pv.get("$ru")]

    assert ["sip:dave@example.net;transport=tcp"] == await told(ask)


async def test_a_destination_is_set_and_taken_back() -> None:
    """It stands apart from the Request-URI."""

    def ask() -> tuple[object, ...]:
        KSR.setdsturi("sip:192.0.2.77")
        during = (KSR.isdsturiset(), KSR.pv.get("$du"), KSR.pv.get("$ru"))
        KSR.resetdsturi()
        return (*during, KSR.isdsturiset())

    assert (True, "sip:192.0.2.77", ALICE, False) == await told(ask)


@pytest.mark.parametrize("leave", [KSR.x.exit, KSR.x.drop])
async def test_an_exit_ends_the_script_where_it_stands(leave: Callable[[], object]) -> None:
    """From however deep; what was decided before holds."""

    def script() -> None:
        KSR.sl.send_reply(486, "Busy Here")
        try:
            leave()
        except Exception:
            KSR.sl.send_reply(500, "Not This")

    assert [486] == await status_of(script, [Phone(BOB).invite(ALICE)])


async def test_what_a_script_raises_reaches_the_worker() -> None:
    """It answers 500."""
    async with kemi(lambda: KSR.setflag(32)) as bench:
        with pytest.raises(ScriptError, match="there is no flag 32"):
            await bench.send(Phone(BOB).invite(ALICE))
