"""What a running Kamailio was seen to do, as far as the plan decides it.

The ids are the numbers of the observations; where we do otherwise on purpose, the number of the
surprise it comes from stands beside it.
"""

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.options import SaveFlag, SaveOptions
from regcluster.registrar.plan import PLAIN_TERMS, Refusal, SavePlan, Terms
from regcluster.registrar.save import Planner
from tests.registrar.planning import DEVICE, plan, planned, register

STRICT = RegistrarSettings(use_path=1)
LAZY = RegistrarSettings(use_path=1, path_mode=1, path_use_received=1)
OUTBOUND = RegistrarSettings(outbound_mode=1)
REQUIRED = RegistrarSettings(outbound_mode=2)
FLOW = f"Contact: {DEVICE};reg-id=1"
SECOND_VIA = "Via: SIP/2.0/UDP 192.0.2.9"
PATHS = ["Path: <sip:p1;lr>", "Path: <sip:p2;lr>"]


@pytest.mark.parametrize(
    ("headers", "q", "lifetime"),
    [
        pytest.param(["Contact: <sip:a@h>;q=0.5;expires=100"], 500, 100, id="1"),
        pytest.param(["Contact: <sip:b@h>;expires=10"], -1, 60, id="2"),
        pytest.param(["Contact: <sip:a@h>;expires=4294967295"], -1, 2**32 - 1, id="8, S-24"),
        pytest.param(["Contact: <sip:a@h>;expires=2147483647"], -1, 2**31 - 1, id="9"),
        pytest.param(["Contact: <sip:a@h>", "Expires: 4294967295"], -1, 2**32 - 1, id="10, S-24"),
        pytest.param(["Contact: <sip:a@h>", "Expires: 99999999999"], -1, 2**32 - 1, id="10b, S-24"),
        pytest.param(["Contact: <sip:a@h>", "Expires: abc"], -1, 3600, id="10c"),
        pytest.param(["Contact: <sip:a@h>;q=0.12345"], 123, 3600, id="12"),
        pytest.param(["Contact: <sip:a@h>;q=0"], 0, 3600, id="12b"),
        pytest.param(["Contact: <sip:a@h>;expires=0"], -1, 0, id="13"),
    ],
)
def test_lifetimes_and_preferences_are_kamailios(headers: list[str], q: int, lifetime: int) -> None:
    """With nothing set."""
    (change,) = planned(register(*headers)).changes

    assert (q, lifetime) == (change.q, change.lifetime)


@pytest.mark.parametrize(
    ("settings", "asked", "least", "most"),
    [
        pytest.param(RegistrarSettings(expires_range=30), ";expires=1000", 700, 999, id="22"),
        pytest.param(RegistrarSettings(default_expires_range=50), "", 1800, 3599, id="23"),
        pytest.param(
            RegistrarSettings(expires_range=30, max_expires=5000),
            ";expires=100000",
            5000,
            5000,
            id="24",
        ),
        pytest.param(
            RegistrarSettings(expires_range=30, max_expires=5000),
            ";expires=5500",
            3850,
            5000,
            id="24b",
        ),
    ],
)
def test_a_share_is_taken_off_at_random(
    settings: RegistrarSettings, asked: str, least: int, most: int
) -> None:
    """From nearly none of the range to all of it."""
    lifetimes = []
    for chance in (lambda: 0.0, lambda: 0.9999):
        planner = Planner(settings, LocationSettings(), str, chance)
        outcome = planner.plan(register(f"Contact: <sip:a@h>{asked}"))
        assert isinstance(outcome, SavePlan)
        lifetimes.append(outcome.changes[0].lifetime)

    assert [least, most] == lifetimes


