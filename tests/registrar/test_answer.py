"""The reply to a REGISTER (RFC 3261 §10.3 step 8)."""

from dataclasses import replace

import pytest

from regcluster.config import RegistrarSettings
from regcluster.registrar.answer import answer, expires_in, refuse
from regcluster.registrar.plan import Outcome, Record, Refusal, Verdict
from regcluster.sip.reply import Reply
from tests.registrar.test_binding import BINDING

NOW = 1_289_690_940_000  # Sat, 13 Nov 2010 23:29:00 GMT
DATE = ("Date", "Sat, 13 Nov 2010 23:29:00 GMT")
PHONE = replace(BINDING, uri="sip:a@h", q=500, params=";ob", expires_at=NOW + 100_000)
TABLET = replace(BINDING, uri="sip:b@h", expires_at=NOW + 59_001)
RECORD = Record(NOW, [PHONE, TABLET])
LISTED = ("Contact", "<sip:a@h>;q=0.5;expires=100;ob, <sip:b@h>;expires=60")
DEFAULTS = RegistrarSettings()


@pytest.mark.parametrize("outcome", ["added", "refreshed", "removed", "unchanged"])
def test_success_lists_every_binding_with_its_remaining_lifetime(outcome: Outcome) -> None:
    """Also those of other devices; with the date, so that phones can set their clock."""
    assert Reply(200, "OK", [LISTED, DATE]) == answer(Verdict(outcome, RECORD), DEFAULTS)


@pytest.mark.parametrize(
    ("q", "shown"), [(-1, ""), (0, ";q=0"), (1, ";q=0.001"), (380, ";q=0.38"), (1000, ";q=1")]
)
def test_q_is_shown_as_it_was_given(q: int, shown: str) -> None:
    """No zeros at its end, and nothing where nothing was said: 0 is a preference too."""
    binding = replace(BINDING, uri="sip:a@h", q=q, expires_at=NOW + 60_000)

    reply = answer(Verdict("added", Record(NOW, [binding])), DEFAULTS)

    assert ("Contact", f"<sip:a@h>{shown};expires=60") == reply.headers[0]


def test_success_without_bindings_has_no_contact() -> None:
    """After ``Contact: *`` nothing is listed."""
    reply = answer(Verdict("removed", Record(NOW, [])), DEFAULTS)

    assert Reply(200, "OK", [DATE]) == reply


def test_a_request_out_of_order_is_a_400_that_lists_what_stands() -> None:
    """An old CSeq in the same Call-ID changes nothing (Kamailio's ``R_INV_CSEQ``)."""
    reply = answer(Verdict("out_of_order", RECORD), RegistrarSettings(retry_after=30))

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
    reply = answer(Verdict("too_many", RECORD), DEFAULTS)

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
    reply = answer(Verdict("too_many", Record(NOW, [])), RegistrarSettings(retry_after=30))

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
