"""The JSON schema says what the settings classes say."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from msgspec import to_builtins

from regcluster.config import Settings
from regcluster.config.fields import FIELDS, Field
from regcluster.config.schema import document, schema
from regcluster.config.values import convert

PROBES: list[Any] = [
    *(-2, -1, 0, 1, 2, 31, 32, 100, 101, 402, 403, 404, 405, 999, 1000, 1001, 16384, 16385),
    *(2**32 - 1, 2**32, 0.5, -0.5, True, False, "", "rc", "a b", "redirect", "info", "flat"),
    *([], ["10.0.0.0/8"], [5], {}),
]


CHECK = Draft202012Validator(document())


def is_valid(settings: dict[str, Any]) -> bool:
    """Whether a settings file as ``settings`` is one by the schema."""
    return bool(CHECK.is_valid(settings))


def is_convertible(value: object, field: Field) -> bool:
    """Whether the reader takes ``value``."""
    try:
        convert(value, field)
    except ValueError:
        return False
    return True


def test_it_is_a_schema() -> None:
    """A validator takes it."""
    Draft202012Validator.check_schema(document())

    assert is_valid({})


def test_the_defaults_are_valid() -> None:
    """What a node runs with when nobody says anything is by the schema."""
    assert is_valid(to_builtins(Settings()))


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_it_takes_what_the_reader_takes(field: Field) -> None:
    """Whatever the reader refuses for its type or its limits is refused, and nothing else."""
    taken = [v for v in PROBES if is_valid({field.section: {field.name: v}})]

    assert [value for value in PROBES if is_convertible(value, field)] == taken


@pytest.mark.parametrize("wrong", [{"registra": {}}, {"registrar": {"max_contact": 1}}])
def test_an_unknown_name_is_refused(wrong: dict[str, Any]) -> None:
    """A misspelled section or key is no setting."""
    assert not is_valid(wrong)


def test_what_is_left_out_is_refused() -> None:
    """Somebody else's settings are not to be given."""
    check = Draft202012Validator(schema(without=["store.url"]))

    assert check.is_valid({"store": {"prefix": "rc"}})
    assert not check.is_valid({"store": {"url": "redis://here"}})


def test_a_field_has_its_meaning_default_and_limits() -> None:
    """An editor can show all there is to say."""
    sections: Any = document()["properties"]

    assert {
        "type": "integer",
        "minimum": 0,
        "maximum": 1,
        "default": 0,
        "description": "Below the floor: 0 raise to it, 1 refuse with 423.",
    } == sections["registrar"]["properties"]["min_expires_mode"]
    assert ["redirect", "forward"] == sections["routing"]["properties"]["mode"]["enum"]
