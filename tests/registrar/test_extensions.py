"""Option tags: what is required of us, and what a phone supports."""

import pytest

from regcluster.config import RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.extensions import (
    NO_EXTENSIONS,
    Extensions,
    read_extensions,
    refuse_required,
)
from regcluster.registrar.plan import Refusal
from tests.registrar.planning import register


def test_a_request_that_speaks_of_none_costs_none() -> None:
    """They all share one value, by which they are told."""
    assert read_extensions(register()) is NO_EXTENSIONS


@pytest.mark.parametrize(
    ("headers", "required", "supported"),
    [
        (["Require: Foo, bar"], ("foo", "bar"), None),
        (["Require:"], (), None),
        (["Supported: PATH, gruu"], (), {"path", "gruu"}),
        (["k: path", "Supported: outbound"], (), {"path", "outbound"}),
        (["Supported: path gruu,, outbound,"], (), {"path", "gruu", "outbound"}),
        (["Supported:"], (), set()),
        (["Require: a", "Supported: b", "Require: c"], ("a", "c"), {"b"}),
    ],
)
def test_tags_are_read_whatever_their_case(
    headers: list[str], required: tuple[str, ...], supported: set[str] | None
) -> None:
    """All rows together; what is only offered is read with all liberties."""
    tags = None if supported is None else frozenset(supported)

    assert Extensions(required, tags) == read_extensions(register(*headers))


def test_a_demand_must_be_understood() -> None:
    """Nobody can say whether we meet a Require that breaks the grammar."""
    with pytest.raises(MalformedHeader):
        read_extensions(register("Require: a,,b"))


@pytest.mark.parametrize(
    ("supported", "has_it"),
    [(None, False), (frozenset(), False), (frozenset({"path"}), True)],
)
def test_a_phone_supports_what_it_lists(supported: frozenset[str] | None, has_it: bool) -> None:
    """No header, or an empty one, is a no."""
    assert has_it == Extensions(("path",), supported).supports("path")


@pytest.mark.parametrize(
    ("tag", "settings"),
    [
        ("path", RegistrarSettings(use_path=1)),
        ("gruu", RegistrarSettings(gruu_enabled=1)),
        ("outbound", RegistrarSettings(outbound_mode=1)),
        ("outbound", RegistrarSettings(outbound_mode=2)),
    ],
)
def test_what_is_switched_on_may_be_required(tag: str, settings: RegistrarSettings) -> None:
    """Each extension has its parameter."""
    assert None is refuse_required((tag,), settings)


OFF = RegistrarSettings(use_path=0, gruu_enabled=0, outbound_mode=0)
NO_OUTBOUND = "No support for Outbound on server"


@pytest.mark.parametrize(
    ("required", "error", "unsupported"),
    [
        (("path",), "", "path"),
        (("gruu",), "", "gruu"),
        (("outbound",), NO_OUTBOUND, "outbound"),
        (("foo", "outbound", "100rel"), NO_OUTBOUND, "foo, outbound, 100rel"),
    ],
)
def test_anything_else_is_refused_by_name(
    required: tuple[str, ...], error: str, unsupported: str
) -> None:
    """420 with Unsupported naming exactly the unknown tags (RFC 3261 §8.2.2.3, S-25)."""
    assert Refusal(420, "Bad Extension", error, [("Unsupported", unsupported)]) == refuse_required(
        required, OFF
    )


def test_unknown_tags_may_be_ignored() -> None:
    """unknown_require "ignore" is Kamailio's way; outbound is refused there too."""
    settings = RegistrarSettings(unknown_require="ignore")
    outbound = Refusal(420, "Bad Extension", NO_OUTBOUND, [("Unsupported", "outbound")])

    assert (None, outbound) == (
        refuse_required(("foo",), settings),
        refuse_required(("foo", "outbound"), settings),
    )
