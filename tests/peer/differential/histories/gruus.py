"""GRUUs (RFC 5627): ``gruu_enabled``, who is given them, lookups by either."""

from tests.peer.differential.sequence import (
    INSTANCE,
    OTHER_INSTANCE,
    Group,
    History,
    call,
    lookup,
    register,
    star,
)
from tests.peer.differential.words import OK, URN, A, B, bound

OTHER_URN = "urn:uuid:11111111-0000-1000-8000-000A95A0E128"
ONLY_A = ["sip:a@1.1.1.1||udp:HERE|0||"]
ONLY_B = ["sip:b@1.1.1.1||udp:HERE|0||"]


def with_gruus(contact: str, urn: str, host: str, rest: str = "") -> str:
    """A binding with its GRUUs."""
    return (
        f'{contact};expires=3600;pub-gruu="sip:{{user}}@{host};gr={urn}"'
        f';temp-gruu="sip:TEMP@{host};gr";+sip.instance="<{urn}>"{rest}'
    )


GIVEN = [
    History(
        "who supports them is given two",
        [
            register(f"{A};{INSTANCE};reg-id=3", supported="gruu").answers(
                status=OK, contacts=[with_gruus(A, URN, "example.com", ";reg-id=3")]
            )
        ],
        ("#37",),
    ),
    History(
        "who does not is given none",
        [register(f"{A};{INSTANCE}").answers(contacts=[bound(A)])],
    ),
    History(
        "without an instance there are none",
        [register(A, supported="gruu").answers(contacts=[f"{A};expires=3600"])],
    ),
    History(
        "among other options",
        [
            register(f"{A};{INSTANCE}", supported="100rel, GRUU").answers(
                contacts=[with_gruus(A, URN, "example.com")]
            )
        ],
    ),
    History(
        "a query is given them as well",
        [
            register(f"{A};{INSTANCE}"),
            register(supported="gruu").answers(contacts=[with_gruus(A, URN, "example.com")]),
        ],
    ),
    History(
        "the host as the phone writes it",
        [
            register(
                f"{A};{INSTANCE}", supported="gruu", to="<sip:{user}@Sip.Example.com>"
            ).answers(contacts=[with_gruus(A, URN, "Sip.Example.com")])
        ],
    ),
    History(
        "the host of the URI that names the user",
        [
            register(f"{A};{INSTANCE}", supported="gruu", x_uri="sip:{user}@other.example").because(
                "S-22",
                {"contacts": [with_gruus(A, URN, "example.com")]},
                {"contacts": [with_gruus(A, URN, "other.example")]},
            ),
            register(supported="gruu", x_uri="sip:{user}@other.example").because(
                "5.6: host of GRUUs",
                {"contacts": [with_gruus(A, URN, "example.com")]},
                {"contacts": [with_gruus(A, URN, "other.example")]},
            ),
        ],
    ),
    History(
        "a secure user",
        [
            register(
                f"<sips:a@1.1.1.1>;{INSTANCE}",
                supported="gruu",
                to="<sips:{user}@example.com>",
            ).because(
                "own: sips",
                {"contacts": [with_gruus("<sips:a@1.1.1.1>", URN, "example.com")]},
                {
                    "contacts": [
                        with_gruus("<sips:a@1.1.1.1>", URN, "example.com").replace(
                            'gruu="sip:', 'gruu="sips:'
                        )
                    ]
                },
            )
        ],
    ),
    History(
        "an at sign in the user",
        [
            register(
                f"{A};{INSTANCE}", supported="gruu", to="<sip:{user}%40b@example.com>"
            ).because(
                "S-34",
                {
                    "contacts": [
                        f'{A};expires=3600;pub-gruu="sip:{{user}}@b;gr={URN}"'
                        f';temp-gruu="sip:TEMP@example.com;gr";{INSTANCE}'
                    ]
                },
                {
                    "contacts": [
                        f'{A};expires=3600;pub-gruu="sip:{{user}}%40b@example.com;gr={URN}"'
                        f';temp-gruu="sip:TEMP@example.com;gr";{INSTANCE}'
                    ]
                },
            )
        ],
    ),
]

