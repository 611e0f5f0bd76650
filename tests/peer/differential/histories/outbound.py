"""Outbound (RFC 5626): ``outbound_mode``, ``regid_mode``, ``flow_timer``, option tags."""

from tests.peer.differential.sequence import INSTANCE, Group, History, Seen, Step, register, star
from tests.peer.differential.words import BAD, OK, A

EDGE = ["SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKphone"]
"""The Via of a phone whose request came through a proxy."""
OB_PATH, PATH = "<sip:p1.example.com;lr;ob>", "<sip:p1.example.com;lr>"
FLOW = f"{A};{INSTANCE};reg-id=1"
BOUND = f"{A};expires=3600;{INSTANCE}"
BOUND_FLOW = f"{BOUND};reg-id=1"
REQUIRED: Seen = {
    "status": "421 Extension Required",
    "error": "No support for Outbound indicated",
    "require": "outbound",
    "supported": "outbound",
    "code": -1,
}
UNSUPPORTED: Seen = {
    "status": "420 Bad Extension",
    "error": "No support for Outbound on server",
    "unsupported": "outbound",
    "code": -1,
}
NO_EDGE: Seen = {
    "status": "439 First Hop Lacks Outbound Support",
    "error": "No support for Outbound on edge proxy",
    "code": -1,
}
BOTH: Seen = {"require": "outbound", "supported": "outbound"}


def bad_reg_ids(**also: str) -> list[History]:
    """Numbers of a flow that are none, which the peer answers as if they were."""
    steps = [
        register(f"{A};{INSTANCE};reg-id={number}")
        .answers(code=-1, contacts=None)
        .because(
            "S-04",
            {"status": OK, "error": None, **also},
            {"status": BAD, "error": "Invalid Reg-Id number"},
        )
        for number in ("0", "x", "4294967296")
    ]
    nothing = register().answers(contacts=None)
    return [
        History(f"a bad reg-id: {step.rows['contact']}", [step, nothing], ("#35",))
        for step in steps
    ]


def lacking(required: str, tag: str) -> Step:
    """A REGISTER that requires what we have not: the peer does not mind."""
    return register(A, require=required).because(
        "S-25",
        {"status": OK, "code": 1, "contacts": [f"{A};expires=3600"], "unsupported": None},
        {"status": "420 Bad Extension", "code": -1, "contacts": None, "unsupported": tag},
    )


REQUIRED_TAGS = [
    History("one that is known and one that is not", [lacking("gruu, foo", "foo")]),
    History("one that is off", [lacking("path", "path")]),
    History("one that is on", [register(A, require="gruu").answers(status=OK, code=1)]),
]

MODE_0 = [
    *bad_reg_ids(),
    *REQUIRED_TAGS,
    History(
        "required where it is off",
        [register(A, require="outbound").answers(**UNSUPPORTED)],
        ("#36",),
    ),
    History(
        "supported where it is off",
        [register(A, supported="outbound").answers(status=OK, supported=None, require=None)],
    ),
    History(
        "a flow through a proxy is kept",
        [register(FLOW, vias=EDGE, supported="outbound").answers(contacts=[BOUND_FLOW])],
        ("S-21",),
    ),
    History(
        "an unknown extension",
        [
            register(A, require="foo").because(
                "S-25",
                {"status": OK, "code": 1, "contacts": [f"{A};expires=3600"], "unsupported": None},
                {
                    "status": "420 Bad Extension",
                    "code": -1,
                    "contacts": None,
                    "unsupported": "foo",
                },
            )
        ],
    ),
]

