"""The reply to a REGISTER (RFC 3261 §10.3 step 8)."""

from dataclasses import replace

import pytest

from regcluster.config import RegistrarSettings
from regcluster.registrar.answer import answer, expires_in, refuse
from regcluster.registrar.binding import Binding
from regcluster.registrar.gruu import Mint
from regcluster.registrar.plan import Outcome, Record, Refusal, SavePlan, Terms, Verdict
from regcluster.sip.reply import Reply
from tests.registrar.test_binding import BINDING

NOW = 1_289_690_940_000  # Sat, 13 Nov 2010 23:29:00 GMT
DATE = ("Date", "Sat, 13 Nov 2010 23:29:00 GMT")
PHONE = replace(BINDING, uri="sip:a@h", q=500, params=";ob", expires_at=NOW + 100_000)
TABLET = replace(BINDING, uri="sip:b@h", expires_at=NOW + 59_001)
RECORD = Record(NOW, [PHONE, TABLET])
LISTED = ("Contact", "<sip:a@h>;q=0.5;expires=100;ob, <sip:b@h>;expires=60")
DEFAULTS = RegistrarSettings()

PLAN = SavePlan("alice@h", "c1", 1, "", wipe=False, changes=[], max_contacts=0, cseq_delay=20)
INSTANCE = "<urn:uuid:aa>"
FLOW = replace(
    BINDING, uri="sip:a@h", params=";ob", instance=INSTANCE, reg_id=3, expires_at=NOW + 60_000
)
PUBLIC = ';pub-gruu="sip:alice@h;gr=urn:uuid:aa"'


def mint(aor: str, binding: Binding) -> str:
    return f"tgruu.{aor.partition('@')[0]}.{binding.ruid}"


def contact(binding: Binding, plan: SavePlan, settings: RegistrarSettings = DEFAULTS) -> str:
    """What the 200 says of ``binding``."""
    reply = answer(Verdict("added", Record(NOW, [binding])), plan, settings, mint)
    return dict(reply.headers)["Contact"]


def asked(path: str = "", gruu_host: str = "", is_outbound: bool = False) -> SavePlan:
    """The plan of a phone that asks for more."""
    return replace(PLAN, terms=Terms(path, gruu_host, is_outbound=is_outbound))


@pytest.mark.parametrize("outcome", ["added", "refreshed", "removed", "unchanged"])
def test_success_lists_every_binding_with_its_remaining_lifetime(outcome: Outcome) -> None:
    """Also those of other devices; with the date, so that phones can set their clock."""
    assert Reply(200, "OK", [LISTED, DATE]) == answer(Verdict(outcome, RECORD), PLAN, DEFAULTS)


@pytest.mark.parametrize(
    ("q", "shown"), [(-1, ""), (0, ";q=0"), (1, ";q=0.001"), (380, ";q=0.38"), (1000, ";q=1")]
)
def test_q_is_shown_as_it_was_given(q: int, shown: str) -> None:
    """No zeros at its end, and nothing where nothing was said: 0 is a preference too."""
    binding = replace(BINDING, uri="sip:a@h", q=q, expires_at=NOW + 60_000)

    reply = answer(Verdict("added", Record(NOW, [binding])), PLAN, DEFAULTS)

    assert ("Contact", f"<sip:a@h>{shown};expires=60") == reply.headers[0]


@pytest.mark.parametrize(
    ("param", "shown"),
    [
        ("received", ';received="sip:192.0.2.1:9;transport=tcp"'),
        ("rcvd", ';rcvd="sip:192.0.2.1:9;transport=tcp"'),
        ("", ""),
    ],
)
def test_received_is_shown_under_its_name(param: str, shown: str) -> None:
    """received_param names it, and empty hides where the devices of a user are (S-63)."""
    binding = replace(PHONE, received="sip:192.0.2.1:9;transport=tcp")

    said = contact(binding, PLAN, RegistrarSettings(received_param=param))

    assert f"<sip:a@h>;q=0.5;expires=100{shown};ob" == said


