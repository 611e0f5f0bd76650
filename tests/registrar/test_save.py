"""From a REGISTER to a plan (RFC 3261 §10.3)."""

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.options import SaveFlag, SaveOptions
from regcluster.registrar.plan import PLAIN_TERMS, Change, Refusal, SavePlan, Terms
from regcluster.registrar.save import MAX_BINDINGS, bindings_allowed
from regcluster.sip.message import Request
from regcluster.sip.parser import parse
from tests import wire
from tests.registrar.planning import DEVICE, UUID, changes, plan, planned, refused, register


def test_a_plan_holds_all_the_store_needs() -> None:
    """AOR from To, ordering from Call-ID and CSeq, limits from the settings; the rest is plain."""
    outcome = plan(
        register("Contact: <sip:a@192.0.2.1>;expires=100;q=0.5;ob", "User-Agent: Phone 1"),
        RegistrarSettings(max_contacts=3),
        LocationSettings(cseq_delay=5),
    )

    assert (
        SavePlan(
            aor="alice@example.com",
            call_id="c1",
            cseq=7,
            user_agent="Phone 1",
            wipe=False,
            changes=[Change("sip:a@192.0.2.1", 100, "sip:a@192.0.2.1", 500, ";ob", "1")],
            max_contacts=3,
            cseq_delay=5,
        )
        == outcome
    )


EVERYTHING = SaveOptions(
    table="t",
    flags=SaveFlag.REPL,
    socket="tcp:192.0.2.2:5060",
    connection="node/token",
    cflags=1,
    xavp={"a": 1},
)


def test_a_plan_holds_all_that_can_be_asked_for() -> None:
    """Every field stands where it belongs: the planner fills them in by their order."""
    path = "<sip:edge;lr;ob;received=sip:192.0.2.7>"
    outcome = plan(
        register(
            f"Contact: {DEVICE};reg-id=2",
            f"Path: {path}",
            "Supported: path, gruu, outbound",
            "Allow: INVITE, BYE",
            to="<sip:alice@Sip.Example.com>",
        ),
        RegistrarSettings(
            use_path=1, path_use_received=1, outbound_mode=1, realm_prefix="sip.", full_aor="evict"
        ),
        LocationSettings(nat_bflag=3, plain_binding="separate", new_call_id="drop_flows"),
        EVERYTHING,
    )

    change = Change(
        key=f"+{UUID[1:-1]};2",
        lifetime=3600,
        uri="sip:a@h",
        q=-1,
        params="",
        ruid="1",
        alias="sip:a@h",
        methods=9,
        received="sip:192.0.2.7",
        instance=UUID,
        reg_id=2,
    )
    assert (
        SavePlan(
            aor="alice@example.com",
            call_id="c1",
            cseq=7,
            user_agent="",
            wipe=False,
            changes=[change],
            max_contacts=MAX_BINDINGS,
            cseq_delay=20,
            table="t",
            socket="tcp:192.0.2.2:5060",
            path=path,
            cflags=0b1001,
            connection="node/token",
            xavp={"a": 1},
            is_single=True,
            evicts=True,
            adopts=False,
            drops_flows=True,
            terms=Terms(path=path, gruu_host="Sip.Example.com", is_outbound=True),
        )
        == outcome
    )


def test_a_phone_that_asks_for_nothing_shares_its_terms() -> None:
    """They cost nothing."""
    assert planned(register("Contact: <sip:a@h>")).terms is PLAIN_TERMS


def test_without_a_limit_there_is_one_all_the_same() -> None:
    """Every save reads all bindings of its AOR, so nobody may have any number of them."""
    assert MAX_BINDINGS == bindings_allowed(RegistrarSettings(max_contacts=0))
    assert MAX_BINDINGS + 1 == bindings_allowed(RegistrarSettings(max_contacts=MAX_BINDINGS + 1))