MODE_1 = [
    *bad_reg_ids(supported="outbound"),
    History(
        "a phone that does it",
        [
            register(FLOW, supported="outbound").answers(
                status=OK, contacts=[BOUND_FLOW], flow_timer="25", **BOTH
            )
        ],
    ),
    History(
        "a phone that requires it",
        [register(FLOW, require="outbound").answers(status=OK, flow_timer="25", **BOTH)],
    ),
    History(
        "a phone that does not",
        [register(A).answers(status=OK, supported="outbound", require=None, flow_timer=None)],
    ),
    History(
        "a query",
        [register(supported="outbound").answers(code=4, flow_timer="25", **BOTH)],
    ),
    History(
        "a star",
        [register(A), star(supported="outbound").answers(code=3, **BOTH)],
    ),
    History(
        "a proxy without Path",
        [register(FLOW, vias=EDGE, supported="outbound").answers(**NO_EDGE)],
        ("#31",),
    ),
    History(
        "a proxy that does no outbound",
        [register(FLOW, vias=EDGE, supported="outbound, path", path=PATH).answers(**NO_EDGE)],
        ("#31",),
    ),
    History(
        "a proxy that does",
        [
            register(FLOW, vias=EDGE, supported="outbound, path", path=OB_PATH).answers(
                status=OK, contacts=[BOUND_FLOW], path=OB_PATH, flow_timer="25", **BOTH
            )
        ],
        ("#32",),
    ),
    History(
        "the last proxy of two does",
        [
            register(FLOW, vias=EDGE, supported="outbound, path", path=f"{PATH},{OB_PATH}").because(
                "own: ob",
                {
                    **NO_EDGE,
                    **dict.fromkeys(("contacts", "path", "flow_timer", "supported", "require")),
                },
                {
                    "status": OK,
                    "error": None,
                    "code": 1,
                    "contacts": [BOUND_FLOW],
                    "path": f"{PATH}, {OB_PATH}",
                    "flow_timer": "25",
                    **BOTH,
                },
            )
        ],
    ),
    History(
        "a phone that knows no outbound, through a proxy that does not either",
        [
            register(FLOW, vias=EDGE, supported="gruu").answers(
                status=OK,
                contacts=[
                    f'{A};expires=3600;pub-gruu="sip:{{user}}@example.com;gr='
                    'urn:uuid:00000000-0000-1000-8000-000A95A0E128"'
                    f';temp-gruu="sip:TEMP@example.com;gr";{INSTANCE}'
                ],
            )
        ],
        ("#33",),
    ),
    History(
        "no flow, so it is no matter",
        [register(A, vias=EDGE, supported="outbound").answers(status=OK, code=1)],
    ),
    History(
        "a star through a proxy",
        [
            register(A),
            star(vias=EDGE)
            .answers(status=OK, supported="outbound")
            .because("S-04", {"code": -1}, {"code": 3}),
            register().because("S-04", {"contacts": [f"{A};expires=3600"]}, {"contacts": None}),
        ],
        ("#34",),
    ),
    History(
        "an unreadable Path",
        [
            register(FLOW, vias=EDGE, path="<<>", supported="path").because(
                "S-04",
                {"status": OK, "error": None, "supported": "outbound"},
                {"status": BAD, "error": "Path parse error", "supported": None},
            )
        ],
    ),
]

MODE_2 = [
    History(
        "no Supported at all",
        [
            register(A).because(
                "S-02",
                {"status": OK, "code": 1, "error": None, "contacts": [f"{A};expires=3600"]},
                {
                    "status": REQUIRED["status"],
                    "error": REQUIRED["error"],
                    "code": -1,
                    "contacts": None,
                },
            )
        ],
        ("#29",),
    ),
    History("another option", [register(A, supported="path").answers(**REQUIRED)], ("#30",)),
    History("an empty Supported", [register(A, supported="").answers(code=-1)]),
    History(
        "a phone that does it",
        [register(FLOW, supported="outbound").answers(status=OK, contacts=[BOUND_FLOW], **BOTH)],
    ),
]

ACCEPTING = [
    History(
        "no Supported at all",
        [register(A).answers(status=OK, contacts=[f"{A};expires=3600"], **BOTH)],
        ("#29", "S-02"),
    )
]

ALWAYS = [
    History(
        "a flow through a proxy that does not do it",
        [register(FLOW, vias=EDGE, supported="outbound").answers(status=OK, contacts=[BOUND_FLOW])],
    ),
    History(
        "of a phone that does not either",
        [register(FLOW, vias=EDGE).answers(status=OK, contacts=[BOUND_FLOW])],
    ),
]

PATHS = {"use_path": 1, "path_mode": 1}

GROUPS = [
    Group(name="no outbound", histories=MODE_0),
    Group(
        name="outbound",
        registrar={"outbound_mode": 1, "flow_timer": 25, **PATHS},
        histories=MODE_1,
    ),
    Group(name="outbound required", registrar={"outbound_mode": 2}, histories=MODE_2),
    Group(
        name="outbound required, kindly",
        registrar={"outbound_mode": 2},
        ours={"registrar": {"missing_supported": "accept"}},
        histories=ACCEPTING,
    ),
    Group(
        name="flows always",
        registrar={"outbound_mode": 1, "regid_mode": 1, **PATHS},
        histories=ALWAYS,
    ),
    Group(
        name="long flow timer",
        registrar={"outbound_mode": 2, "flow_timer": 120},
        histories=[
            History(
                "three digits",
                [
                    register(FLOW, supported="outbound").because(
                        "S-03",
                        {"flow_timer": "120\r\0", "code": None},
                        {"flow_timer": "120", "code": 1},
                    )
                ],
            )
        ],
    ),
    Group(
        name="unknown extensions",
        ours={"registrar": {"unknown_require": "ignore"}},
        histories=[
            History(
                "as in Kamailio",
                [register(A, require="foo").answers(status=OK, code=1)],
                ("S-25",),
            )
        ],
    ),
]
