"""Commands as bytes: what goes over the connection, and what no command can hold."""

from typing import Any, cast

import hiredis
import pytest

from regcluster.config import StoreSettings
from regcluster.registrar.plan import Change
from regcluster.store.connection import Arg, pack, pack_four
from regcluster.store.keys import Keys
from regcluster.store.scripts import Scripts
from tests.store.alice import DESK, bind, flow, plan, remove


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


@pytest.mark.parametrize("size", [0, 1, 511, 512, 70_000])
def test_four_arguments_are_written_as_any_others(size: int) -> None:
    """However long they are."""
    words = (b"x" * size, b"", b"a\r\nb", b"y" * size)

    assert pack(words) == b"*4" + pack_four(words) + b"\r\n"


@pytest.mark.parametrize(
    "change", [bind(DESK), flow(DESK), remove(DESK), bind(f"{DESK};{'x' * 600}")]
)
def test_a_save_of_one_contact_is_written_as_any_other_command(change: Change) -> None:
    """Whoever sends it again packs it anew."""
    sent: list[tuple[tuple[Arg, ...], bytes]] = []

    class Noted:
        def send(self, args: tuple[Arg, ...], packed: bytes) -> None:
            sent.append((args, packed))

    settings = StoreSettings()
    Scripts(cast("Any", Noted()), Keys(settings), settings).save(plan(change))

    [(args, packed)] = sent
    assert pack(args) == packed
