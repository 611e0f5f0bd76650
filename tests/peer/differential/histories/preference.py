"""What is tried first: ``default_q``, ``append_branches``, ``desc_time_order``, record order."""

from tests.peer.differential.sequence import Group, History, Seen, lookup, register
from tests.peer.differential.words import OK, first

BAD_Q: Seen = {"status": "400 Bad Request", "error": "Invalid q param in contact", "code": -1}


def printed(name: str, given: str, shown: str, *shows: str) -> History:
    """One contact with the q ``given``, and how it is listed."""
    return History(
        name,
        [
            register(f"<sip:a@1.1.1.1>{given};expires=100").answers(
                status=OK, contacts=[f"<sip:a@1.1.1.1>{shown};expires=100"]
            )
        ],
        shows,
    )


def refused(name: str, given: str, *shows: str) -> History:
    """One contact with a q that is none."""
    return History(name, [register(f"<sip:a@1.1.1.1>{given}").answers(**BAD_Q)], shows)


def branch(user: str) -> str:
    """A further branch without anything."""
    return f"sip:{user}@1.1.1.1||udp:HERE|0|"


VALUES = [
    printed("half", ";q=0.5", ";q=0.5"),
    printed("nought", ";q=0", ";q=0", "#12"),
    printed("nought in full", ";q=0.000", ";q=0"),
    printed("one", ";q=1", ";q=1"),
    printed("one in full", ";q=1.000", ";q=1"),
    printed("one with one digit", ";q=1.0", ";q=1"),
    printed("no leading nought", ";q=.5", ";q=0.5"),
    printed("two leading noughts", ";q=00.5", ";q=0.5"),
    printed("hundredths", ";q=0.38", ";q=0.38"),
    printed("thousandths", ";q=0.123", ";q=0.123"),
    printed("a thousandth", ";q=0.001", ";q=0.001"),
    printed("more digits than there may be", ";q=0.12345", ";q=0.123", "#12"),
    printed("none", "", ""),
    History(
        "an empty one at the end",
        [register("<sip:a@1.1.1.1>;q=").answers(contacts=["<sip:a@1.1.1.1>;expires=3600"])],
    ),
    History(
        "an empty one before another parameter",
        [
            register("<sip:a@1.1.1.1>;q=;expires=100").because(
                "own: empty",
                {
                    "status": "400 Bad Request",
                    "error": "Contact parse error",
                    "code": -1,
                    "contacts": None,
                },
                {
                    "status": OK,
                    "error": None,
                    "code": 1,
                    "contacts": ["<sip:a@1.1.1.1>;expires=100"],
                },
            )
        ],
    ),
    printed("one without value", ";q", ""),
    printed("a name in capitals", ";Q=0.7", ";q=0.7"),
    History(
        "two of them",
        [
            register("<sip:a@1.1.1.1>;q=0.1;q=0.9").because(
                "own: twice",
                {"status": OK, "code": 1, "contacts": ["<sip:a@1.1.1.1>;q=0.9;expires=3600"]},
                {"status": "400 Bad Request", "code": -1, "error": "Contact parse error"},
            )
        ],
    ),
    refused("more than one", ";q=1.5", "#12"),
    refused("two", ";q=2"),
    refused("a point at the end", ";q=0."),
    refused("a word", ";q=abc"),
    refused("a negative one", ";q=-1"),
]

