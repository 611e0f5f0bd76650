"""Header rows read and added, and the small questions about a request."""

import pytest

from regcluster.errors import ScriptError
from regcluster.route.call import Forward
from regcluster.route.kemi import KSR
from regcluster.testing import Phone
from tests.route.ksr.script import ALICE, BOB, kemi, told

pytestmark = pytest.mark.anyio

PHONE = Phone(BOB, "192.0.2.20")


async def test_headers_are_read_by_name_and_number() -> None:
    """In any case and in their compact form; None where there is none."""
    data = PHONE.invite(ALICE, x_row=["one", "two"])

    assert ["one", "two", "two", None, None, "", 1, -1] == await told(
        lambda: [
            KSR.hdr.get("x-row"),
            KSR.hdr.get_idx("X-Row", 1),
            KSR.hdr.get_idx("X-Row", -1),
            KSR.hdr.get_idx("X-Row", 2),
            KSR.hdr.get("X-None"),
            KSR.hdr.gete("X-None"),
            KSR.hdr.is_present("f"),
            KSR.hdr.is_present("X-None"),
        ],
        data,
    )


async def test_rows_are_added_to_what_is_sent_on() -> None:
    """One or several in a text, with or without the last line end."""

    def script() -> None:
        KSR.hdr.append("P-Hint: outbound\r\n")
        KSR.hdr.append("X-A: 1\r\nX-B: 2")
        KSR.seturi("sip:alice@192.0.2.10")
        KSR.tm.t_relay()

    async with kemi(script) as bench:
        await bench.send(PHONE.invite(ALICE))

        assert [[("P-Hint", "outbound"), ("X-A", "1"), ("X-B", "2")]] == [
            effect.headers for effect in bench.effects if isinstance(effect, Forward)
        ]


async def test_rows_are_added_to_the_reply_of_the_registrar() -> None:
    """Before it is made, as in Kamailio."""

    def script() -> None:
        KSR.hdr.append_to_reply("Service-Route: <sip:192.0.2.1;lr>\r\n")
        KSR.registrar.save("location", 0)

    async with kemi(script) as bench:
        reply = await bench.send(Phone(ALICE).register())
    assert reply is not None

    assert "<sip:192.0.2.1;lr>" == reply.first("service-route")


@pytest.mark.parametrize("text", ["", "P-Hint", "P Hint: x", ": x", "A: b\rc", "A: b\r\n\r\nB: c"])
async def test_what_is_no_row_is_refused(text: str) -> None:
    """No script can add a header by accident, or by what a peer has sent."""
    with pytest.raises(ScriptError, match="is no header row"):
        await told(lambda: KSR.hdr.append(text))


@pytest.mark.parametrize(
    ("data", "answers"),
    [
        (PHONE.invite(ALICE, user_agent="x"), [-1, 1, 1, 1]),
        (PHONE.request("BYE", ALICE, to=f"<{ALICE}>;tag=1"), [1, 1, -1, 1]),
        (PHONE.invite("sip:example.com", max_forwards=0), [-1, -1, -1, -1]),
        (PHONE.invite("tel:+15550100", max_forwards=None), [-1, -1, -1, 1]),
    ],
)
async def test_a_request_is_asked_small_questions(data: bytes, answers: list[int]) -> None:
    """To tag, user of the Request-URI, User-Agent, hops left."""
    assert answers == await told(
        lambda: [
            KSR.siputils.has_totag(),
            KSR.corex.has_ruri_user(),
            KSR.corex.has_user_agent(),
            KSR.maxfwd.process_maxfwd(10),
        ],
        data,
    )


async def test_what_reaches_a_script_is_a_sane_request() -> None:
    """Whatever is asked of it: the parser has let it pass."""
    assert [1, -1, 1, 1] == await told(
        lambda: [
            KSR.siputils.is_request(),
            KSR.siputils.is_reply(),
            KSR.sanity.sanity_check(17895, 7),
            KSR.sanity.sanity_check_defaults(),
        ]
    )
