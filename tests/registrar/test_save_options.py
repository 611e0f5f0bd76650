"""What a route script says about a save, put into the plan."""

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.binding import ANY_METHOD
from regcluster.registrar.options import SaveFlag, SaveOptions
from regcluster.registrar.plan import Refusal
from regcluster.registrar.save import MAX_BINDINGS
from tests.registrar.planning import plan, planned, refused, register

CONTACT = "Contact: <sip:a@h>;expires=500;q=0.2"
RANGES = RegistrarSettings(expires_range=50, default_expires_range=50, max_expires=7200)
TRUSTING = RegistrarSettings(trust_contact_from=["10.0.0.0/8"], use_path=1, path_mode=1)
BEHIND_NAT = RegistrarSettings(use_path=1, path_mode=1, path_use_received=1)


@pytest.mark.parametrize(
    ("uri", "aor"), [("sip:Carol@example.net:5070;x", "carol@example.net"), ("sips:h", "h")]
)
def test_a_script_may_name_the_aor(uri: str, aor: str) -> None:
    """The uri argument of save goes before To."""
    assert aor == planned(register(CONTACT), options=SaveOptions(uri=uri)).aor


@pytest.mark.parametrize("uri", ["nonsense", "tel:+1"])
def test_a_uri_that_names_no_aor_is_refused(uri: str) -> None:
    """As a To that names none (S-10)."""
    outcome = plan(register(CONTACT), options=SaveOptions(uri=uri))
    assert isinstance(outcome, Refusal)

    assert (400, "Error while parsing AOR") == (outcome.status, outcome.error)


@pytest.mark.parametrize(
    ("flags", "lifetime"),
    [(SaveFlag.NONE, 250), (SaveFlag.NOVARIATION, 500), (SaveFlag.NOVARIATION | SaveFlag.MEM, 500)],
)
def test_novariation_grants_what_was_asked(flags: SaveFlag, lifetime: int) -> None:
    """No random reduction (save flag 0x08)."""
    (change,) = planned(register(CONTACT), RANGES, options=SaveOptions(flags=flags)).changes

    assert lifetime == change.lifetime


@pytest.mark.parametrize(
    ("flags", "is_single"),
    [(SaveFlag.REPL, True), (SaveFlag.REPL | SaveFlag.NORPL, True), (SaveFlag.PREPRPL, False)],
)
def test_repl_asks_for_a_single_binding(flags: SaveFlag, is_single: bool) -> None:
    """Save flag 0x04, and no other."""
    assert is_single == planned(register(CONTACT), options=SaveOptions(flags=flags)).is_single


@pytest.mark.parametrize(
    ("expires", "lifetime"), [(900, 900), (10, 60), (9000, 7200), (0, 0), (None, 250)]
)
def test_a_lifetime_of_the_scripts_is_every_contacts(expires: int | None, lifetime: int) -> None:
    """Nothing is taken off at random; floor and ceiling apply, 0 removes (xavp_cfg expires)."""
    options = SaveOptions(expires=expires)
    request = register(f"{CONTACT}, <sip:b@h>;expires=500")

    assert [lifetime, lifetime] == [
        c.lifetime for c in planned(request, RANGES, None, options).changes
    ]


def test_a_lifetime_of_the_scripts_may_be_too_brief() -> None:
    """min_expires_mode 1 applies to it as well."""
    outcome = plan(
        register(CONTACT), RegistrarSettings(min_expires_mode=1), None, SaveOptions(expires=10)
    )
    assert isinstance(outcome, Refusal)

    assert 423 == outcome.status


@pytest.mark.parametrize(("q", "stored"), [(0, 0), (1000, 1000), (None, 200)])
def test_a_preference_of_the_scripts_is_every_contacts(q: int | None, stored: int) -> None:
    """It goes before the contact's own (set_q_override, xavp_cfg q)."""
    (change,) = planned(register(CONTACT), options=SaveOptions(q=q)).changes

    assert stored == change.q


@pytest.mark.parametrize("q", [-1, 1001])
def test_a_preference_that_is_none_is_refused(q: int) -> None:
    """In Kamailio's words; a query has no use for it."""
    options = SaveOptions(q=q)

    assert refused("Invalid q param in contact") == plan(register(CONTACT), options=options)
    assert planned(register(), options=options).is_query


