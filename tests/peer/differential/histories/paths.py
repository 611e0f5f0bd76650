"""Path (RFC 3327): ``use_path``, ``path_mode``, ``path_use_received``, ``path_check_local``."""

from tests.peer.differential.sequence import Group, History, Seen, Step, lookup, register, star
from tests.peer.differential.words import BAD, OK, A

P1, P2 = "<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"
LISTED = [f"{A};expires=3600"]
BAD_PATH: Seen = {"status": BAD, "error": "Path parse error", "code": -1}
NO_PATH: Seen = {
    "status": "420 Bad Extension",
    "error": "No support for found Path indicated",
    "unsupported": "path",
}


def way(path: str, next_hop: str, flags: int = 0) -> list[str]:
    """The one branch and its way."""
    return [f"sip:a@1.1.1.1|{next_hop}|udp:HERE|{flags}|{path}|"]


STRICT = [
    History(
        "no Supported",
        [
            register(A, path=P1)
            .answers(**NO_PATH, path=P1)
            .because("S-01", {"code": 1, "contacts": LISTED}, {"code": -1, "contacts": None}),
            register().because("S-01", {"contacts": LISTED}, {"contacts": None}),
        ],
        ("#25",),
    ),
    History(
        "a removal without Supported",
        [
            register(A, path=P1, supported="path").answers(status=OK),
            register(A, path=P1, expires=0)
            .answers(**NO_PATH)
            .because("S-01", {"code": 3}, {"code": -1}),
            register().because("S-01", {"contacts": None}, {"contacts": LISTED}),
        ],
    ),
    History(
        "two headers",
        [
            register(A, path=[P1, P2], supported="path").answers(
                status=OK, path=f"{P1}, {P2}", contacts=LISTED
            ),
            lookup().answers(branches=way(f"{P1},{P2}", "sip:p1.example.com;lr")),
        ],
        ("#26",),
    ),
    History(
        "one header with two",
        [
            register(A, path=f"{P1},{P2}", supported="path").answers(path=f"{P1}, {P2}"),
            lookup().answers(branches=way(f"{P1},{P2}", "sip:p1.example.com;lr")),
        ],
    ),
    History(
        "among other options",
        [register(A, path=P1, supported="100rel, Path , gruu").answers(status=OK, path=P1)],
    ),
    History(
        "no loose router",
        [register(A, path="<sip:p1.example.com>", supported="path").answers(**BAD_PATH)],
        ("#27",),
    ),
    History(
        "none at all",
        [register(A, supported="path").answers(status=OK, path=None), lookup().answers(code=1)],
    ),
    History("no URI", [register(A, path="<>", supported="path").answers(**BAD_PATH)]),
    History(
        "a removal that finds nobody",
        [
            register(A, path=P1, supported="path", expires=0)
            .answers(status=OK, code=1)
            .because("own: path", {"path": None}, {"path": P1})
        ],
    ),
    History(
        "a refresh without it clears it",
        [
            register(A, path=P1, supported="path"),
            register(A).answers(code=2, path=None),
            lookup().answers(branches=way("", "")),
        ],
    ),
    History(
        "a query is never asked for it",
        [register(path=P1).answers(status=OK, code=4, path=None)],
    ),
    History(
        "a star is never asked for it",
        [register(A), star(path=P1).answers(status=OK, code=3, path=None)],
    ),
    History(
        "300 octets of it",
        [
            register(A, path=f"<sip:{280 * 'p'}.com;lr>", supported="path").because(
                "5.6: longest Path",
                {**BAD_PATH, "path": None, "contacts": None},
                {
                    "status": OK,
                    "error": None,
                    "code": 1,
                    "path": f"<sip:{280 * 'p'}.com;lr>",
                    "contacts": LISTED,
                },
            )
        ],
    ),
    History(
        "600 octets of it",
        [register(A, path=[f"<sip:{280 * 'p'}.com;lr>"] * 2, supported="path").answers(**BAD_PATH)],
    ),
    History(
        "the phone is sent its route",
        [
            register("<sip:a@1.1.1.1>", path="<sip:{phone};lr>,<sip:p2;lr>", supported="path"),
            Step(do="relay", method="MESSAGE", target="sip:{user}@example.com").answers(
                relayed=["sip:a@1.1.1.1", "Route: <sip:PHONE;lr>,<sip:p2;lr>"]
            ),
        ],
    ),
    History(
        "without Path it is sent none",
        [
            register("<sip:a@{phone}>"),
            Step(do="relay", method="MESSAGE", target="sip:{user}@example.com").answers(
                relayed=["sip:a@PHONE"]
            ),
        ],
        ("S-49",),
    ),
    History(
        "a delayed reply",
        [
            register(A, path=P1, supported="path", x_flags=2)
            .asking("save_send")
            .because("S-38", {"path": None}, {"path": P1})
        ],
        ("#50",),
    ),
    History(
        "a delayed reply to who does not support it",
        [
            register(A, path=P1, x_flags=2)
            .asking("save_send")
            .because(
                "S-38",
                {
                    "status": OK,
                    "code": 1,
                    "contacts": LISTED,
                    **dict.fromkeys(("error", "path", "unsupported")),
                },
                {**NO_PATH, "code": -1, "contacts": None, "path": P1},
            )
        ],
        ("#50",),
    ),
]

