"""Addresses-of-record over HTTP: listed, shown, bound and removed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from starlette.requests import Request

from regcluster.config import LocationSettings, RegistrarSettings, Settings
from regcluster.control import output
from regcluster.control.api.answers import Problem
from regcluster.control.api.aors import list_aors
from regcluster.control.api.desk import Desk
from regcluster.store import RedisStore
from tests.control.api.speaker import FEW, Speaker, now, spoken_for
from tests.control.command import ALICE, DESK, binding, hold
from tests.servers import FakeredisServer

pytestmark = pytest.mark.anyio

MOBILE = "sip:alice@192.0.2.2"


def settings(
    registrar: RegistrarSettings | None = None, location: LocationSettings | None = None
) -> Settings:
    """The settings of a node."""
    return Settings(
        store=FEW,
        registrar=registrar or RegistrarSettings(),
        location=location or LocationSettings(),
    )


async def listed(client: Any, **asked: Any) -> list[str]:
    """The AORs on one page."""
    return [row["aor"] for row in (await client.get("/aors", params=asked)).json()["aors"]]


async def test_an_aor_is_shown_as_the_command_line_shows_it(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """The same document, so that a program can take either."""
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        await hold(store, {("location", ALICE): [binding(now(), path="<sip:p@192.0.2.9;lr>")]})
        answer = await client.get(f"/aors/{ALICE}")
        record = await store.fetch(ALICE)

    expected = output.record_document(ALICE, record)
    told = answer.json()
    assert expected["contacts"] == told["contacts"]
    assert expected["aor"] == told["aor"]
    assert ["application/json", "no-store"] == [
        answer.headers[name] for name in ("content-type", "cache-control")
    ]


@pytest.mark.parametrize(
    "text",
    [
        ALICE,
        f"sip:{ALICE}",
        "sip%3Aalice%40example.com",
        "ALICE@Example.COM",
        "%61lice@example.com",
    ],
)
async def test_an_aor_may_be_spelled_as_a_phone_spells_it(
    fakeredis: FakeredisServer, tmp_path: Path, text: str
) -> None:
    """As a URI or without its scheme, in any case, percent-encoded as a path wants it."""
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        await hold(store, {("location", ALICE): [binding(now())]})
        answer = await client.get(f"/aors/{text}")

    assert ALICE == answer.json()["aor"]


@pytest.mark.parametrize("aor", ["a/b@example.com", "a?b@example.com", "a%20b@example.com"])
async def test_whatever_an_aor_is_made_of_its_href_leads_to_it(
    fakeredis: FakeredisServer, tmp_path: Path, aor: str
) -> None:
    """Slashes, question marks and escapes in a user's name are nothing special."""
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        await hold(store, {("location", aor): [binding(now())]})
        row = (await client.get("/aors")).json()["aors"][0]
        answer = await client.get(f"http://127.0.0.1:8080{row['href']}")

    assert aor == answer.json()["aor"]


