"""The built-in script: which request is answered how, and which goes on to whom."""

from typing import Any

import pytest

from regcluster.config import RegistrarSettings, RoutingSettings
from regcluster.errors import StoreUnavailable
from regcluster.proxy.forward import Outgoing, forward
from regcluster.route.call import Call, Effect, Forward
from regcluster.route.default import BuiltIn
from regcluster.sip.hop import Hop
from regcluster.sip.reply import Reply
from regcluster.sip.uri import SipUri, parse_uri
from tests.route.stage import Node, Peer, call_of
from tests.test_location import location_with, read, unreachable
from tests.wire import AOR, invite, register, request

pytestmark = pytest.mark.anyio

CONTACT = "sip:alice@192.0.2.1"
BOUND = register(contact=f"<{CONTACT}>")

NOT_FOUND = Reply(404, "Not Found", [])
UNAVAILABLE = Reply(480, "Temporarily Unavailable", [])
FORBIDDEN = Reply(403, "Forbidden", [])
SCHEME = Reply(416, "Unsupported URI Scheme", [])

DOMAINS = ["example.test"]
REDIRECT = RoutingSettings(domains=DOMAINS)
FORWARD = RoutingSettings(domains=DOMAINS, mode="forward")
ANY = RoutingSettings()
ANY_FORWARD = RoutingSettings(mode="forward")

MODES = pytest.mark.parametrize("settings", [REDIRECT, FORWARD, ANY, ANY_FORWARD])


async def effects(
    data: bytes,
    settings: RoutingSettings,
    *registered: bytes,
    registrar: RegistrarSettings | None = None,
) -> list[Effect]:
    """What the script wants done with a request after those REGISTERs."""
    async with location_with(*registered, registrar=registrar) as location:
        call = call_of(read(data), location)
        await BuiltIn(settings).route(call)
    return call.effects


async def sent_to(
    data: bytes,
    settings: RoutingSettings,
    *registered: bytes,
    registrar: RegistrarSettings | None = None,
) -> list[str | Reply]:
    """The effects, with the URI alone of those that send the request on."""
    wanted = await effects(data, settings, *registered, registrar=registrar)
    return [effect.branch.uri if isinstance(effect, Forward) else effect for effect in wanted]


def moved(contact: str) -> Reply:
    return Reply(302, "Moved Temporarily", [("Contact", contact)])


def came_back(data: bytes, uri: str) -> bytes:
    """A request as it returns when it was forwarded to a URI that leads to us."""
    target = parse_uri(uri)
    assert isinstance(target, SipUri)
    source = Hop("UDP", "127.0.0.1", 5066)
    return forward(read(data), target, Outgoing("UDP", "192.0.2.9:5060", source, "", b"secret"))


@MODES
@pytest.mark.parametrize(
    "uri",
    ["sip:example.test", "sips:EXAMPLE.test:5061", "sip:alice@example.test", "sip:x@example.test"],
)
async def test_a_register_is_saved(uri: str, settings: RoutingSettings) -> None:
    """RFC 3261 §10.2: the To URI is what counts; a user in the Request-URI is ignored."""
    async with location_with() as location:
        call = call_of(read(register(uri, contact=f"<{CONTACT}>")), location)
        await BuiltIn(settings).route(call)
        found = await location.lookup(parse_uri(AOR))

    assert ([200], [CONTACT]) == (
        [effect.status for effect in call.effects if isinstance(effect, Reply)],
        [branch.uri for branch in found.branches],
    )


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (register("sip:elsewhere.test"), 403),
        (register("sip:192.0.2.9"), 403),
        (register("tel:+1"), 416),
        (register(to="<sip:alice@elsewhere.test>"), 404),
        # RFC 3261 §10.2: no AOR at all is not one that we do not know.
        (register(to="<tel:+1>"), 400),
        (register(require="foo"), 420),
    ],
)
async def test_a_register_that_is_not_for_us_binds_nothing(data: bytes, status: int) -> None:
    """RFC 3261 §10.3 steps 1, 2 and 5, in that order."""
    async with location_with() as location:
        call = call_of(read(data), location)
        await BuiltIn(REDIRECT).route(call)
        found = await location.lookup(call.to)

    assert ([status], []) == (
        [effect.status for effect in call.effects if isinstance(effect, Reply)],
        found.branches,
    )


