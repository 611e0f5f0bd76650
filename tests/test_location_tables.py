"""What a script asks the location service beside saves and lookups, and of which table."""

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.errors import ScriptError
from regcluster.location import Profile
from regcluster.registrar.codes import SaveCode, UnregisterCode
from regcluster.registrar.options import LookupOptions, SaveOptions
from regcluster.sip.uri import parse_uri
from tests.test_location import ALICE, ONE, TWO, location_with, read
from tests.wire import register

pytestmark = pytest.mark.anyio


def uris(profile: Profile | None) -> list[str]:
    return [binding.uri for binding in profile.record.bindings] if profile else []


async def test_tables_are_apart() -> None:
    """What is saved in one is not found in another, nor counted, nor removed."""
    settings = LocationSettings(tables=["location", "other"])
    async with location_with(register(contact=ONE), location=settings) as location:
        saved = await location.save(read(register(contact=TWO)), SaveOptions(table="other"))
        found = await location.lookup(ALICE, LookupOptions(table="other"))
        dropped = await location.unregister(ALICE, table="other")
        left = [await location.fetch(ALICE), await location.fetch(ALICE, "other")]

    assert ([TWO.strip("<>")], [TWO.strip("<>")], UnregisterCode.DONE, [True, False]) == (
        [binding.uri for binding in saved.record.bindings] if saved.record else None,
        [branch.uri for branch in found.branches],
        dropped,
        [profile is not None for profile in left],
    )


async def test_a_query_asks_the_table_it_is_for() -> None:
    """RFC 3261 §10.3 step 6 holds for each of them."""
    settings = LocationSettings(tables=["location", "other"])
    async with location_with(register(contact=ONE), location=settings) as location:
        saved = await location.save(read(register(contact=None)), SaveOptions(table="other"))

    assert (SaveCode.QUERIED, []) == (saved.code, saved.record and saved.record.bindings)


async def test_a_table_that_nobody_has_declared_is_a_mistake_of_the_script() -> None:
    """It is told which one, and where to declare it."""
    async with location_with() as location:
        for asked in (
            location.save(read(register()), SaveOptions(table="nowhere")),
            location.lookup(ALICE, LookupOptions(table="nowhere")),
            location.registered(ALICE, lambda _: True, "nowhere"),
            location.fetch(ALICE, "nowhere"),
            location.unregister(ALICE, table="nowhere"),
        ):
            with pytest.raises(ScriptError, match=r"'nowhere' \(location.tables\)"):
                await asked


async def test_the_first_table_is_the_one_meant_by_default() -> None:
    """Whatever its name."""
    settings = LocationSettings(tables=["mine", "other"])
    async with location_with(location=settings) as location:
        await location.save(read(register()), SaveOptions(table="mine"))
        profile = await location.fetch(ALICE)

    assert ("alice@example.test", "mine") == (profile and (profile.aor, profile.table))


async def test_registered_gives_the_first_contact_that_matches() -> None:
    """Alone, so that a script sees which one it was."""
    async with location_with(register(contact=f"{ONE};q=1, {TWO}")) as location:
        first = await location.registered(ALICE, lambda _: True)
        second = await location.registered(ALICE, lambda binding: binding.q < 0)
        none = await location.registered(ALICE, lambda _: False)
        nobody = await location.registered(parse_uri("sip:bob@example.test"), lambda _: True)

    assert ([ONE.strip("<>")], [TWO.strip("<>")], None, None) == (
        uris(first),
        uris(second),
        none,
        nobody,
    )


@pytest.mark.parametrize("uses_expired", [0, 1])
async def test_expired_contacts_are_used_if_so_configured(uses_expired: int) -> None:
    """``use_expired_contacts``: in lookups and ``registered``, as long as the store has them."""
    now = [100.0]
    settings = RegistrarSettings(use_expired_contacts=uses_expired)
    async with location_with(
        register(expires=60), registrar=settings, clock=lambda: now[0]
    ) as location:
        now[0] += 61
        found = await location.lookup(ALICE)
        registered = await location.registered(ALICE, lambda _: True)

    assert (uses_expired, uses_expired) == (len(found.branches), len(uris(registered)))


async def test_what_has_expired_is_fetched_only_when_asked_for() -> None:
    """``expired_contacts`` lets a script ask."""
    now = [100.0]
    async with location_with(register(expires=60), clock=lambda: now[0]) as location:
        now[0] += 61
        live, all_of_them = await location.fetch(ALICE), await location.fetch(ALICE, expired=True)

    assert (0, 1) == (len(uris(live)), len(uris(all_of_them)))


@pytest.mark.parametrize("uri", ["tel:+1", "sip:bob@example.test"])
async def test_nothing_is_fetched_for_whoever_has_no_contact(uri: str) -> None:
    """Nor for a URI that is no AOR."""
    async with location_with(register()) as location:
        profile = await location.fetch(parse_uri(uri))

    assert None is profile


async def test_one_contact_can_be_unregistered_by_its_ruid() -> None:
    """The others stay, and a second time there is none."""
    async with location_with(register(contact=f"{ONE};q=1, {TWO}")) as location:
        profile = await location.fetch(ALICE)
        ruid = profile.record.bindings[0].ruid if profile else ""
        codes = [await location.unregister(ALICE, ruid) for _ in range(2)]
        left = await location.fetch(ALICE)

    assert ([UnregisterCode.DONE, UnregisterCode.NOT_FOUND], [TWO.strip("<>")]) == (
        codes,
        uris(left),
    )


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("sip:alice@example.test", UnregisterCode.DONE),
        ("sip:bob@example.test", UnregisterCode.DONE),
        ("tel:+1", UnregisterCode.BAD_AOR),
    ],
)
async def test_unregistering_whoever_is_not_there_is_no_failure(
    uri: str, code: UnregisterCode
) -> None:
    """As in Kamailio; a URI that is no AOR is one."""
    async with location_with(register()) as location:
        outcome = await location.unregister(parse_uri(uri))

    assert code == outcome