@pytest.mark.parametrize(
    ("settings", "headers", "status", "error", "extra"),
    [
        pytest.param(
            RegistrarSettings(),
            ["Contact: *", "Expires: 10"],
            400,
            "* used in contact and expires is not zero",
            [],
            id="4",
        ),
        pytest.param(
            RegistrarSettings(),
            ["Contact: *;expires=0"],
            400,
            "* used in contact and more than 1 contact",
            [],
            id="4b",
        ),
        pytest.param(
            RegistrarSettings(),
            ["Contact: <sip:a@h>", "Expires:"],
            400,
            "Expires parse error",
            [],
            id="11",
        ),
        pytest.param(
            RegistrarSettings(),
            ["Contact: <sip:a@h>;q=1.5"],
            400,
            "Invalid q param in contact",
            [],
            id="12",
        ),
        pytest.param(
            RegistrarSettings(min_expires_mode=1),
            ["Contact: <sip:a@h>;expires=10"],
            423,
            "Interval too brief",
            [("Min-Expires", "60")],
            id="20",
        ),
        pytest.param(
            STRICT,
            ["Contact: <sip:a@h>", *PATHS],
            420,
            "No support for found Path indicated",
            [("Unsupported", "path"), ("Path", "<sip:p1;lr>,<sip:p2;lr>")],
            id="25, S-01",
        ),
        pytest.param(
            STRICT,
            ["Contact: <sip:a@h>;expires=0", PATHS[0]],
            420,
            "No support for found Path indicated",
            [("Unsupported", "path"), ("Path", "<sip:p1;lr>")],
            id="25b, S-01",
        ),
        pytest.param(
            STRICT,
            ["Contact: <sip:a@h>", "Path: <sip:p1>", "Supported: path"],
            400,
            "Path parse error",
            [],
            id="27",
        ),
        pytest.param(
            REQUIRED,
            ["Contact: <sip:a@h>"],
            421,
            "No support for Outbound indicated",
            [("Require", "outbound"), ("Supported", "outbound")],
            id="29, S-02",
        ),
        pytest.param(
            REQUIRED,
            ["Contact: <sip:a@h>", "Supported: path"],
            421,
            "No support for Outbound indicated",
            [("Require", "outbound"), ("Supported", "outbound")],
            id="30",
        ),
        pytest.param(
            OUTBOUND,
            [SECOND_VIA, FLOW, "Supported: outbound"],
            439,
            "No support for Outbound on edge proxy",
            [],
            id="31",
        ),
        pytest.param(
            OUTBOUND,
            [SECOND_VIA, FLOW, "Supported: outbound", PATHS[0]],
            439,
            "No support for Outbound on edge proxy",
            [],
            id="31b",
        ),
        pytest.param(
            OUTBOUND,
            [SECOND_VIA, FLOW, "Path: nonsense"],
            400,
            "Path parse error",
            [],
            id="S-04c",
        ),
        pytest.param(
            RegistrarSettings(),
            [f"Contact: {DEVICE};reg-id=0"],
            400,
            "Invalid Reg-Id number",
            [],
            id="35, S-04",
        ),
        pytest.param(
            RegistrarSettings(),
            ["Contact: <sip:a@h>", "Require: outbound"],
            420,
            "No support for Outbound on server",
            [("Unsupported", "outbound")],
            id="36",
        ),
        pytest.param(
            RegistrarSettings(),
            ['Contact: <sip:a@h>;methods="INVITE BYE"'],
            400,
            "Message parse error",
            [],
            id="methods",
        ),
    ],
)
def test_refusals_are_kamailios(
    settings: RegistrarSettings,
    headers: list[str],
    status: int,
    error: str,
    extra: list[tuple[str, str]],
) -> None:
    """Status, error text and headers, but before anything is written."""
    outcome = plan(register(*headers), settings)
    assert isinstance(outcome, Refusal)

    assert (status, error, extra) == (outcome.status, outcome.error, outcome.headers)


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        pytest.param(RegistrarSettings(), [], id="5"),
        pytest.param(OUTBOUND, [SECOND_VIA], id="34, S-04b"),
        pytest.param(OUTBOUND, [SECOND_VIA, "Path: nonsense"], id="34b, S-04b"),
        pytest.param(STRICT, PATHS, id="no Path is asked of a star"),
    ],
)
def test_a_star_removes_all_by_whatever_way_it_comes(
    settings: RegistrarSettings, headers: list[str]
) -> None:
    """And keeps no Path: nothing is left that it could lead to."""
    star = planned(register("Contact: *", "Expires: 0", *headers), settings)

    assert (True, "") == (star.wipe, star.path)


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        pytest.param(RegistrarSettings(), [], id="3"),
        pytest.param(STRICT, PATHS, id="no Path is asked of a query"),
        pytest.param(OUTBOUND, [SECOND_VIA, "Path: nonsense"], id="nor by outbound"),
    ],
)
def test_a_query_is_one_by_whatever_way_it_comes(
    settings: RegistrarSettings, headers: list[str]
) -> None:
    """It changes nothing, so nothing stands in its way."""
    assert planned(register(*headers), settings).is_query


