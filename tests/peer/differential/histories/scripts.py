"""What a script says for one request and is told: ``xavp_cfg``, ``xavp_rcd``, ``xavp_contact``."""

from tests.peer.differential.sequence import Group, History, Seen, call, lookup, register
from tests.peer.differential.words import BAD, OK, A, B, listed

RAISED: Seen = {"status": "500 Server Internal Error", "code": None, "contacts": None}
BAD_Q: Seen = {"status": BAD, "error": "Invalid q param in contact", "code": -1}


CONFIGURED = [
    History(
        "a lifetime",
        [register(A, x_cfg_expires=120).answers(contacts=[f"{A};expires=120"])],
    ),
    History(
        "a lifetime against the contact's",
        [register(f"{A};expires=500", x_cfg_expires=120).answers(contacts=[f"{A};expires=120"])],
    ),
    History(
        "it goes before a removal",
        [
            register(f"{A};expires=0", x_cfg_expires=120).answers(
                code=1, contacts=[f"{A};expires=120"]
            )
        ],
    ),
    History(
        "nought removes",
        [register(A), register(A, x_cfg_expires=0).answers(code=3, contacts=None)],
    ),
    History(
        "the floor stays", [register(A, x_cfg_expires=5).answers(contacts=[f"{A};expires=60"])]
    ),
    History(
        "a negative lifetime is ignored",
        [register(A, x_cfg_expires=-5).answers(contacts=listed(A))],
    ),
    History(
        "a lifetime that is a text is ignored",
        [
            register(A, x_cfg_text_expires="120").because(
                "S-58", {"status": OK, "code": 1, "contacts": listed(A)}, RAISED
            )
        ],
    ),
    History(
        "a preference",
        [register(f"{A};q=0.1", x_cfg_q=500).answers(contacts=[f"{A};q=0.5;expires=3600"])],
    ),
    History("a preference of nought", [register(A, x_cfg_q=0).answers(code=1)]),
    History("a preference past one", [register(A, x_cfg_q=1500).answers(**BAD_Q)]),
    History("a negative preference", [register(A, x_cfg_q=-5).answers(**BAD_Q)]),
    History(
        "a preference that is a text is ignored",
        [
            register(f"{A};q=0.1", x_cfg_text_q="0.5").because(
                "S-58", {"status": OK, "code": 1, "contacts": [f"{A};q=0.1;expires=3600"]}, RAISED
            )
        ],
    ),
    History(
        "a limit",
        [
            register(A),
            register(B, x_cfg_max=1).answers(status="503 Service Unavailable", code=-2),
        ],
    ),
    History(
        "a lifetime of 32 bits",
        [
            register(A, x_cfg_expires=3000000000).because(
                "5.6: xavp integers",
                {"contacts": listed(A)},
                {"contacts": [f"{A};expires=3000000000"]},
            )
        ],
    ),
    History(
        "all at once",
        [
            register(A, B, x_cfg_expires=90, x_cfg_q=200, x_cfg_max=2).answers(
                contacts=[f"{A};q=0.2;expires=90", f"{B};q=0.2;expires=90"]
            )
        ],
    ),
]

UNNAMED = [
    History(
        "without the parameter nobody reads it",
        [register(A, x_cfg_expires=120, x_cfg_q=500).answers(contacts=listed(A))],
        ("S-58",),
    )
]