ORDER = [
    History(
        "the highest q first, unspecified last",
        [
            register("<sip:u@1.1.1.1>", "<sip:n@1.1.1.1>;q=0", "<sip:h@1.1.1.1>;q=0.5"),
            register("<sip:o@1.1.1.1>;q=1").answers(
                contacts=[
                    "<sip:o@1.1.1.1>;q=1;expires=3600",
                    "<sip:h@1.1.1.1>;q=0.5;expires=3600",
                    "<sip:n@1.1.1.1>;q=0;expires=3600",
                    "<sip:u@1.1.1.1>;expires=3600",
                ]
            ),
            lookup().answers(
                code=1,
                branches=[first("o"), f"{branch('h')}|500", f"{branch('n')}|0", f"{branch('u')}|"],
            ),
        ],
    ),
    History(
        "equal q, the oldest first",
        [
            register("<sip:a@1.1.1.1>;q=0.5"),
            register("<sip:b@1.1.1.1>;q=0.5"),
            register("<sip:c@1.1.1.1>;q=0.5"),
            lookup().answers(branches=[first("a"), f"{branch('b')}|500", f"{branch('c')}|500"]),
        ],
    ),
    History(
        "a refresh with the same q changes no order",
        [
            register("<sip:a@1.1.1.1>;q=0.5"),
            register("<sip:b@1.1.1.1>;q=0.5"),
            register("<sip:a@1.1.1.1>;q=0.5"),
            lookup().answers(branches=[first("a"), f"{branch('b')}|500"]),
        ],
    ),
    History(
        "no q at all, the oldest first",
        [
            register("<sip:a@1.1.1.1>"),
            register("<sip:b@1.1.1.1>"),
            register("<sip:b@1.1.1.1>"),
            lookup().answers(branches=[first("a"), f"{branch('b')}|"]),
        ],
    ),
    History(
        "another q on refresh",
        [
            register("<sip:a@1.1.1.1>;q=1"),
            register("<sip:b@1.1.1.1>;q=0.5"),
            register("<sip:c@1.1.1.1>;q=0.3"),
            register("<sip:b@1.1.1.1>;q=0.1").because(
                "S-23b",
                {
                    "contacts": [
                        "<sip:b@1.1.1.1>;q=0.1;expires=3600",
                        "<sip:a@1.1.1.1>;q=1;expires=3600",
                        "<sip:c@1.1.1.1>;q=0.3;expires=3600",
                    ]
                },
                {
                    "contacts": [
                        "<sip:a@1.1.1.1>;q=1;expires=3600",
                        "<sip:c@1.1.1.1>;q=0.3;expires=3600",
                        "<sip:b@1.1.1.1>;q=0.1;expires=3600",
                    ]
                },
            ),
            lookup().because(
                "S-23b",
                {"branches": [first("b"), f"{branch('a')}|1000", f"{branch('c')}|300"]},
                {"branches": [first("a"), f"{branch('c')}|300", f"{branch('b')}|100"]},
            ),
        ],
        ("#40",),
    ),
]

NEWEST = [
    History(
        "the newest first, a refresh counts",
        [
            register("<sip:x1@1.1.1.1>").answers(contacts=["<sip:x1@1.1.1.1>;expires=3600"]),
            register("<sip:x2@1.1.1.1>").answers(
                contacts=["<sip:x2@1.1.1.1>;expires=3600", "<sip:x1@1.1.1.1>;expires=3600"]
            ),
            register("<sip:x3@1.1.1.1>"),
            register("<sip:x1@1.1.1.1>").answers(
                contacts=[f"<sip:{user}@1.1.1.1>;expires=3600" for user in ("x1", "x3", "x2")]
            ),
            lookup().answers(branches=[first("x1"), f"{branch('x3')}|", f"{branch('x2')}|"]),
        ],
        ("#41",),
    ),
    History(
        "q does not count",
        [
            register("<sip:a@1.1.1.1>;q=1"),
            register("<sip:b@1.1.1.1>;q=0.1"),
            lookup().answers(branches=[first("b"), f"{branch('a')}|1000"]),
        ],
    ),
    History(
        "two of one request",
        [
            register("<sip:a@1.1.1.1>", "<sip:b@1.1.1.1>").answers(
                contacts=["<sip:b@1.1.1.1>;expires=3600", "<sip:a@1.1.1.1>;expires=3600"]
            )
        ],
    ),
]

BEST_ONLY = [
    History(
        "the best alone",
        [
            register("<sip:a@1.1.1.1>;q=0.1", "<sip:b@1.1.1.1>;q=0.9"),
            lookup().answers(code=1, branches=[first("b")]),
        ],
    ),
    History(
        "the destination set is given the match",
        [
            register("<sip:a@1.1.1.1>;q=0.1", "<sip:b@1.1.1.1>;q=0.9"),
            lookup()
            .asking("lookup_to_dset")
            .because(
                "S-18",
                {"branches": ["sip:{user}@example.com|||0||"]},
                {"branches": ["sip:{user}@example.com|||0||", f"{branch('b')}|900"]},
            ),
        ],
    ),
]

GROUPS = [
    Group(name="q", histories=[*VALUES, *ORDER]),
    Group(
        name="default q",
        registrar={"default_q": 300},
        histories=[
            printed("none gives the default", "", ";q=0.3"),
            printed("its own", ";q=0.7", ";q=0.7"),
            printed("nought of its own", ";q=0", ";q=0"),
        ],
    ),
    Group(name="newest first", usrloc={"desc_time_order": 1}, histories=NEWEST),
    Group(name="best only", registrar={"append_branches": 0}, histories=BEST_ONLY),
]
