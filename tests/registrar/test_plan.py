"""What passes between a decision and the store."""

import pytest

from regcluster.registrar.plan import Change, Refusal, SavePlan

CHANGE = Change("sip:a@h", 60, "sip:a@h", -1, "", "uloc-1")


@pytest.mark.parametrize(
    ("wipe", "changes", "is_query"),
    [
        pytest.param(False, [], True, id="no contact"),
        pytest.param(True, [], False, id="star"),
        pytest.param(False, [CHANGE], False, id="a contact"),
    ],
)
def test_a_plan_without_contacts_is_a_query(
    wipe: bool, changes: list[Change], is_query: bool
) -> None:
    """Only then is nothing to be changed (RFC 3261 §10.3 step 6)."""
    plan = SavePlan(
        aor="alice@example.com",
        call_id="c1",
        cseq=1,
        user_agent="",
        wipe=wipe,
        changes=changes,
        max_contacts=0,
        cseq_delay=20,
    )

    assert is_query == plan.is_query


def test_a_refusal_adds_no_header_unless_it_says_so() -> None:
    """Neither an error text nor headers; and no two refusals share their list of headers."""
    one, other = Refusal(404, "Not Found"), Refusal(404, "Not Found")
    one.headers.append(("X-Test", "1"))

    assert ("", []) == (other.error, other.headers)