@pytest.mark.parametrize(
    "data",
    [
        invite(),
        invite(max_forwards=0),
        invite(proxy_require="foo", require="bar"),
        invite("sips:alice@example.test"),
        invite("sip:%61lice@EXAMPLE.test;maddr=192.0.2.9;transport=tcp;x"),
        invite(to="<sip:nobody@elsewhere.test>"),
        request("OPTIONS"),
        request("BYE", to=f"<{AOR}>;tag=to-1"),
        request("FOO"),
    ],
)
async def test_a_request_for_a_local_user_is_redirected(data: bytes) -> None:
    """RFC 3261 §8.3: whatever its method and demands, for they are on whom it is sent to."""
    contact = f"<{CONTACT}>;q=0.2;expires=300"

    assert [moved(contact)] == await effects(data, REDIRECT, register(contact=contact))


async def test_a_redirect_offers_every_contact_best_first() -> None:
    """Those that we could not forward to as well."""
    contact = "<sip:a@192.0.2.1>;q=0.1, <mailto:alice@example.test>, <sip:b@192.0.2.1>;q=1"

    assert [
        moved(
            "<sip:b@192.0.2.1>;q=1;expires=300, <sip:a@192.0.2.1>;q=0.1;expires=300, "
            "<mailto:alice@example.test>;expires=300"
        )
    ] == await effects(invite(), REDIRECT, register(contact=contact))


async def test_nobody_is_redirected_to_where_he_called() -> None:
    """RFC 3261 §8.3: a user whose only contact is the AOR is not there."""
    assert [UNAVAILABLE] == await effects(invite(), REDIRECT, register(contact=f"<{AOR}>"))


@pytest.mark.parametrize(("method", "wanted"), [("ACK", []), ("CANCEL", [Reply(200, "OK", [])])])
async def test_a_redirect_is_over_when_it_is_sent(method: str, wanted: list[Effect]) -> None:
    """RFC 3261 §8.3: ACK is swallowed, CANCEL accepted, neither needs the store."""
    async with location_with(server=unreachable()) as location:
        call = call_of(read(request(method)), location)
        await BuiltIn(REDIRECT).route(call)

    assert wanted == call.effects


@pytest.mark.parametrize(
    "data",
    [
        invite(),
        invite(max_forwards=1),
        invite(require="nothingSupportsThis"),
        invite("sip:%61lice@EXAMPLE.test;maddr=192.0.2.9;transport=tcp;x"),
        invite(to="<sip:nobody@elsewhere.test>"),
        request("OPTIONS"),
        request("FOO"),
        request("BYE", to=f"<{AOR}>;tag=to-1"),
        # RFC 3261 §16.11: no special treatment, so that they follow their INVITE.
        request("ACK", to=f"<{AOR}>;tag=to-1"),
        request("CANCEL"),
    ],
)
async def test_a_request_for_a_local_user_goes_to_the_best_contact(data: bytes) -> None:
    """RFC 3261 §16.11: one alone, whatever the method."""
    contacts = f"<sip:a@192.0.2.2>;q=0.5, <{CONTACT}>;q=0.7, <sip:b@192.0.2.3>"

    assert [CONTACT] == await sent_to(data, FORWARD, register(contact=contacts))


@pytest.mark.parametrize(
    "later",
    [
        register(contact="<sip:a@192.0.2.2>", call_id="call-2"),
        register(contact="<sip:a@192.0.2.2>;q=0.4", call_id="call-2"),
        register(contact=f"<{CONTACT}>;q=0.5", cseq="2 REGISTER"),
    ],
)
async def test_a_retransmission_goes_where_the_first_went(later: bytes) -> None:
    """RFC 3261 §16.11: neither a refresh nor a phone that is no better changes the choice."""
    first = register(contact=f"<{CONTACT}>;q=0.5, <sip:b@192.0.2.3>;q=0.5")

    assert [CONTACT] == await sent_to(invite(), FORWARD, first, later)


