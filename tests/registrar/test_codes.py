"""The numbers that the registrar's functions return."""

import pytest

from regcluster.registrar.codes import LookupCode, SaveCode, UnregisterCode


@pytest.mark.parametrize("codes", [SaveCode, LookupCode, UnregisterCode])
def test_a_code_is_true_above_zero(codes: type[SaveCode | LookupCode | UnregisterCode]) -> None:
    """In Python a bare -1 would be true, and a script would go on with what was not found."""
    assert [code > 0 for code in codes] == [bool(code) for code in codes]