async def test_the_aor_of_a_host_has_an_href_that_leads_to_it(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """Though a bare word is refused, for nobody means a host by it."""
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        await hold(store, {("location", "intercom"): [binding(now())]})
        row = (await client.get("/aors")).json()["aors"][0]
        answer = await client.get(f"http://127.0.0.1:8080{row['href']}")
        bare = await client.get("/aors/intercom")

    assert ("/api/v1/aors/sip:intercom", 200) == (row["href"], answer.status_code)
    assert 400 == bare.status_code


async def test_users_without_domains_have_hrefs_too(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """Where use_domain is 0 the user alone is the AOR."""
    given = settings(location=LocationSettings(use_domain=0))
    async with spoken_for(fakeredis, tmp_path, given) as (client, store):
        await hold(store, {("location", "alice"): [binding(now())]})
        row = (await client.get("/aors")).json()["aors"][0]
        answer = await client.get(f"http://127.0.0.1:8080{row['href']}")

    assert "alice" == answer.json()["aor"]


async def test_pages_together_are_the_whole_list(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """Each AOR once, whatever the size of a page; the last page has no cursor."""
    names = [f"user{number}@example.com" for number in range(25)]
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        await hold(store, {("location", name): [binding(now())] for name in names})
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (await client.get("/aors", params={"limit": 7, "cursor": cursor})).json()
            found += [row["aor"] for row in page["aors"]]
            cursor = page["cursor"]

    assert sorted(names) == sorted(found)


async def test_a_row_says_how_many_contacts_there_are(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """Those that have not expired."""
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        mobile = binding(now(), MOBILE, key="2", ruid="uloc-2")
        await hold(store, {("location", ALICE): [binding(now()), mobile]})
        page = (await client.get("/aors")).json()

    row = {"aor": ALICE, "contacts": 2, "href": f"/api/v1/aors/{ALICE}"}
    assert {"aors": [row], "cursor": None} == page


async def test_a_list_can_be_narrowed(fakeredis: FakeredisServer, tmp_path: Path) -> None:
    """To what begins with something, to a domain, to a table."""
    names = ["alice@example.com", "albert@example.net", "bob@example.com"]
    given = settings(location=LocationSettings(tables=["location", "desk"]))
    async with spoken_for(fakeredis, tmp_path, given) as (client, store):
        await hold(store, {("location", name): [binding(now())] for name in names})
        await hold(store, {("desk", "carol@example.com"): [binding(now())]})
        found = [
            sorted(await listed(client, **asked))
            for asked in (
                {"prefix": "al"},
                {"domain": "EXAMPLE.com"},
                {"prefix": "al", "domain": "example.com"},
                {"table": "desk"},
                {"prefix": "nobody"},
            )
        ]

    assert [
        ["albert@example.net", "alice@example.com"],
        ["alice@example.com", "bob@example.com"],
        ["alice@example.com"],
        ["carol@example.com"],
        [],
    ] == found


class Endless:
    """A store that is never through with a search."""

    async def scan(self, *_: object) -> AsyncIterator[str]:
        """Find nothing, and go on."""
        await anyio.sleep_forever()
        yield ""


async def test_a_search_that_takes_too_long_is_given_up() -> None:
    """503, with what to do instead."""
    desk = Desk(Speaker(cast("RedisStore", Endless())), search_s=0.01)
    request = Request({"type": "http", "method": "GET", "query_string": b"prefix=zz"})
    with pytest.raises(Problem) as refused:
        await list_aors(desk, request)

    assert 503 == refused.value.status
    detail = "the search took longer than 0.01 s: ask for one AOR, or a smaller page"
    assert detail == refused.value.detail


async def test_a_contact_is_bound_and_told(fakeredis: FakeredisServer, tmp_path: Path) -> None:
    """201, with where to ask for it, and the AOR as it is now."""
    wanted = {"contact": DESK, "expires": 120, "q": 0.25}
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        answer = await client.post(f"/aors/{ALICE}/contacts", json=wanted)
        bound = (await store.fetch(ALICE)).bindings

    told = answer.json()
    assert (201, "added", ALICE) == (answer.status_code, told["outcome"], told["aor"])
    assert f"/api/v1/aors/{ALICE}" == answer.headers["location"]
    assert [(DESK, 250)] == [(each.uri, each.q) for each in bound]
    assert told["contacts"][0]["expires_in"] == 120


async def test_what_is_not_said_of_a_contact_is_as_the_settings_say(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """Lifetime and preference, as for a phone."""
    given = settings(RegistrarSettings(default_expires=77, default_q=500))
    async with spoken_for(fakeredis, tmp_path, given) as (client, _):
        answer = await client.post(f"/aors/{ALICE}/contacts", json={"contact": DESK})

    contact = answer.json()["contacts"][0]
    assert (77, 0.5) == (contact["expires_in"], contact["q"])


async def test_a_contact_bound_again_is_refreshed(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """200, for nothing new is there."""
    async with spoken_for(fakeredis, tmp_path) as (client, _):
        await client.post(f"/aors/{ALICE}/contacts", json={"contact": DESK})
        answer = await client.post(f"/aors/{ALICE}/contacts", json={"contact": DESK})

    assert (200, "refreshed") == (answer.status_code, answer.json()["outcome"])


async def test_a_contact_too_many_is_refused(fakeredis: FakeredisServer, tmp_path: Path) -> None:
    """409, and max_contacts is the operator's limit too."""
    given = settings(RegistrarSettings(max_contacts=1))
    async with spoken_for(fakeredis, tmp_path, given) as (client, _):
        await client.post(f"/aors/{ALICE}/contacts", json={"contact": DESK})
        answer = await client.post(f"/aors/{ALICE}/contacts", json={"contact": MOBILE})

    assert 409 == answer.status_code
    assert f"{ALICE} already has as many contacts as it may, 1" == answer.json()["detail"]


async def test_an_aor_is_removed_with_all_it_has(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """204, and 404 the next time."""
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        mobile = binding(now(), MOBILE, key="2", ruid="uloc-2")
        await hold(store, {("location", ALICE): [binding(now()), mobile]})
        answers = [await client.delete(f"/aors/{ALICE}") for _ in range(2)]
        left = (await store.fetch(ALICE)).bindings

    assert [204, 404] == [answer.status_code for answer in answers]
    assert answers[0].content == b""
    assert [] == left


@pytest.mark.parametrize("named", [{"contact": "sip:ALICE@192.0.2.1:5070"}, {"ruid": "uloc-1-1"}])
async def test_one_contact_is_removed_by_its_uri_or_its_id(
    fakeredis: FakeredisServer, tmp_path: Path, named: dict[str, str]
) -> None:
    """The others stay."""
    named = {name: text.replace("ALICE", "alice") for name, text in named.items()}
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        mobile = binding(now(), MOBILE, key="2", ruid="uloc-2")
        await hold(store, {("location", ALICE): [binding(now()), mobile]})
        answers = [await client.delete(f"/aors/{ALICE}/contacts", params=named) for _ in range(2)]
        left = (await store.fetch(ALICE)).bindings

    assert [204, 404] == [answer.status_code for answer in answers]
    assert [MOBILE] == [each.uri for each in left]


async def test_counts_are_by_table(fakeredis: FakeredisServer, tmp_path: Path) -> None:
    """AORs and bindings, and all bindings together."""
    given = settings(location=LocationSettings(tables=["location", "desk"]))
    async with spoken_for(fakeredis, tmp_path, given) as (client, store):
        mobile = binding(now(), MOBILE, key="2", ruid="uloc-2")
        await hold(store, {("location", ALICE): [binding(now()), mobile]})
        await hold(store, {("desk", ALICE): [binding(now())]})
        told = (await client.get("/counts")).json()

    tables = {"location": {"aors": 1, "bindings": 2}, "desk": {"aors": 1, "bindings": 1}}
    assert {"bindings": 3, "tables": tables} == told


@pytest.mark.parametrize(
    ("asked", "status", "detail"),
    [
        (f"GET /aors/{ALICE}", 404, f"{ALICE} has no contacts"),
        (
            "GET /aors/alice",
            400,
            "alice has no domain: write alice@example.com, or sip:alice",
        ),
        (
            "GET /aors/a%FFb@example.com",
            400,
            "a\udcffb@example.com is no address-of-record: Bad user part of a URI",
        ),
        (
            "GET /aors/a%0Ab@example.com",
            400,
            "a\nb@example.com is no address-of-record: Bad user part of a URI",
        ),
        (
            f"GET /aors/{ALICE}?table=desk",
            400,
            "there is no table desk; location.tables has location",
        ),
        (f"DELETE /aors/{ALICE}/contacts", 400, "say either contact or ruid"),
        (
            f"DELETE /aors/{ALICE}/contacts?contact=sip:a@b&ruid=c",
            400,
            "say either contact or ruid",
        ),
        (f"DELETE /aors/{ALICE}/contacts?ruid=c", 404, f"{ALICE} has no binding c"),
    ],
)
async def test_what_cannot_be_is_refused_in_a_sentence(
    fakeredis: FakeredisServer, tmp_path: Path, asked: str, status: int, detail: str
) -> None:
    """The one that the command line says."""
    method, path = asked.split(" ")
    async with spoken_for(fakeredis, tmp_path) as (client, _):
        answer = await client.request(method, path)

    assert (status, detail) == (answer.status_code, answer.json()["detail"])
    assert "application/problem+json" == answer.headers["content-type"]


@pytest.mark.parametrize(
    "uri", ["sip:a@b>;q=1,<sip:c@d", "nothing", "<sip:a@b>", f"sip:{600 * 'a'}@b"]
)
async def test_what_is_no_contact_is_not_bound(
    fakeredis: FakeredisServer, tmp_path: Path, uri: str
) -> None:
    """Neither two in one, nor what is no URI, nor one that is too long."""
    async with spoken_for(fakeredis, tmp_path) as (client, store):
        answer = await client.post(f"/aors/{ALICE}/contacts", json={"contact": uri})
        bound = (await store.fetch(ALICE)).bindings

    assert (400, []) == (answer.status_code, bound)


async def test_a_lifetime_that_is_nowhere_is_asked_for(
    fakeredis: FakeredisServer, tmp_path: Path
) -> None:
    """A binding made to live 0 seconds would be a removal."""
    given = settings(RegistrarSettings(default_expires=0))
    async with spoken_for(fakeredis, tmp_path, given) as (client, _):
        answer = await client.post(f"/aors/{ALICE}/contacts", json={"contact": DESK})

    assert "registrar.default_expires is 0, so say expires" == answer.json()["detail"]