@pytest.mark.parametrize(
    ("own", "limit"), [(None, 7), (3, 3), (0, MAX_BINDINGS), (-1, MAX_BINDINGS)]
)
def test_a_script_may_set_the_limit(own: int | None, limit: int) -> None:
    """In place of max_contacts; no limit is as many as anybody may have."""
    settings = RegistrarSettings(max_contacts=7)

    assert (
        limit
        == planned(register(CONTACT), settings, None, SaveOptions(max_contacts=own)).max_contacts
    )


def test_a_script_may_give_contact_and_user_agent() -> None:
    """As a registrar in the middle needs it, which saves what a response says (S-54)."""
    changed = planned(
        register(CONTACT, "User-Agent: Phone"),
        options=SaveOptions(contact="<sip:b@h>, <sip:c@h>", user_agent="Gateway"),
    )

    assert (["sip:b@h", "sip:c@h"], "Gateway") == (
        [c.uri for c in changed.changes],
        changed.user_agent,
    )


@pytest.mark.parametrize(
    ("headers", "settings", "options", "received"),
    [
        pytest.param([CONTACT], TRUSTING, SaveOptions(), "", id="nobody says anything"),
        pytest.param(
            [CONTACT], TRUSTING, SaveOptions(received="sip:avp"), "sip:avp", id="the script"
        ),
        pytest.param(
            [f'{CONTACT};received="sip:own"'],
            TRUSTING,
            SaveOptions(source="10.1.1.1", received="sip:avp"),
            "sip:own",
            id="a trusted proxy goes before the script",
        ),
        pytest.param(
            [f'{CONTACT};received="sip:own"'],
            TRUSTING,
            SaveOptions(source="11.1.1.1", received="sip:avp"),
            "sip:avp",
            id="a phone says nothing",
        ),
        pytest.param(
            [f'{CONTACT};received="sip:own"', "Path: <sip:p;lr;received=sip:path>"],
            TRUSTING,
            SaveOptions(source="10.1.1.1"),
            "sip:own",
            id="Path is not asked",
        ),
        pytest.param(
            [f'{CONTACT};received="sip:own"', "Path: <sip:p;lr;received=sip:path>"],
            BEHIND_NAT,
            SaveOptions(received="sip:avp"),
            "sip:path",
            id="Path goes before all",
        ),
        pytest.param(
            [CONTACT, "Path: <sip:p;lr>"],
            BEHIND_NAT,
            SaveOptions(received="sip:avp"),
            "sip:avp",
            id="Path says nothing",
        ),
    ],
)
def test_received_is_said_by_path_then_a_trusted_proxy_then_the_script(
    headers: list[str], settings: RegistrarSettings, options: SaveOptions, received: str
) -> None:
    """The first of the three that says anything (§2.4)."""
    (change,) = planned(register(*headers), settings, None, options).changes

    assert received == change.received


def test_received_has_a_length() -> None:
    """255 octets, as in Kamailio."""
    longest = SaveOptions(received="sip:" + "r" * 251)
    longer = SaveOptions(received="sip:" + "r" * 252)

    assert 255 == len(planned(register(CONTACT), options=longest).changes[0].received)
    assert refused("Contact/received too long") == plan(register(CONTACT), options=longer)


@pytest.mark.parametrize(
    ("bflag", "path", "cflags"),
    [
        (5, "<sip:p;lr;received=sip:r>", 33),
        (5, "<sip:p;lr>", 1),
        (-1, "<sip:p;lr;received=sip:r>", 1),
    ],
)
def test_a_phone_behind_a_nat_gets_its_flag(bflag: int, path: str, cflags: int) -> None:
    """nat_bflag, beside the branch flags that the script has set, if Path knows where it is."""
    location = LocationSettings(nat_bflag=bflag)
    request = register(CONTACT, f"Path: {path}")

    assert cflags == planned(request, BEHIND_NAT, location, SaveOptions(cflags=1)).cflags


@pytest.mark.parametrize(
    ("contact", "allow", "methods"),
    [
        ("", [], ANY_METHOD),
        ("", ["Allow: INVITE", "Allow: BYE"], 9),
        (';methods="OPTIONS"', ["Allow: INVITE"], 512),
        (";methods", ["Allow: INVITE"], 1),
    ],
)
def test_methods_are_the_contacts_or_those_of_allow(
    contact: str, allow: list[str], methods: int
) -> None:
    """The parameter, else the header, else any (§2.7)."""
    (change,) = planned(register(CONTACT + contact, *allow)).changes

    assert methods == change.methods
