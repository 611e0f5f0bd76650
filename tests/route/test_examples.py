"""The worked examples of docs/route-scripts.md do what that page says."""

from pathlib import Path

import pytest

from regcluster.sip.message import Response
from regcluster.testing import Phone, ScriptBench

pytestmark = pytest.mark.anyio

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples"
ALICE = "sip:alice@example.com"


def bench(name: str, **registrar: object) -> ScriptBench:
    """An example on a bench."""
    return ScriptBench(EXAMPLES / name, registrar=registrar)


def status(response: Response | None) -> int | None:
    return response.status if response else None


def contacts(response: Response | None) -> list[str]:
    """The URIs in the Contacts of a response."""
    assert response is not None
    return [value.partition(">")[0][1:] for value in response.values("contact")]


def test_the_page_shows_every_example_as_it_is() -> None:
    """What a reader copies is what these tests run."""
    page = (DOCS / "route-scripts.md").read_text()

    assert [] == [
        example.name for example in EXAMPLES.glob("*.py") if example.read_text() not in page
    ]


async def test_the_plain_registrar_redirects_to_who_is_registered() -> None:
    """302 with the contact, 404 for who is not, 403 for other domains, nothing for an ACK."""
    phone, caller = Phone(ALICE), Phone("sip:bob@example.com", "192.0.2.20")
    async with bench("plain_registrar.py") as edge:
        saved = await edge.send(phone.register())
        found = await edge.send(caller.invite(ALICE))
        ack = await edge.send(caller.request("ACK", ALICE))
        missing = await edge.send(caller.invite("sip:carol@example.com"))
        foreign = await edge.send(caller.invite("sip:carol@example.net"))

    assert (200, 302, [phone.uri], None, 404, 403) == (
        status(saved),
        status(found),
        contacts(found),
        ack,
        status(missing),
        status(foreign),
    )


async def test_a_call_goes_back_through_the_balancer_of_its_phone() -> None:
    """The Path of the REGISTER leads the way; who does not come through a balancer is refused."""
    phone, caller = Phone(ALICE), Phone("sip:bob@example.com", "192.0.2.20")
    path = "<sip:198.51.100.1;lr>"
    async with bench("path_balancer.py", use_path=1) as edge:
        saved = await edge.send(
            phone.register(path=path, supported="path"), source="198.51.100.1:5060"
        )
        direct = await edge.send(phone.register())
        await edge.send(caller.invite(ALICE), source="198.51.100.2:5060")

        [forwarded] = edge.forwarded

    branch = forwarded.branch
    assert (200, 403, phone.uri, path) == (
        status(saved),
        status(direct),
        branch.uri,
        branch.path,
    )


async def test_a_gruu_reaches_one_device() -> None:
    """By a public and by a temporary one; 480 and 404 once it has gone."""
    caller = Phone("sip:bob@example.com", "192.0.2.20")
    desk = Phone(ALICE, "192.0.2.10", instance="urn:uuid:00000000-0000-1000-8000-000000000001")
    soft = Phone(ALICE, "192.0.2.11", instance="urn:uuid:00000000-0000-1000-8000-000000000002")
    async with bench("gruu.py") as edge:
        await edge.send(soft.register(supported="gruu"))
        saved = await edge.send(desk.register(supported="gruu"))
        assert saved is not None
        [mine] = [value for value in saved.values("contact") if desk.uri in value]
        gruus = [
            mine.partition(f'{kind}="')[2].partition('"')[0] for kind in ("pub-gruu", "temp-gruu")
        ]
        reached, alone = [], []
        for gruu in gruus:
            await edge.send(caller.invite(gruu))
            reached += [effect.branch.uri for effect in edge.forwarded]
            alone.append(edge.call is not None and len(edge.call.branches) == 1)
        await edge.send(desk.register(expires=0))
        gone = [status(await edge.send(caller.invite(gruu))) for gruu in gruus]
        unknown = await edge.send(caller.invite("sip:carol@example.com"))

    assert ([desk.uri, desk.uri], [True, True], [480, 404], 404) == (
        reached,
        alone,
        gone,
        status(unknown),
    )


async def test_users_have_limits_of_their_own() -> None:
    """The lobby has one contact, for two minutes at a time; everybody else may have two."""
    async with bench("user_limits.py", xavp_cfg="cfg") as edge:
        lobby = [Phone("sip:lobby@example.com", f"192.0.2.{host}") for host in (1, 2)]
        first = await edge.send(lobby[0].register())
        second = await edge.send(lobby[1].register())
        others = [
            status(await edge.send(Phone(ALICE, f"192.0.2.{host}").register()))
            for host in (1, 2, 3)
        ]
    assert first is not None

    assert (True, 503, [200, 200, 503]) == (
        ";expires=120" in (first.first("contact") or ""),
        status(second),
        others,
    )


async def test_a_new_phone_takes_the_line() -> None:
    """Whoever registered before is gone."""
    old, new = Phone(ALICE, "192.0.2.10"), Phone(ALICE, "192.0.2.11")
    async with bench("single_registration.py") as edge:
        await edge.send(old.register())
        saved = await edge.send(new.register())

    assert [new.uri] == contacts(saved)


async def test_a_reply_can_wait_for_a_look_at_what_was_saved() -> None:
    """The first registration is welcomed, a refresh is not."""
    phone = Phone(ALICE)
    async with bench("delayed_reply.py") as edge:
        first = await edge.send(phone.register())
        again = await edge.send(phone.register())
    assert first is not None
    assert again is not None

    assert ("first registration of this phone", None, [phone.uri]) == (
        first.first("x-welcome"),
        again.first("x-welcome"),
        contacts(again),
    )


async def test_nobody_calls_as_somebody_else() -> None:
    """From has to name who is registered where the request comes from."""
    alice, bob = Phone(ALICE, "192.0.2.10"), Phone("sip:bob@example.com", "192.0.2.20")
    async with bench("verified_caller.py") as edge:
        await edge.send(alice.register())
        unregistered = await edge.send(bob.invite(ALICE))
        await edge.send(bob.register())
        registered = await edge.send(bob.invite(ALICE))
        through = [effect.branch.uri for effect in edge.forwarded]
        as_alice = await edge.send(bob.invite(ALICE, from_=f"<{ALICE}>;tag=1"))
        elsewhere = await edge.send(bob.invite(ALICE), source="192.0.2.20:5099")

    assert (403, None, [alice.uri], 403, 403) == (
        status(unregistered),
        registered,
        through,
        status(as_alice),
        status(elsewhere),
    )


async def test_a_kamailio_script_runs() -> None:
    """NAT found and remembered, calls sent to where the phone really is, 404 and 484."""
    phone, caller = Phone(ALICE, "10.0.0.7"), Phone("sip:bob@example.com", "192.0.2.20")
    async with bench("kemi_classic.py", received_avp="$avp(rcv)") as edge:
        saved = await edge.send(phone.register(), source="203.0.113.5:4242")
        await edge.send(caller.invite(ALICE))
        [forwarded] = edge.forwarded
        missing = await edge.send(caller.invite("sip:carol@example.com"))
        nobody = await edge.send(caller.invite("sip:example.com"))
        ping = await edge.send(caller.request("OPTIONS", "sip:192.0.2.1"))
        tired = await edge.send(caller.invite(ALICE, max_forwards=0))

    branch = forwarded.branch
    assert (200, phone.uri, "sip:203.0.113.5:4242", 1 << 6) == (
        status(saved),
        branch.uri,
        branch.next_hop,
        branch.flags,
    )
    assert [404, 484, 200, 483] == [status(response) for response in (missing, nobody, ping, tired)]
