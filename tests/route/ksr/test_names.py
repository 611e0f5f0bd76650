"""What a script hears of a name that is not here."""

import pytest

from regcluster.errors import ScriptError
from regcluster.route.kemi import KSR
from regcluster.route.ksr.names import Names


def test_a_member_is_an_attribute() -> None:
    """As it was given."""
    assert 5 == Names("KSR.x", {"five": 5}).five


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    """By its whole path: the log line is enough to mend the script."""
    with pytest.raises(ScriptError) as refused:
        Names("KSR.x", {"exit": 1, "drop": 2}).modf()

    assert "there is no KSR.x.modf here; KSR.x has: drop, exit" == str(refused.value)


def test_an_unknown_module_is_refused_too() -> None:
    """KSR's own functions are listed beside its modules."""
    with pytest.raises(ScriptError, match=r"^there is no KSR\.rtpproxy here; KSR has: .*registrar"):
        _ = KSR.rtpproxy


def test_a_script_can_ask_whether_a_name_is_here() -> None:
    """Without being ended for it."""
    assert (True, False) == (hasattr(KSR, "registrar"), hasattr(KSR.registrar, "no_such"))