def test_no_contact_is_a_query() -> None:
    """RFC 3261 §10.3 step 6: nothing to change, whatever Expires says."""
    assert planned(register("Expires: 0")).is_query


@pytest.mark.parametrize("name", ["Contact", "m"])
def test_a_star_with_expires_0_removes_all(name: str) -> None:
    """Contact: * needs Expires: 0 and stands for every binding."""
    star = planned(register(f"{name}: *", "Expires: 0"))

    assert (True, [], False) == (star.wipe, star.changes, star.is_query)


@pytest.mark.parametrize(
    "headers",
    [
        ["Contact: *"],
        ["Contact: *", "Expires: 1"],
        ["Contact: *", "Expires: never"],
        ["m: *", "Expires: 60"],
    ],
)
def test_a_star_needs_expires_0(headers: list[str]) -> None:
    """Anything else would remove bindings nobody asked to remove (10-18)."""
    assert refused("* used in contact and expires is not zero") == plan(register(*headers))


def test_one_brief_contact_refuses_all() -> None:
    """RFC 3261 §10.3 step 7: a list is bound whole or not at all."""
    outcome = plan(
        register("Contact: <sip:a@h>;expires=600, <sip:b@h>;expires=10"),
        RegistrarSettings(min_expires_mode=1),
    )

    assert isinstance(outcome, Refusal)
    assert 423 == outcome.status


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        (["Contact: <sip:a@h>;q=1.5"], "Invalid q param in contact"),
        (["Contact: <sip:a@h>", "Expires:"], "Expires parse error"),
        (["Expires:"], "Expires parse error"),
        ([f"Contact: <sip:{'a' * 507}@h>"], "Contact/received too long"),
        ([f"Contact: <sip:ok@h>, <mailto:{'é' * 253}>"], "Contact/received too long"),
        ([f"Contact: <sip:a@h>;x={'y' * 4094}"], "Contact/received too long"),
        (
            ["Contact: " + ", ".join(f"<sip:{n}@h>" for n in range(257))],
            "Too many contacts in one request",
        ),
    ],
)
def test_a_broken_request_is_refused_with_the_reason(headers: list[str], error: str) -> None:
    """400, and the same words in P-Registrar-Error as Kamailio uses."""
    assert refused(error) == plan(register(*headers))


@pytest.mark.parametrize("call_id", ["c" * 256, "é" * 128])
def test_an_overlong_call_id_is_refused(call_id: str) -> None:
    """255 octets, as in Kamailio."""
    assert refused("Callid too long") == plan(register(call_id=call_id))


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("<tel:+123>", "Error while parsing AOR"),
        ("<sip:alice@example.com:0>", "Bad port"),
        ("<sip:al%zzice@example.com>", "Bad user part of a URI"),
        ("<sip:@example.com>", "Empty user part of a URI"),
        ("<alice@example.com>", "URI without a scheme"),
    ],
)
def test_a_to_that_names_no_aor_is_refused(to: str, reason: str) -> None:
    """The reason says what is wrong, P-Registrar-Error what Kamailio 5.6 says (S-10)."""
    assert Refusal(400, reason, "Error while parsing AOR") == plan(register(to=to))


def test_the_settings_shape_aor_and_key() -> None:
    """case_sensitive and realm_prefix, use_domain and uri_equality reach what they are for."""
    shaped = planned(
        register("Contact: <sip:A@H>", to="<sip:Alice@sip.example.com>"),
        RegistrarSettings(case_sensitive=1, realm_prefix="sip."),
        LocationSettings(uri_equality="bytes"),
    )

    assert ("Alice@example.com", "sip:A@H") == (shaped.aor, shaped.changes[0].key)