FOUND = [
    History(
        "by the public one",
        [
            register(f"{A};{INSTANCE}", f"{B};{OTHER_INSTANCE}", supported="gruu"),
            lookup("sip:{user}@example.com;gr=" + URN).answers(code=1, branches=ONLY_A),
            lookup("sip:{user}@example.com;gr=" + OTHER_URN).answers(code=1, branches=ONLY_B),
        ],
    ),
    History(
        "by the public one of two flows",
        [
            register(f"{A};{INSTANCE};reg-id=1"),
            register(f"{B};{INSTANCE};reg-id=2"),
            lookup("sip:{user}@example.com;gr=" + URN)
            .answers(code=1)
            .because("own: newest flow", {"branches": ONLY_A}, {"branches": ONLY_B}),
        ],
    ),
    History(
        "by one that nobody has",
        [
            register(f"{A};{INSTANCE}"),
            lookup("sip:{user}@example.com;gr=urn:uuid:other").answers(code=-1),
        ],
    ),
    History(
        "by the public one of a stranger",
        [lookup("sip:{user}@example.com;gr=" + URN).answers(code=-1)],
    ),
    History(
        "by the temporary one",
        [
            register(f"{B};{OTHER_INSTANCE}"),
            register(f"{A};{INSTANCE}", supported="gruu"),
            lookup("{temp}").answers(code=1),
        ],
    ),
    History(
        "by the temporary one of a binding that has gone",
        [
            register(f"{A};{INSTANCE}", supported="gruu"),
            star().answers(code=3),
            lookup("{temp}").answers(code=-1),
        ],
    ),
    History(
        "by a temporary one that was given before a refresh",
        [
            register(f"{A};{INSTANCE}", supported="gruu"),
            register(f"{A};{INSTANCE}").answers(code=2),
            lookup("{temp}").answers(code=1, branches=ONLY_A),
        ],
    ),
    History(
        "by a temporary one that was given to another Call-ID",
        [
            register(f"{A};{INSTANCE}", supported="gruu", call_id="{user}-x"),
            register(f"{A};{INSTANCE}", call_id="{user}-y").answers(code=2),
            lookup("{temp}").because(
                "own: temporary",
                {"code": 1, "branches": ONLY_A},
                {"code": -1, "branches": ["TEMP|||0||"]},
            ),
        ],
    ),
    History("by a temporary one that is none", [lookup("sip:xyz@example.com;gr").answers(code=-3)]),
    History(
        "registered() takes no temporary one",
        [
            register(f"{A};{INSTANCE}", supported="gruu"),
            call("registered", x_uri="{temp}").answers(code=-1),
        ],
    ),
    History(
        "registered() takes the user of a public one",
        [register(A), call("registered", x_uri="sip:{user}@h.com;gr=" + URN).answers(code=1)],
    ),
    History(
        "into the destination set",
        [
            register(f"{A};{INSTANCE}", supported="gruu"),
            lookup("sip:{user}@h.com;gr=" + URN)
            .asking("lookup_to_dset")
            .because(
                "S-18",
                {"branches": ["sip:{user}@h.com;gr=" + URN + "|||0||"]},
                {
                    "branches": [
                        "sip:{user}@h.com;gr=" + URN + "|||0||",
                        "sip:a@1.1.1.1||udp:HERE|0||",
                    ]
                },
            ),
        ],
    ),
]

CIRCLES = [
    History(
        "a contact that is a GRUU of its user",
        [
            register(f"<sip:{{user}}@example.com;gr={URN}>").because(
                "own: circles",
                {
                    "status": OK,
                    "code": 1,
                    "contacts": [f"<sip:{{user}}@example.com;gr={URN}>;expires=3600"],
                },
                {"status": "403 Forbidden", "code": -1, "error": "Contact is a GRUU of this user"},
            )
        ],
    ),
]

OFF = [
    History(
        "no GRUU, but an instance",
        [
            register(f"{A};{INSTANCE}", supported="gruu").answers(contacts=[bound(A)]),
            register(f"{B};{INSTANCE}").answers(code=2, contacts=[bound(B)]),
            lookup("sip:{user}@example.com;gr=" + URN).answers(code=1, branches=ONLY_B),
        ],
        ("S-20",),
    )
]

DOMAINS = [
    History(
        "the domain without its prefix, the user in its case",
        [
            register(
                f"{A};{INSTANCE}", supported="gruu", to="<sip:{user}Ali%43e@sip.Example.com>"
            ).answers(
                contacts=[
                    f'{A};expires=3600;pub-gruu="sip:{{user}}AliCe@example.com;gr={URN}"'
                    f';temp-gruu="sip:TEMP@sip.Example.com;gr";{INSTANCE}'
                ]
            )
        ],
        ("#38",),
    )
]

GROUPS = [
    Group(name="gruu", histories=[*GIVEN, *FOUND, *CIRCLES]),
    Group(name="no gruu", registrar={"gruu_enabled": 0}, histories=OFF),
    Group(
        name="gruu and domain",
        registrar={"realm_prefix": "sip.", "case_sensitive": 1},
        usrloc={"use_domain": 1},
        histories=DOMAINS,
    ),
]