@pytest.mark.parametrize(
    ("settings", "headers", "path", "terms"),
    [
        pytest.param(
            STRICT,
            [*PATHS, "Supported: path"],
            "<sip:p1;lr>,<sip:p2;lr>",
            Terms(path="<sip:p1;lr>,<sip:p2;lr>"),
            id="26",
        ),
        pytest.param(LAZY, PATHS, "<sip:p1;lr>,<sip:p2;lr>", PLAIN_TERMS, id="lazy"),
        pytest.param(RegistrarSettings(), PATHS, "", PLAIN_TERMS, id="use_path 0"),
        pytest.param(
            RegistrarSettings(outbound_mode=2, missing_supported="accept"),
            [],
            "",
            PLAIN_TERMS,
            id="29",
        ),
    ],
)
def test_a_path_is_kept_and_shown(
    settings: RegistrarSettings, headers: list[str], path: str, terms: Terms
) -> None:
    """Kept in every path_mode, shown to those who know of it."""
    outcome = planned(register("Contact: <sip:a@h>", *headers), settings)

    assert (path, terms) == (outcome.path, outcome.terms)


def test_vector_15_needs_trust() -> None:
    """A Contact's received is believed of those alone whom trust_contact_from names (S-09)."""
    request = register('Contact: <sip:a@h>;received="sip:6.6.6.6:5060"')
    settings = RegistrarSettings(trust_contact_from=["192.0.2.0/24"])
    options = SaveOptions(source="192.0.2.1")

    assert ("", "sip:6.6.6.6:5060") == (
        planned(request, RegistrarSettings(), None, options).changes[0].received,
        planned(request, settings, None, options).changes[0].received,
    )


def test_vector_19_is_a_single_registration() -> None:
    """Flag 0x04, for a new AOR as well: the store is told so either way (S-07)."""
    request = register("Contact: <sip:a@h>, <sip:b@h>, <sip:c@h>")

    assert planned(request, options=SaveOptions(flags=SaveFlag.REPL)).is_single


def test_vector_28_takes_received_from_path() -> None:
    """It goes before the contact's own, and the branch flag says that there is a NAT."""
    outcome = planned(
        register(
            'Contact: <sip:a@h>;received="sip:9.9.9.9"',
            "Path: <sip:p1;lr;received=sip:7.7.7.7:5062%3Btransport%3Dtcp>",
        ),
        LAZY,
        LocationSettings(nat_bflag=6),
    )

    assert ("sip:7.7.7.7:5062;transport=tcp", 64) == (outcome.changes[0].received, outcome.cflags)


@pytest.mark.parametrize(
    ("settings", "headers", "reg_id"),
    [
        pytest.param(
            OUTBOUND, [SECOND_VIA, "Path: <sip:e;lr;ob>", "Supported: outbound"], 1, id="32"
        ),
        pytest.param(OUTBOUND, [SECOND_VIA, "Supported: gruu"], 0, id="33"),
        pytest.param(RegistrarSettings(), [SECOND_VIA], 1, id="outbound_mode 0, S-21"),
        pytest.param(
            RegistrarSettings(outbound_mode=1, regid_mode=1), [SECOND_VIA], 1, id="regid_mode 1"
        ),
    ],
)
def test_a_flow_is_one_or_not(settings: RegistrarSettings, headers: list[str], reg_id: int) -> None:
    """A reg-id that does not count is not kept either; the instance is."""
    (change,) = planned(register(FLOW, *headers), settings).changes

    assert (reg_id, f";{reg_id}") == (change.reg_id, change.key[-2:])


def test_vectors_37_and_38_name_the_host_as_written() -> None:
    """The AOR's own is in lower case, without realm_prefix."""
    outcome = planned(
        register(f"Contact: {DEVICE}", "Supported: gruu", to="<sip:Ali%43e@sip.Example.com>"),
        RegistrarSettings(realm_prefix="sip.", case_sensitive=1),
    )

    assert ("AliCe@example.com", "sip.Example.com") == (outcome.aor, outcome.terms.gruu_host)


@pytest.mark.parametrize(
    ("mode", "call_ids", "uris", "is_one"),
    [
        pytest.param(1, ("A", "B"), ("sip:a@h", "sip:a@h"), False, id="42"),
        pytest.param(3, ("A", "A"), ("sip:a@h", "sip:b@h"), True, id="43"),
        pytest.param(0, ("A", "B"), ("sip:a@h", "sip:a@h"), True, id="mode 0"),
    ],
)
def test_matching_mode_makes_the_key(
    mode: int, call_ids: tuple[str, str], uris: tuple[str, str], is_one: bool
) -> None:
    """By Call-ID as well, or by it alone."""
    one, other = (
        planned(
            register(f"Contact: <{uri}>", call_id=call_id),
            None,
            LocationSettings(matching_mode=mode),
        )
        .changes[0]
        .key
        for call_id, uri in zip(call_ids, uris, strict=True)
    )

    assert is_one == (one == other)
