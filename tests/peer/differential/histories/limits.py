"""What there may be too much of: ``max_contacts``, ``contact_max_size``, lengths."""

from tests.peer.differential.sequence import (
    INSTANCE,
    OTHER_INSTANCE,
    Group,
    History,
    Seen,
    call,
    register,
)
from tests.peer.differential.words import BAD, OK, A, B, C, listed

FULL: Seen = {
    "status": "503 Service Unavailable",
    "error": "Too many registered contacts",
    "retry_after": "30",
    "code": -2,
}


def removed(contact: str) -> str:
    """A contact that is to go."""
    return f"{contact};expires=0"


INSTANCE_A = f"{A};expires=3600;{INSTANCE}"

ONE = [
    History(
        "a second contact",
        [register(A), register(B).answers(contacts=listed(A), **FULL)],
        ("#16",),
    ),
    History(
        "swapping in one request, in any order",
        [
            register(A),
            register(removed(A), B).answers(status=OK, code=1, contacts=listed(B)),
            register(A, removed(B)).answers(status=OK, code=3, contacts=listed(A)),
        ],
        ("#17",),
    ),
    History(
        "two contacts of a new user",
        [
            register(A, B).answers(contacts=None, **FULL),
            register().answers(contacts=None),
        ],
        ("#18",),
    ),
    History(
        "one more with flag 0x04",
        [register(A), register(B, x_flags=4).answers(code=1, contacts=listed(B), status=OK)],
        ("#19",),
    ),
    History(
        "a refresh at the limit",
        [register(A), register(A).answers(code=2, contacts=listed(A))],
    ),
    History(
        "removing an unknown one makes no room",
        [register(A), register(removed(C), B).answers(**FULL)],
    ),
    History(
        "two contacts of a new user with flag 0x04",
        [
            register(A, B, x_flags=4).because(
                "S-07",
                {**FULL, "contacts": None},
                {
                    "status": OK,
                    "error": None,
                    "retry_after": None,
                    "code": 1,
                    "contacts": listed(A),
                },
            )
        ],
    ),
    History(
        "a script raises the limit",
        [register(A), register(B, x_cfg_max=2).answers(status=OK, contacts=listed(A, B))],
    ),
    History(
        "a script lifts the limit",
        [register(A), register(B, C, x_cfg_max=0).answers(status=OK, contacts=listed(A, B, C))],
    ),
    History(
        "a limit that is no number",
        [
            register(A),
            register(B, x_cfg_text_max="5").because(
                "S-58",
                {**FULL, "contacts": listed(A)},
                {
                    "status": "500 Server Internal Error",
                    **dict.fromkeys(("error", "retry_after", "code", "contacts")),
                },
            ),
        ],
    ),
    History(
        "two instances at the limit",
        [
            register(f"{A};{INSTANCE}"),
            register(f"{removed(A)};{INSTANCE}", f"{B};{OTHER_INSTANCE}").answers(
                status=OK, code=1
            ),
        ],
    ),
]

TWO = [
    History(
        "each contact is matched by its own instance",
        [
            register(f"{A};{INSTANCE}", f"{B};{OTHER_INSTANCE}").answers(status=OK),
            register(f"{C};{INSTANCE}", f"<sip:d@1.1.1.1>;{OTHER_INSTANCE}").answers(
                status=OK, code=2
            ),
        ],
    ),
    History(
        "a new contact behind one with an instance",
        [
            register(f"{A};{INSTANCE}", B).answers(status=OK),
            register(f"{A};{INSTANCE}", C).because(
                "S-28",
                {"status": OK, "error": None, "code": 1, "contacts": [INSTANCE_A, *listed(B, C)]},
                {
                    "status": "503 Service Unavailable",
                    "error": "Too many registered contacts",
                    "code": -2,
                    "contacts": [INSTANCE_A, *listed(B)],
                },
            ),
        ],
    ),
    History(
        "a lower limit removes nobody",
        [
            register(A, B).answers(status=OK),
            register(A, x_cfg_max=1)
            .answers(contacts=listed(A, B))
            .because(
                "own: full",
                {
                    "status": "503 Service Unavailable",
                    "error": "Too many registered contacts",
                    "code": -2,
                },
                {"status": OK, "error": None, "code": 2},
            ),
        ],
    ),
]