@pytest.mark.parametrize("method", ["INVITE", "BYE", "ACK", "CANCEL"])
@pytest.mark.parametrize("to", [f"<{AOR}>", f"<{AOR}>;tag=to-1"])
async def test_a_route_is_not_followed(method: str, to: str) -> None:
    """It would let anyone who knows a user aim our traffic at a third party.

    A tag in To proves no dialog, and no dialog has such a route: we never Record-Route.
    """
    data = request(method, to=to, route="<sip:192.0.2.66;lr>")

    assert [Reply(403, "Preloaded Route Denied", [])] == await effects(data, FORWARD, BOUND)


@pytest.mark.parametrize(
    "unreachable_contact",
    [
        "<mailto:alice@example.test>",
        "<tel:+12125550100>",
        "<sip:alice@x7.invalid;transport=ws>",
        "<sip:alice@192.0.2.2;transport=sctp>",
        "<sip:alice@192.0.2.2;transport=tls>",
        "<sips:alice@192.0.2.2>",
    ],
)
async def test_what_we_cannot_send_to_is_passed_over(unreachable_contact: str) -> None:
    """The best contact is the best of those we have a transport for; a user with none exists."""
    contacts = f"{unreachable_contact};q=1, <{CONTACT}>;q=0.1"
    alone = register(contact=unreachable_contact)

    assert ([CONTACT], [UNAVAILABLE], [UNAVAILABLE]) == (
        await sent_to(invite(), FORWARD, register(contact=contacts)),
        await effects(invite(), FORWARD, alone),
        await effects(invite(), ANY_FORWARD, alone),
    )


@pytest.mark.parametrize(
    "contacts", [f"<{CONTACT}>, <sip:alice@192.0.2.2;transport=tls>", "<sips:alice@192.0.2.2>"]
)
async def test_a_sips_request_never_goes_to_an_insecure_contact(contacts: str) -> None:
    """RFC 3261 §26.4.4, RFC 5630 §5.3: better not at all, and TLS is not spoken yet."""
    data = invite("sips:alice@example.test")
    warning = ("Warning", '380 regcluster "SIPS Not Allowed"')

    assert [Reply(480, "Temporarily Unavailable", [warning])] == await effects(
        data, FORWARD, register(contact=contacts)
    )


@pytest.mark.parametrize("registered", [(), (register(contact=f"<{AOR}>"),)])
@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (invite(max_forwards=0), Reply(483, "Too Many Hops", [])),
        (request("OPTIONS", max_forwards=0), Reply(483, "Too Many Hops", [])),
        (invite(proxy_require="foo"), Reply(420, "Bad Extension", [("Unsupported", "foo")])),
        (came_back(invite(), AOR), Reply(482, "Loop Detected", [])),
    ],
)
async def test_what_may_go_no_further_is_refused(
    data: bytes, wanted: Effect, registered: tuple[bytes, ...]
) -> None:
    """RFC 3261 §16.3: hops used up, extensions for proxies, loops; whoever is asked for."""
    assert [wanted] == await effects(data, FORWARD, *registered)


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "MESSAGE", "FOO"])
@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (REDIRECT, UNAVAILABLE),
        (FORWARD, UNAVAILABLE),
        (ANY, NOT_FOUND),
        (ANY_FORWARD, NOT_FOUND),
    ],
)
async def test_a_user_without_a_binding_is_not_there(
    method: str, settings: RoutingSettings, wanted: Reply
) -> None:
    """480 in a domain we were told is ours; 404 where every domain is, for no user is known."""
    assert [wanted] == await effects(request(method, "sip:bob@example.test"), settings, BOUND)


@MODES
@pytest.mark.parametrize("uri", ["sip:example.test", "sip:192.0.2.9:5060", "sips:192.0.2.9"])
async def test_the_server_itself_tells_what_it_can(uri: str, settings: RoutingSettings) -> None:
    """RFC 3261 §11.2: OPTIONS without a user, for a domain or an address of ours."""
    data = request("OPTIONS", uri, max_forwards=0)
    [reply] = await effects(data, settings)
    assert isinstance(reply, Reply)

    assert (200, {"Allow", "Accept", "Accept-Encoding", "Accept-Language", "Supported"}) == (
        reply.status,
        {name for name, _ in reply.headers},
    )