@pytest.mark.parametrize(
    "header",
    [
        "Route: <sip:proxy.example.com;lr>",
        "Record-Route: <sip:proxy.example.com;lr>",
        "Path: <sip:edge.example.com;lr>",
        "Supported: path, outbound",
        "Proxy-Require: foo",
        "Max-Forwards: 0",
        "Content-Type: application/x-nope",
        "WWW-Authenticate: Digest realm=x",
        "Min-Expires: 7200",
        "Date: yesterday",
    ],
)
def test_headers_that_are_not_the_registrars_change_nothing(header: str) -> None:
    """Not asked for by RFC 3261 §10.3, nor yet by a parameter: read by nobody (7-17, 10-02)."""
    contact = "Contact: <sip:a@h>"

    assert plan(register(contact)) == plan(register(contact, header))


def test_a_body_is_not_looked_at() -> None:
    """OPTIONS says that we accept anything, and no REGISTER means anything by its body (8-17)."""
    bare, laden = (
        parse(wire.register(body=body, content_type="application/x-nope"))
        for body in (b"", b"nope")
    )
    assert isinstance(bare, Request)
    assert isinstance(laden, Request)

    assert plan(bare) == plan(laden)


def test_a_to_tag_changes_nothing() -> None:
    """A REGISTER belongs to no dialog (10-47)."""
    tagged = register(to="<sip:alice@example.com>;tag=old")

    assert plan(register()) == plan(tagged)


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ("a" * 254, "a" * 254),
        ("a" * 255, ""),
        ("é" * 128, ""),
        ("\udcff" * 254, "\udcff" * 254),
    ],
)
def test_an_overlong_user_agent_is_not_kept(agent: str, kept: str) -> None:
    """254 octets, as in Kamailio; it is not a reason to refuse a phone."""
    assert kept == planned(register(f"User-Agent: {agent}")).user_agent


@pytest.mark.parametrize(
    ("headers", "terms"),
    [
        (["Supported: gruu"], Terms(gruu_host="example.com")),
        (["Supported: path"], Terms(path="<sip:p;lr>")),
        (["Supported: outbound, path"], Terms(path="<sip:p;lr>", is_outbound=True)),
        (["Supported: path", "Require: outbound"], Terms(path="<sip:p;lr>", is_outbound=True)),
        (["Supported: timer"], PLAIN_TERMS),
    ],
)
def test_a_phone_is_told_what_it_knows_of(headers: list[str], terms: Terms) -> None:
    """Path, GRUUs and outbound show in the answer to those who support them."""
    request = register("Contact: <sip:a@h>", "Path: <sip:p;lr>", *headers)

    assert (
        terms == planned(request, RegistrarSettings(use_path=1, path_mode=1, outbound_mode=1)).terms
    )


def test_what_is_switched_off_is_not_told() -> None:
    """path_mode, gruu_enabled and outbound_mode, each 0."""
    request = register("Contact: <sip:a@h>", "Path: <sip:p;lr>", "Supported: path,gruu,outbound")

    assert (
        PLAIN_TERMS
        == planned(request, RegistrarSettings(use_path=1, path_mode=0, gruu_enabled=0)).terms
    )


@pytest.mark.parametrize(
    ("uri", "scheme", "host"),
    [
        ("sip:alice:pw@EXAMPLE.com:5070;x=y", "sip", "EXAMPLE.com"),
        ("SIPS:[2001:DB8::1]:5061", "sips", "[2001:DB8::1]"),
        ("sip:Example.com?a=b", "sip", "Example.com"),
    ],
)
def test_gruus_have_scheme_and_host_of_the_uri_that_named_the_aor(
    uri: str, scheme: str, host: str
) -> None:
    """The host as it is written, whoever wrote it (S-22, gr-12)."""
    terms = Terms(gruu_host=host, gruu_scheme=scheme)
    by_phone = planned(register("Supported: gruu", to=f"<{uri}>"))
    by_script = planned(register("Supported: gruu"), options=SaveOptions(uri=uri))

    assert (terms, terms) == (by_phone.terms, by_script.terms)