@pytest.mark.parametrize(
    ("binding", "shown"),
    [
        (FLOW, ';+sip.instance="<urn:uuid:aa>";reg-id=3;ob'),
        (replace(FLOW, reg_id=0), ';+sip.instance="<urn:uuid:aa>";ob'),
        (replace(FLOW, instance='<a"b\\c>'), ';+sip.instance="<a\\"b\\\\c>";reg-id=3;ob'),
        (replace(FLOW, instance=""), ";ob"),
    ],
)
def test_an_instance_is_given_back_with_its_flow(binding: Binding, shown: str) -> None:
    """Quoted so that what it holds cannot end it; without an instance there is no flow (S-20)."""
    settings = RegistrarSettings(gruu_enabled=0)

    assert f"<sip:a@h>;expires=60{shown}" == contact(binding, PLAN, settings)


def test_a_phone_that_asks_is_given_both_gruus() -> None:
    """Quoted, before instance and flow, as Kamailio orders them (RFC 5627 §5.2)."""
    said = contact(FLOW, asked(gruu_host="h"))

    assert (
        f'<sip:a@h>;expires=60{PUBLIC};temp-gruu="sip:tgruu.alice.uloc-1@h;gr"'
        ';+sip.instance="<urn:uuid:aa>";reg-id=3;ob'
    ) == said


def test_a_secure_aor_has_secure_gruus() -> None:
    """Both, or calls to them could be sent in the clear (RFC 5627 §5.4, gr-12)."""
    secure = replace(PLAN, terms=Terms(gruu_host="h", gruu_scheme="sips"))

    assert (
        '<sip:a@h>;expires=60;pub-gruu="sips:alice@h;gr=urn:uuid:aa"'
        ';temp-gruu="sips:tgruu.alice.uloc-1@h;gr"'
    ) == contact(FLOW, secure).partition(";+sip.instance")[0]


def test_a_contact_without_an_instance_has_no_gruus() -> None:
    """Only those of an instance have (RFC 5627 §5.2)."""
    assert "<sip:b@h>;expires=60" == contact(TABLET, asked(gruu_host="h"))


@pytest.mark.parametrize("make", [None, lambda aor, binding: ""], ids=["no mint", "no secret"])
def test_where_none_can_be_made_there_is_no_temporary_gruu(make: Mint | None) -> None:
    """The public one needs nothing and is given all the same."""
    verdict = Verdict("added", Record(NOW, [FLOW]))

    reply = answer(verdict, asked(gruu_host="h"), DEFAULTS, make)

    assert (
        "Contact",
        f'<sip:a@h>;expires=60{PUBLIC};+sip.instance="<urn:uuid:aa>";reg-id=3;ob',
    ) == reply.headers[0]


def test_the_path_is_given_back() -> None:
    """As it came, behind the contacts (RFC 3327 §5.3)."""
    plan = asked(path="<sip:p1;lr>,<sip:p2;lr>")

    reply = answer(Verdict("added", RECORD), plan, DEFAULTS)

    assert [LISTED, ("Path", "<sip:p1;lr>,<sip:p2;lr>"), DATE] == reply.headers


OFFERED, REQUIRED = ("Supported", "outbound"), ("Require", "outbound")
TIMER = ("Flow-Timer", "120")


@pytest.mark.parametrize(
    ("mode", "flow_timer", "is_outbound", "headers"),
    [
        (0, 120, False, []),
        (0, 120, True, []),
        (1, 120, False, [OFFERED]),
        (1, 120, True, [OFFERED, REQUIRED, TIMER]),
        (1, 0, True, [OFFERED, REQUIRED]),
        (2, 120, False, [REQUIRED, OFFERED, TIMER]),
        (2, 0, True, [REQUIRED, OFFERED]),
    ],
)
def test_outbound_mode_shows_in_the_answer(
    mode: int, flow_timer: int, is_outbound: bool, headers: list[tuple[str, str]]
) -> None:
    """1 offers it and confirms it to those who ask, 2 requires it of all (RFC 5626 §6)."""
    settings = RegistrarSettings(outbound_mode=mode, flow_timer=flow_timer)

    reply = answer(Verdict("added", RECORD), asked(is_outbound=is_outbound), settings)

    assert [LISTED, *headers, DATE] == reply.headers