LAZY = [
    History("who supports it is told", [register(A, path=P1, supported="path").answers(path=P1)]),
    History(
        "who does not is not",
        [
            register(A, path=P1).answers(status=OK, code=1, path=None, contacts=LISTED),
            lookup().answers(branches=way(P1, "sip:p1.example.com;lr")),
        ],
    ),
    History(
        "where it says it comes from",
        [
            register(
                A,
                path="<sip:p1.example.com;lr;received=sip:7.7.7.7:5062%3Btransport%3Dtcp>",
                x_avp="sip:6.6.6.6:5060",
            ).answers(contacts=[f'{A};expires=3600;received="sip:7.7.7.7:5062;transport=tcp"']),
            lookup().answers(
                branches=way(
                    "<sip:p1.example.com;lr;received=sip:7.7.7.7:5062%3Btransport%3Dtcp>",
                    "sip:p1.example.com;lr;received=sip:7.7.7.7:5062%3Btransport%3Dtcp",
                    64,
                )
            ),
        ],
        ("#28",),
    ),
    History(
        "it says something else",
        [
            register(A, path="<sip:p1.example.com;lr;received=nowhere>").because(
                "own: received",
                {"contacts": [f'{A};expires=3600;received="nowhere"']},
                {"contacts": LISTED},
            )
        ],
    ),
    History(
        "a second one that cannot be read",
        [
            register(A, path=f"{P1},<sip:p2:x;lr>").because(
                "own: whole Path",
                {"status": OK, "error": None, "code": 1, "contacts": LISTED},
                {**BAD_PATH, "contacts": None},
            )
        ],
    ),
    History(
        "only the first one says",
        [
            register(A, path=f"{P1},<sip:p2;lr;received=sip:7.7.7.7>").answers(contacts=LISTED),
        ],
    ),
]

OFF = [
    History(
        "nobody is told",
        [
            register(A, path=P1, supported="path").answers(status=OK, path=None),
            lookup().answers(branches=way(P1, "sip:p1.example.com;lr")),
        ],
    )
]

UNUSED = [
    History(
        "it is not even read",
        [
            register(A, path="<sip:p1.example.com>").answers(status=OK, path=None),
            lookup().answers(branches=way("", "")),
        ],
    ),
]

LOCAL = [
    History(
        "the second hop",
        [
            register(A, path="<sip:{here};lr>,<sip:p2.example.com;lr>"),
            lookup().answers(branches=way(P2, "sip:p2.example.com;lr")),
        ],
        ("#44",),
    ),
    History(
        "only ourselves",
        [
            register(A, path="<sip:{here};lr>", x_avp="sip:5.5.5.5:5062"),
            lookup().answers(branches=way("", "sip:5.5.5.5:5062")),
        ],
        ("#44",),
    ),
    History(
        "somebody else",
        [register(A, path=P1), lookup().answers(branches=way(P1, "sip:p1.example.com;lr"))],
    ),
    History(
        "ourselves twice",
        [
            register(A, path="<sip:{here};lr>,<sip:{here};lr>,<sip:p2.example.com;lr>"),
            lookup().because(
                "S-31",
                {"branches": way("<sip:HERE;lr>,<sip:p2.example.com;lr>", "sip:HERE;lr")},
                {"branches": way(P2, "sip:p2.example.com;lr")},
            ),
        ],
    ),
    History(
        "another port of our host",
        [
            register(A, path="<sip:127.0.0.1:9999;lr>,<sip:p2.example.com;lr>"),
            lookup().because(
                "S-31",
                {"branches": way(P2, "sip:p2.example.com;lr")},
                {
                    "branches": way(
                        "<sip:127.0.0.1:9999;lr>,<sip:p2.example.com;lr>", "sip:127.0.0.1:9999;lr"
                    )
                },
            ),
        ],
        ("#44",),
    ),
]

GROUPS = [
    Group(name="strict Path", registrar={"use_path": 1, "path_mode": 2}, histories=STRICT),
    Group(
        name="lazy Path",
        registrar={
            "use_path": 1,
            "path_mode": 1,
            "path_use_received": 1,
            "received_avp": "$avp(rcv)",
        },
        usrloc={"nat_bflag": 6},
        histories=LAZY,
    ),
    Group(name="silent Path", registrar={"use_path": 1, "path_mode": 0}, histories=OFF),
    Group(name="no Path", histories=UNUSED),
    Group(
        name="local Path",
        registrar={
            "use_path": 1,
            "path_mode": 0,
            "path_check_local": 1,
            "received_avp": "$avp(rcv)",
        },
        histories=LOCAL,
    ),
]