RECORD = [
    History(
        "what a lookup met",
        [
            register(A, x_avp="sip:5.5.5.5:1", path="<sip:p1;lr>"),
            lookup().answers(
                rcd=[
                    "contact=sip:a@1.1.1.1",
                    "expires=3600",
                    "received=sip:5.5.5.5:1",
                    "path=<sip:p1;lr>",
                    "ruid=RUID",
                ]
            ),
        ],
    ),
    History(
        "of several the best",
        [
            register(A, "<sip:b@1.1.1.1>;q=0.5"),
            lookup().answers(rcd=["contact=sip:b@1.1.1.1", "expires=3600", "ruid=RUID"]),
        ],
    ),
    History(
        "registered() tells as well",
        [
            register(A),
            call("registered").answers(rcd=["contact=sip:a@1.1.1.1", "expires=3600", "ruid=RUID"]),
        ],
    ),
    History(
        "unless it is told not to",
        [
            register(A),
            call("registered", x_uri="sip:{user}@h.com", x_option=0, x_action=2).answers(
                code=1, rcd=None
            ),
        ],
    ),
    History(
        "a destination set tells nothing", [register(A), call("lookup_to_dset").answers(rcd=None)]
    ),
    History("nobody, nothing", [lookup().answers(code=-1, rcd=None)]),
    History(
        "a save tells what it lists",
        [register(A).answers(rcd=["contact=sip:a@1.1.1.1", "expires=3600", "ruid=RUID"])],
    ),
    History(
        "several in one root, the last one first",
        [
            register(A, B).answers(
                rcd=[
                    "contact=sip:b@1.1.1.1",
                    "expires=3600",
                    "ruid=RUID",
                    "contact=sip:a@1.1.1.1",
                    "expires=3600",
                    "ruid=RUID",
                ]
            )
        ],
        ("S-48",),
    ),
]

ROOTS = [
    History(
        "a root for each",
        [
            register(A, B).because(
                "S-48",
                {
                    "rcd": [
                        "contact=sip:b@1.1.1.1",
                        "expires=3600",
                        "ruid=RUID",
                        "contact=sip:a@1.1.1.1",
                        "expires=3600",
                        "ruid=RUID",
                    ]
                },
                {"rcd": ["contact=sip:a@1.1.1.1", "expires=3600", "ruid=RUID"]},
            )
        ],
    )
]


def masked(mask: int, *fields: str) -> Group:
    """What is left with a mask."""
    return Group(
        name=f"record mask {mask}",
        registrar={
            "xavp_rcd": "rcd",
            "xavp_rcd_mask": mask,
            "use_path": 1,
            "path_mode": 0,
            "received_avp": "$avp(rcv)",
        },
        histories=[
            History(
                "some fields",
                [
                    register(A, x_avp="sip:5.5.5.5:1", path="<sip:p1;lr>"),
                    lookup().answers(rcd=list(fields) or None),
                ],
            )
        ],
    )


KEPT = [
    History(
        "it comes back with the branch",
        [register(A, x_keep="blue"), lookup().answers(code=1, keep=["blue"])],
    ),
    History("nothing comes of nothing", [register(A), lookup().answers(keep=None)]),
    History(
        "a refresh without it",
        [
            register(A, x_keep="blue"),
            register(A),
            lookup().because("5.6: xavp absent on refresh", {"keep": None}, {"keep": ["blue"]}),
        ],
    ),
    History(
        "a refresh with another",
        [
            register(A, x_keep="blue"),
            register(A, x_keep="green"),
            lookup().answers(keep=["green"]),
        ],
    ),
    History(
        "registered() brings it when asked to",
        [
            register(A, x_keep="blue"),
            call("registered", x_uri="sip:{user}@h.com").answers(keep=None),
            call("registered", x_uri="sip:{user}@h.com", x_option=0, x_action=1).answers(
                keep=["blue"]
            ),
        ],
    ),
]

GROUPS = [
    Group(name="configured", registrar={"xavp_cfg": "cfg"}, histories=CONFIGURED),
    Group(name="not configured", histories=UNNAMED),
    Group(
        name="record",
        registrar={
            "xavp_rcd": "rcd",
            "use_path": 1,
            "path_mode": 0,
            "received_avp": "$avp(rcv)",
        },
        histories=RECORD,
    ),
    Group(
        name="record in roots",
        registrar={"xavp_rcd": "rcd"},
        ours={"registrar": {"rcd_shape": "roots"}},
        histories=ROOTS,
    ),
    masked(
        1, "contact=sip:a@1.1.1.1", "expires=3600", "received=sip:5.5.5.5:1", "path=<sip:p1;lr>"
    ),
    masked(14, "path=<sip:p1;lr>", "ruid=RUID"),
    Group(name="kept", usrloc={"xavp_contact": "keep"}, histories=KEPT),
]