def test_a_query_is_answered_like_a_save() -> None:
    """Who asks for nothing to change gets all headers the same (RFC 3261 §10.3 step 6)."""
    settings = RegistrarSettings(outbound_mode=1)
    verdict = Verdict("unchanged", Record(NOW, [FLOW]))

    reply = answer(verdict, asked(gruu_host="h", path="<sip:p;lr>"), settings, mint)

    assert ["Contact", "Path", "Supported", "Date"] == [name for name, _ in reply.headers]


@pytest.mark.parametrize("outcome", ["out_of_order", "too_many"])
def test_what_the_store_refused_is_told_no_more_than_the_contacts(outcome: Outcome) -> None:
    """Path, outbound and the date belong to a 200."""
    plan = asked(path="<sip:p;lr>", is_outbound=True)

    reply = answer(Verdict(outcome, RECORD), plan, RegistrarSettings(outbound_mode=2))

    assert ["Contact", "P-Registrar-Error"] == [name for name, _ in reply.headers]


def test_success_without_bindings_has_no_contact() -> None:
    """After ``Contact: *`` nothing is listed."""
    reply = answer(Verdict("removed", Record(NOW, [])), PLAN, DEFAULTS)

    assert Reply(200, "OK", [DATE]) == reply


def test_a_request_out_of_order_is_a_400_that_lists_what_stands() -> None:
    """An old CSeq in the same Call-ID changes nothing (Kamailio's ``R_INV_CSEQ``)."""
    reply = answer(Verdict("out_of_order", RECORD), PLAN, RegistrarSettings(retry_after=30))

    assert (
        Reply(
            400,
            "Invalid CSeq number",
            [LISTED, ("P-Registrar-Error", "Invalid CSeq number")],
        )
        == reply
    )


def test_too_many_contacts_is_a_503_that_lists_what_stands() -> None:
    """max_contacts is answered as Kamailio answers it."""
    reply = answer(Verdict("too_many", RECORD), PLAN, DEFAULTS)

    assert (
        Reply(
            503,
            "Service Unavailable",
            [LISTED, ("P-Registrar-Error", "Too many registered contacts")],
        )
        == reply
    )


def test_retry_after_goes_into_every_5xx() -> None:
    """retry_after, in seconds, where the parameter is set."""
    reply = answer(Verdict("too_many", Record(NOW, [])), PLAN, RegistrarSettings(retry_after=30))

    assert (
        Reply(
            503,
            "Service Unavailable",
            [("P-Registrar-Error", "Too many registered contacts"), ("Retry-After", "30")],
        )
        == reply
    )


def test_a_refusal_carries_its_headers_and_its_error() -> None:
    """Min-Expires before P-Registrar-Error, as Kamailio writes them."""
    refusal = Refusal(423, "Interval Too Brief", "Interval too brief", [("Min-Expires", "60")])

    assert Reply(
        423,
        "Interval Too Brief",
        [("Min-Expires", "60"), ("P-Registrar-Error", "Interval too brief")],
    ) == refuse(refusal, DEFAULTS)


def test_a_refusal_may_go_without_error_text() -> None:
    """No text, no P-Registrar-Error header."""
    refusal = Refusal(420, "Bad Extension", headers=[("Unsupported", "foo")])

    assert Reply(420, "Bad Extension", [("Unsupported", "foo")]) == refuse(refusal, DEFAULTS)


def test_remaining_time_is_rounded_up() -> None:
    """A binding that still lives never shows 0 seconds, a fresh one shows what was granted."""
    binding = replace(BINDING, expires_at=10_000)

    assert (1, 10) == (expires_in(binding, 9_999), expires_in(binding, 0))