@MODES
async def test_the_server_itself_refuses_what_it_does_not_have(settings: RoutingSettings) -> None:
    """RFC 3261 §8.2.2.3: who requires an extension must not think that it is there."""
    data = request("OPTIONS", "sip:example.test", require=["path, Foo", "bar"])

    assert [Reply(420, "Bad Extension", [("Unsupported", "path, foo, bar")])] == await effects(
        data, settings
    )


@MODES
async def test_a_node_that_is_not_ready_says_so_to_a_balancer(
    settings: RoutingSettings,
) -> None:
    """RFC 3261 §11.2: OPTIONS are answered as an INVITE would be, and it wants none."""
    here = Node()
    here.is_ready = False
    async with location_with() as location:
        call = Call(read(request("OPTIONS", "sip:192.0.2.9")), Peer(), location, here)
        await BuiltIn(settings).route(call)

    assert [503] == [effect.status for effect in call.effects if isinstance(effect, Reply)]


@MODES
@pytest.mark.parametrize(
    ("method", "wanted"),
    [
        ("INVITE", Reply(405, "Method Not Allowed", [("Allow", "REGISTER, OPTIONS")])),
        ("SUBSCRIBE", Reply(405, "Method Not Allowed", [("Allow", "REGISTER, OPTIONS")])),
        ("FOO", Reply(501, "Not Implemented", [("Allow", "REGISTER, OPTIONS")])),
        # Methods have case (RFC 3261 §7.1).
        ("register", Reply(501, "Not Implemented", [("Allow", "REGISTER, OPTIONS")])),
        ("CANCEL", Reply(481, "Call/Transaction Does Not Exist", [])),
    ],
)
async def test_the_server_itself_takes_no_calls(
    method: str, wanted: Reply, settings: RoutingSettings
) -> None:
    """RFC 3261 §8.2.1, §21.5.2, §9.2: known methods, unknown ones, and nothing to cancel."""
    assert [wanted] == await effects(request(method, "sip:example.test"), settings)


@pytest.mark.parametrize(
    "data",
    [
        invite("sip:alice@elsewhere.test", to=f"<{AOR}>"),
        # As in a dialog, or after a 302: we are no way out for what is not ours.
        invite(CONTACT),
        request("BYE", CONTACT, to=f"<{AOR}>;tag=to-1"),
        request("OPTIONS", "sip:elsewhere.test"),
        request("FOO", "sip:alice@192.0.2.9"),
    ],
)
@pytest.mark.parametrize("mode", ["redirect", "forward"])
@pytest.mark.parametrize(("foreign", "wanted"), [(403, FORBIDDEN), (404, NOT_FOUND)])
async def test_a_request_for_another_domain_is_refused(
    data: bytes, mode: Any, foreign: int, wanted: Reply
) -> None:
    """As configured, and never looked up."""
    settings = RoutingSettings(domains=DOMAINS, mode=mode, foreign=foreign)

    assert [wanted] == await effects(data, settings, BOUND)


@MODES
@pytest.mark.parametrize("uri", ["tel:+12125550100", "http://example.test", "urn:service:sos"])
async def test_a_scheme_that_is_not_sip_is_refused(uri: str, settings: RoutingSettings) -> None:
    """RFC 3261 §8.2.2.1, §16.3 step 2."""
    assert [SCHEME] == await effects(invite(uri), settings)


@pytest.mark.parametrize("settings", [REDIRECT, FORWARD])
@pytest.mark.parametrize("data", [register(), invite()])
async def test_without_a_store_there_is_no_answer(data: bytes, settings: RoutingSettings) -> None:
    """The worker says 503; the script never says that nobody is there."""
    async with location_with(server=unreachable()) as location:
        call = call_of(read(data), location)
        with pytest.raises(StoreUnavailable):
            await BuiltIn(settings).route(call)


async def test_domains_are_named_in_any_case() -> None:
    """As people write them in settings."""
    settings = RoutingSettings(domains=["Example.TEST"])

    assert [UNAVAILABLE] == await effects(invite(), settings)