FULL_EVICTS = [
    History(
        "the one refreshed longest ago goes",
        [
            register(A),
            register(B).because(
                "S-53",
                {
                    "status": "503 Service Unavailable",
                    "error": "Too many registered contacts",
                    "code": -2,
                    "contacts": listed(A),
                },
                {"status": OK, "error": None, "code": 1, "contacts": listed(B)},
            ),
        ],
    )
]


def sized(octets: int) -> str:
    """A contact whose URI has so many octets."""
    return f"<sip:{(octets - 12) * 'u'}@1.1.1.1>"


TOO_LONG: Seen = {"status": BAD, "error": "Contact/received too long", "code": -1}

SIZES = [
    History("a URI at the limit", [register(sized(40)).answers(status=OK, code=1)]),
    History("a URI past it", [register(sized(41)).answers(**TOO_LONG)]),
    History(
        "one past it among others",
        [register(A, sized(41)).answers(**TOO_LONG), register().answers(contacts=None)],
    ),
    History("a removal past it", [register(removed(sized(41))).answers(**TOO_LONG)]),
]

LENGTHS = [
    History("512 octets of URI", [register(sized(512)).answers(status=OK)]),
    History("513 octets of URI", [register(sized(513)).answers(**TOO_LONG)]),
    History("a Call-ID of 255", [register(A, call_id=255 * "c").answers(status=OK)]),
    History(
        "a Call-ID of 256",
        [register(A, call_id=256 * "c").answers(status=BAD, error="Callid too long", code=-1)],
    ),
    History("a long User-Agent", [register(A, user_agent=300 * "u").answers(status=OK)]),
    History(
        "the User-Agent of a binding",
        [
            register(A, user_agent="Phone/1.0"),
            call("fetch_agent", x_uri="sip:{user}@h.com").answers(ulc=["ua=Phone/1.0"]),
        ],
    ),
    History(
        "no User-Agent, in so many words",
        [
            register(A),
            call("fetch_agent", x_uri="sip:{user}@h.com", x_raw="yes").because(
                "own: no agent", {"ulc": ["ua=n/a"]}, {"ulc": ["ua="]}
            ),
        ],
    ),
    History(
        "a User-Agent too long to keep",
        [
            register(A, user_agent=300 * "u"),
            call("fetch_agent", x_uri="sip:{user}@h.com").answers(ulc=["ua=n/a"]),
        ],
    ),
    History(
        "no User-Agent",
        [
            register(A),
            call("fetch_agent", x_uri="sip:{user}@h.com").answers(ulc=["ua=n/a"]),
        ],
    ),
]

MANY = [f"<sip:c{number:03}@1.1.1.1>" for number in range(260)]

UNLIMITED = [
    History(
        "two hundred and sixty contacts",
        [
            register(*MANY[:200]).answers(status=OK),
            register(*MANY[200:]).because(
                "own: limit",
                {"status": OK, "error": None, "code": 1, "contacts": listed(*MANY)},
                {
                    "status": "503 Service Unavailable",
                    "error": "Too many registered contacts",
                    "code": -2,
                    "contacts": listed(*MANY[:200]),
                },
            ),
        ],
    )
]

GROUPS = [
    Group(name="no limit", histories=UNLIMITED),
    Group(
        name="one contact",
        registrar={"max_contacts": 1, "retry_after": 30, "xavp_cfg": "cfg"},
        histories=ONE,
    ),
    Group(
        name="two contacts",
        registrar={"max_contacts": 2, "xavp_cfg": "cfg"},
        histories=TWO,
    ),
    Group(
        name="one contact, the oldest goes",
        registrar={"max_contacts": 1},
        ours={"registrar": {"full_aor": "evict"}},
        histories=FULL_EVICTS,
    ),
    Group(name="sizes", registrar={"contact_max_size": 40}, histories=SIZES),
    Group(name="lengths", histories=LENGTHS),
]
