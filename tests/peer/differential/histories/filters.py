"""Bindings that are there and pass for gone: ``lookup_filter_mode``, ``use_expired_contacts``."""

from dataclasses import replace

from tests.peer.differential.sequence import Group, History, Seen, Step, call, lookup, register
from tests.peer.differential.words import ME, A, B

BRIEF = "<sip:a@1.1.1.1>;expires=1"
GONE = Step(do="save", until={"contacts": None})
"""A query, again and again until nothing is listed."""


def waiting(until: Seen) -> Step:
    """A lookup, again and again until that has come of it."""
    return replace(lookup(), until=until)


def branch(user: str, flags: int, socket: str = "udp") -> str:
    """A branch."""
    return f"sip:{user}@1.1.1.1||{socket}:HERE|{flags}||"


BY_FLAGS = [
    History(
        "those with the flag",
        [
            register(A, x_bflags=4),
            register(B, x_bflags=2),
            lookup(x_cfg_rlf=2).answers(code=1, branches=[branch("b", 2)]),
            lookup(x_cfg_rlf=4).answers(branches=[branch("a", 4)]),
        ],
    ),
    History(
        "any of several flags",
        [
            register(A, x_bflags=4),
            register(B, x_bflags=2),
            lookup(x_cfg_rlf=6).answers(branches=[branch("a", 4), branch("b", 2)]),
        ],
    ),
    History(
        "nobody has it",
        [register(A, x_bflags=4), lookup(x_cfg_rlf=1).answers(code=-1)],
    ),
    History(
        "nobody asks",
        [register(A, x_bflags=4), lookup().answers(code=1), lookup(x_cfg_rlf=0).answers(code=1)],
    ),
    History(
        "a GRUU is not filtered",
        [
            register(f'{A};+sip.instance="<urn:x:1>"', x_bflags=4),
            lookup("sip:{user}@example.com;gr=urn:x:1", x_cfg_rlf=1).answers(code=1),
        ],
    ),
    History(
        "registered() is not filtered",
        [register(A, x_bflags=4), call("registered", x_cfg_rlf=1).answers(code=1)],
    ),
    History(
        "a destination set is",
        [
            register(A, x_bflags=4),
            register(B, x_bflags=2),
            call("lookup_to_dset", x_cfg_rlf=2).answers(
                branches=["sip:{user}@example.com|||0||", branch("b", 2)]
            ),
        ],
    ),
]

STREAM = Step(do="save", rows={"contact": A}, transport="tcp")

BY_CONNECTION = [
    History("a connection that is there", [STREAM, lookup().answers(code=1)]),
    History("no connection is needed", [register(A), lookup().answers(code=1)]),
    History(
        "a connection that has gone",
        [
            STREAM,
            Step(do="hang_up"),
            waiting({"code": -1}).answers(code=-1),
            call("registered").answers(code=1),
        ],
    ),
    History(
        "one has gone, one has not",
        [
            STREAM,
            register(B),
            Step(do="hang_up"),
            waiting({"branches": [branch("b", 0)]}).answers(code=1, branches=[branch("b", 0)]),
        ],
    ),
]

EXPIRED = [
    History(
        "it is looked up, though not listed",
        [
            register(BRIEF).answers(contacts=[BRIEF]),
            GONE.answers(contacts=None),
            lookup().answers(code=1, branches=[branch("a", 0)]),
            call("registered").answers(code=1),
        ],
    ),
]

NOT_EXPIRED = [
    History(
        "it is gone for lookups",
        [
            register(BRIEF),
            GONE.answers(contacts=None),
            lookup().answers(code=-1),
            call("registered").answers(code=-1),
            call("fetch_head", x_uri=ME).because(
                "S-19",
                {"code": 1, "ulc": ["count=1|aor={user}|domain=location"]},
                {"code": -1, "ulc": ["count=|aor=|domain="]},
            ),
        ],
    ),
    History(
        "others are still there",
        [
            register(BRIEF, f"{B};expires=100"),
            waiting({"branches": [branch("b", 0)]}).answers(code=1),
        ],
    ),
    History(
        "a refresh brings it back",
        [
            register(BRIEF),
            GONE,
            register(A)
            .answers(contacts=[f"{A};expires=3600"])
            .because("S-29", {"code": 2}, {"code": 1}),
            lookup().answers(code=1),
        ],
    ),
]

INCLUDED = [
    History(
        "it is fetched",
        [
            register(BRIEF),
            GONE.answers(contacts=None),
            call("fetch_head", x_uri=ME).answers(
                code=1, ulc=["count=1|aor={user}|domain=location"]
            ),
        ],
        ("S-19",),
    )
]

ONE = [
    History(
        "a refresh of an expired binding counts",
        [
            register(BRIEF),
            GONE,
            register(B).answers(code=1),
            register(A).because(
                "S-29",
                {
                    "status": "200 OK",
                    "error": None,
                    "code": 2,
                    "contacts": [f"{A};expires=3600", f"{B};expires=3600"],
                },
                {
                    "status": "503 Service Unavailable",
                    "error": "Too many registered contacts",
                    "code": -2,
                    "contacts": [f"{B};expires=3600"],
                },
            ),
        ],
    )
]

GROUPS = [
    Group(
        name="filter by flags",
        registrar={"lookup_filter_mode": 1, "xavp_cfg": "cfg"},
        histories=BY_FLAGS,
    ),
    Group(
        name="filter by connection",
        registrar={"lookup_filter_mode": 2},
        histories=BY_CONNECTION,
    ),
    Group(
        name="expired ones count",
        registrar={"use_expired_contacts": 1, "min_expires": 0},
        histories=EXPIRED,
    ),
    Group(
        name="expired ones",
        registrar={"min_expires": 0},
        histories=NOT_EXPIRED,
    ),
    Group(
        name="somebody is told",
        registrar={"min_expires": 0, "event_callback": "contact_expired"},
        histories=[
            History(
                "a function that is named changes nothing else",
                [register(BRIEF), GONE.answers(contacts=None), lookup().answers(code=-1)],
            )
        ],
    ),
    Group(
        name="expired ones are fetched",
        registrar={"min_expires": 0},
        ours={"registrar": {"expired_contacts": "include"}},
        histories=INCLUDED,
    ),
    Group(
        name="one contact, expired ones",
        registrar={"max_contacts": 1, "min_expires": 0},
        histories=ONE,
    ),
]
