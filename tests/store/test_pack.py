"""Commands as bytes: what goes over the connection, and what no command can hold."""

from typing import Any, cast

import hiredis
import pytest

from regcluster.store.connection import Arg, pack


@pytest.mark.parametrize(
    "args",
    [
        (b"PING",),
        (b"SET", "käse", -12),
        (b"", "", 0, 2**64),
        (b"x" * 511, "y" * 512, b"z" * 513),
        (b"DEL", *[b"key"] * 62),
        (b"DEL", *[b"key"] * 63),
        (b"a\r\nb", "\0"),
    ],
)
def test_a_command_is_written_as_others_write_it(args: tuple[Arg, ...]) -> None:
    """The sizes are octets, and none is so long or so numerous that it is told wrongly."""
    # Its types speak of one argument.
    assert hiredis.pack_command(cast("Any", args)) == pack(args)


@pytest.mark.parametrize("arg", [None, bytearray(b"x"), [b"x"]])
def test_what_is_neither_text_nor_number_is_refused(arg: object) -> None:
    """It is somebody's mistake, which would else be kept as the word that Python has for it."""
    with pytest.raises(TypeError):
        pack((b"SET", b"key", cast("Arg", arg)))


def test_text_that_is_no_unicode_is_refused() -> None:
    """Whoever has octets of a peer's says which they are (``text_bytes``)."""
    with pytest.raises(UnicodeError):
        pack((b"SET", b"key", "\udcff"))
