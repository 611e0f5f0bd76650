"""What a script is shown of bindings: which fields, in which shape and order."""

from dataclasses import replace
from typing import Any

import pytest

from regcluster.config import RegistrarSettings
from regcluster.location import Profile
from regcluster.registrar.plan import Record
from regcluster.route.call import Call
from regcluster.route.exports import show_bindings, show_kept, show_profile, show_record
from tests.registrar.test_binding import BINDING
from tests.route.stage import call_of
from tests.test_location import location_with, read
from tests.wire import invite

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000_000
ONE = replace(BINDING, uri="sip:one@h", ruid="uloc-1", expires_at=NOW + 60_000)
TWO = replace(
    BINDING,
    uri="sip:two@h",
    ruid="uloc-2",
    expires_at=NOW - 5_000,
    received="sip:nat",
    path="<sip:p;lr>",
    socket="tcp:192.0.2.9:5070",
)
BOTH = Record(NOW, [ONE, TWO])


async def a_call() -> Call:
    async with location_with() as location:
        return call_of(read(invite()), location)


def settings(**more: Any) -> RegistrarSettings:
    return RegistrarSettings(xavp_rcd="rcd", **more)


async def test_nothing_is_shown_where_no_setting_names_the_xavp() -> None:
    """``xavp_rcd`` is off by default, and then costs nothing."""
    call = await a_call()
    show_record(call, RegistrarSettings(), BOTH)

    assert False is call.has_values


async def test_bindings_are_flattened_into_one_root() -> None:
    """As in Kamailio: the last one's values are first, and what one lacks leaves no gap (S-48)."""
    call = await a_call()
    show_record(call, settings(), BOTH)
    [root] = call.xavp.roots("rcd")

    assert {
        "ruid": ["uloc-2", "uloc-1"],
        "contact": ["sip:two@h", "sip:one@h"],
        "expires": [-5, 60],
        "received": ["sip:nat"],
        "path": ["<sip:p;lr>"],
    } == {child: root.all(child) for child in root}


async def test_bindings_shown_later_go_in_front_in_the_same_root() -> None:
    """Calls within one request accumulate."""
    call = await a_call()
    show_bindings(call, settings(), [(ONE, 60)])
    show_bindings(call, settings(), [(TWO, 9)])
    [root] = call.xavp.roots("rcd")

    assert [9, 60] == root.all("expires")


async def test_bindings_have_a_root_each_if_so_configured() -> None:
    """``rcd_shape``: the first binding's root is first, and what one lacks is not there."""
    call = await a_call()
    show_record(call, settings(rcd_shape="roots"), BOTH)

    assert [
        {"ruid": "uloc-1", "contact": "sip:one@h", "expires": 60},
        {
            "ruid": "uloc-2",
            "contact": "sip:two@h",
            "expires": -5,
            "received": "sip:nat",
            "path": "<sip:p;lr>",
        },
    ] == [root.newest() for root in call.xavp.roots("rcd")]


@pytest.mark.parametrize(
    ("mask", "fields"),
    [
        (0, ["ruid", "contact", "expires", "received", "path"]),
        (1, ["contact", "expires", "received", "path"]),
        (2, ["ruid", "expires", "received", "path"]),
        (4, ["ruid", "contact", "received", "path"]),
        (8, ["ruid", "contact", "expires", "path"]),
        (16, ["ruid", "contact", "expires", "received"]),
        (31, []),
    ],
)
async def test_a_bit_of_the_mask_leaves_its_field_out(mask: int, fields: list[str]) -> None:
    """``xavp_rcd_mask``."""
    call = await a_call()
    show_bindings(call, settings(xavp_rcd_mask=mask), [(TWO, 9)])

    assert fields == list(call.xavp.newest("rcd"))


async def test_what_was_kept_comes_back_as_the_newest_root() -> None:
    """In front of what the script has there already."""
    call = await a_call()
    call.xavp.add_root("kept", {"desk": 1})
    show_kept(call, "kept", {"desk": 2})

    assert [2, 1] == [root.first("desk") for root in call.xavp.roots("kept")]


@pytest.mark.parametrize(("name", "kept"), [("", {"desk": 2}), ("kept", None)])
async def test_nothing_comes_back_where_nothing_was_kept(
    name: str, kept: dict[str, str | int] | None
) -> None:
    """No empty root appears."""
    call = await a_call()
    show_kept(call, name, kept)

    assert False is call.has_values


async def test_a_record_is_shown_as_roots() -> None:
    """``lookup_xavp``: one for the AOR, one for each contact, in record order.

    A socket is shown only if it is one of ours, for nobody else's can be sent from.
    """
    call = await a_call()
    elsewhere = replace(ONE, socket="udp:198.51.100.7:5060")
    show_profile(
        call, Profile("alice@h", "location", Record(NOW, [elsewhere, TWO])), "aor", "contact"
    )

    assert (
        [{"aor": "alice@h", "count": 2}],
        [
            {"uri": "sip:one@h"},
            {"uri": "sip:two@h", "socket": "tcp:192.0.2.9:5070", "dsturi": "sip:nat"},
        ],
    ) == (
        [root.newest() for root in call.xavp.roots("aor")],
        [root.newest() for root in call.xavp.roots("contact")],
    )
