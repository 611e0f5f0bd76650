"""What a route script may say about one save or lookup."""

from regcluster.registrar.options import (
    PLAIN_LOOKUP,
    PLAIN_SAVE,
    LookupOptions,
    SaveFlag,
    SaveOptions,
)


def test_flags_have_kamailios_numbers() -> None:
    """So that save("location", "0x04") means what it means there."""
    assert [0x01, 0x02, 0x04, 0x08, 0x10] == [int(flag) for flag in SaveFlag]


def test_where_nobody_said_anything_the_plain_options_serve() -> None:
    """One value each for all requests of the built-in script."""
    assert (SaveOptions(), LookupOptions()) == (PLAIN_SAVE, PLAIN_LOOKUP)