@pytest.mark.parametrize(
    ("contact", "location"),
    [
        (f"<sip:alice@example.com;gr={UUID[1:-1]}>", LocationSettings()),
        ("<sip:ALICE@Sip.Example.com:5070;GR=x>", LocationSettings()),
        ("<sip:b@h>, <sip:tgruu.7hs@sip.example.com;gr>", LocationSettings()),
        ("<sip:alice@sip.example.com;gr=x>", LocationSettings(use_domain=0)),
    ],
)
def test_a_gruu_of_the_user_is_no_contact(contact: str, location: LocationSettings) -> None:
    """It leads back to the user, whose calls would go round and round (RFC 5627 §5.1, gr-10)."""
    request = register(f"Contact: {contact}", to="<sip:alice@sip.example.com>")

    assert Refusal(403, "Forbidden", "Contact is a GRUU of this user") == plan(
        request, RegistrarSettings(realm_prefix="sip."), location
    )


@pytest.mark.parametrize(
    ("contact", "gruu_enabled"),
    [
        ("<sip:alice@192.0.2.1;gr>", 1),
        ("<sip:bob@example.com;gr=x>", 1),
        ("<sip:alice@example.com;x=gr>", 1),
        ("<sip:alice@example.com;gr=x>", 0),
    ],
)
def test_any_other_gruu_is_a_contact(contact: str, gruu_enabled: int) -> None:
    """Another user's, another domain's, one that a phone made itself; all, where we have none."""
    settings = RegistrarSettings(gruu_enabled=gruu_enabled)

    assert 1 == len(planned(register(f"Contact: {contact}"), settings).changes)


def test_what_one_contact_says_is_not_said_of_the_next() -> None:
    """Neither instance nor reg-id, methods or received (S-08)."""
    first, second = changes(
        f'Contact: {DEVICE};reg-id=3;methods="BYE";q=0.1;received="sip:v", <sip:b@h>',
        registrar=RegistrarSettings(trust_contact_from=["0.0.0.0/0"]),
    )

    assert (UUID, 3, 8, 100) == (first.instance, first.reg_id, first.methods, first.q)
    assert Change("sip:b@h", 3600, "sip:b@h", -1, "", "2") == second


@pytest.mark.parametrize(
    ("settings", "header", "status"),
    [
        (RegistrarSettings(), "Require: outbound", 420),
        (RegistrarSettings(outbound_mode=2), "Supported: path", 421),
        (RegistrarSettings(outbound_mode=1), "Supported: outbound", 439),
        (RegistrarSettings(use_path=1), "Supported: gruu", 420),
    ],
)
def test_what_does_not_fit_together_is_refused(
    settings: RegistrarSettings, header: str, status: int
) -> None:
    """Before anything is written: extensions, outbound, a proxy on the way, its Path (S-01)."""
    outcome = plan(
        register(header, "Via: SIP/2.0/UDP h", "Path: <sip:p;lr>", f"Contact: {DEVICE};reg-id=1"),
        settings,
    )
    assert isinstance(outcome, Refusal)

    assert status == outcome.status


def test_a_script_goes_before_the_request() -> None:
    """Lifetime, preference and limit may be its own."""
    forced = planned(
        register("Contact: <sip:a@h>;q=0.1;expires=100"),
        options=SaveOptions(expires=90, q=900, max_contacts=2),
    )

    assert (90, 900, 2) == (forced.changes[0].lifetime, forced.changes[0].q, forced.max_contacts)


@pytest.mark.parametrize(
    "options",
    [SaveOptions(q=1001), SaveOptions(received="r" * 256), SaveOptions(received="sip:r\r\nX: y")],
)
def test_a_script_cannot_say_just_anything(options: SaveOptions) -> None:
    """What nobody could store is refused, as in Kamailio."""
    outcome = plan(register("Contact: <sip:a@h>"), options=options)
    assert isinstance(outcome, Refusal)

    assert 400 == outcome.status
