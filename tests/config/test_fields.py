"""The list of fields follows the settings classes, and nothing is left out of it."""

from typing import Literal

from regcluster.config import Settings
from regcluster.config.fields import FIELDS, SECTIONS, fields_in


def test_every_field_of_every_section_is_listed_in_order() -> None:
    """A field added to a class is read, checked, shown and documented without more ado."""
    declared = [
        f"{section}.{name}"
        for section in Settings.__struct_fields__
        for name in getattr(Settings(), section).__struct_fields__
    ]

    assert declared == list(FIELDS)


def test_a_field_knows_its_type_limits_and_default() -> None:
    """What its annotation says can be asked for piece by piece."""
    partitions = FIELDS["store.partitions"]

    assert (int, 1, 16384, 256, False, ()) == (
        partitions.kind,
        partitions.limits.ge,
        partitions.limits.le,
        partitions.default,
        partitions.is_list,
        partitions.choices,
    )


def test_a_field_without_limits_has_empty_ones() -> None:
    """Asking for limits never fails."""
    field = FIELDS["listen.udp"]

    assert (None, list[str], True) == (field.limits.ge, field.kind, field.is_list)


def test_choices_keep_the_order_they_were_declared_in() -> None:
    """ "debug, info, warning, error" reads better than the alphabet."""
    field = FIELDS["log.level"]

    assert ("debug", "info", "warning", "error") == field.choices
    assert Literal["debug", "info", "warning", "error"] == field.kind


def test_fields_of_a_section_are_its_own() -> None:
    """Hints name the settings of one section only."""
    assert ["udp", "tcp"] == [field.name for field in fields_in("listen")][:2]
    assert "listen" in SECTIONS
