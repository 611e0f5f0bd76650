"""Which user a URI names: ``use_domain``, ``realm_prefix``, ``case_sensitive``."""

from tests.peer.differential.sequence import Group, History, Step, call, register
from tests.peer.differential.words import BAD, OK

CONTACT = "<sip:a@1.1.1.1>"
LISTED = ["<sip:a@1.1.1.1>;expires=3600"]
UNESCAPED = "Error while unescaping username"


def named(uri: str) -> Step:
    """A REGISTER for the user that ``uri`` names."""
    return register(CONTACT, to=f"<{uri}>")


def asks(uri: str, code: int) -> Step:
    """Whether somebody is registered by that name."""
    return call("registered", x_uri=uri).answers(code=code)


def one_user(name: str, first: str, *others: str, shows: tuple[str, ...] = ()) -> History:
    """All of these name one user."""
    steps = [named(first).answers(status=OK, contacts=LISTED)]
    return History(name, [*steps, *[asks(uri, 1) for uri in others]], shows)


def other_users(name: str, first: str, *others: str) -> History:
    """None of these names the first user."""
    return History(name, [named(first).answers(status=OK), *[asks(uri, -1) for uri in others]])


def shown_as(name: str, uri: str, aor: str) -> History:
    """The AOR that becomes of ``uri``, by the account of ``reg_fetch_contacts``."""
    seen = f"count=1|aor={aor}|domain=location"
    return History(name, [named(uri), call("fetch_head", x_uri=uri).answers(code=1, ulc=[seen])])


def kept(name: str, uri: str) -> History:
    """A To with an escape that the peer refuses."""
    step = named(uri).because(
        "own: escapes",
        {"status": BAD, "error": UNESCAPED, "code": -1, "contacts": None},
        {"status": OK, "error": None, "code": 1, "contacts": LISTED},
    )
    return History(name, [step])


def unreadable(step: Step) -> Step:
    """A URI that names nobody is answered with a 400 by both."""
    return step.answers(code=-1, contacts=None).because(
        "own: bad escape",
        {"status": BAD, "error": UNESCAPED},
        {"status": "400 Bad user part of a URI", "error": "Error while parsing AOR"},
    )


def refused(name: str, uri: str, status: str, error: str, *shows: str) -> History:
    """A To that names nobody; the peer answers as Kamailio 5.6 does, and so do we."""
    step = named(uri).answers(status=status, error=error, code=-1, contacts=None)
    return History(name, [step], shows)


USER_ALONE = [
    one_user("the host does not count", "sip:{user}@example.com", "sip:{user}@example.org"),
    one_user("case does not count", "sip:{user}A@example.com", "sip:{user}a@example.com"),
    one_user("the scheme does not count", "sip:{user}@example.com", "sips:{user}@example.com"),
    one_user("the port does not count", "sip:{user}@example.com:5070", "sip:{user}@example.com"),
    one_user("parameters do not count", "sip:{user}@example.com;x=y", "sip:{user}@example.com"),
    one_user("a password does not count", "sip:{user}:pw@example.com", "sip:{user}@example.com"),
    one_user("an escape is read", "sip:{user}%41@example.com", "sip:{user}a@example.com"),
    other_users("a parameter of the user counts", "sip:{user};x=y@h.com", "sip:{user}@h.com"),
    History(
        "a number",
        [
            named("tel:+49{user}").because(
                "own: tel",
                {"status": OK, "code": 1, "contacts": LISTED, "error": None},
                {"status": BAD, "code": -1, "contacts": None, "error": "Error while parsing AOR"},
            )
        ],
    ),
    shown_as("an AOR is the user in lower case", "sip:{user}AbC@Example.com", "{user}abc"),
    kept("an octet past ASCII", "sip:{user}%C3%A9@h.com"),
    kept("a control octet", "sip:{user}%01@h.com"),
    History("an escape that is none", [unreadable(named("sip:{user}%zz@h.com"))]),
    History(
        "to a URI that names nobody the registrar answers",
        [
            unreadable(register(CONTACT, x_uri="sip:%zz@example.com")),
        ],
        ("S-10", "5.6: AOR failures"),
    ),
    History(
        "no user at all",
        [
            named("sip:nobody.example.com").because(
                "S-33",
                {"status": OK, "code": 1, "contacts": LISTED, "error": None},
                {
                    "status": BAD,
                    "code": -1,
                    "contacts": None,
                    "error": "No username in To URI",
                },
            )
        ],
    ),
    History(
        "a user of 70 octets",
        [
            named("sip:{user}" + 70 * "x" + "@h.com").because(
                "5.6: AOR size limits",
                {
                    "status": "500 Server Internal Error",
                    "error": "Address Of Record too long",
                    "code": -1,
                    "contacts": None,
                },
                {"status": OK, "error": None, "code": 1, "contacts": LISTED},
            )
        ],
    ),
    refused(
        "a user of 300 octets",
        "sip:" + 300 * "x" + "@h.com",
        "500 Server Internal Error",
        "Address Of Record too long",
    ),
]

WITH_DOMAIN = [
    one_user("the domain in any case", "sip:{user}@Example.COM", "sip:{user}@example.com"),
    one_user("the user in any case", "sip:{user}B@example.com", "sip:{user}b@example.com"),
    other_users("another domain", "sip:{user}@example.com", "sip:{user}@example.org"),
    one_user("no port", "sip:{user}@example.com:5080", "sip:{user}@example.com"),
    shown_as("user and domain", "sip:{user}@Example.com:5080", "{user}@example.com"),
    shown_as("no user, a host alone", "sip:{user}.example.com", "{user}.example.com"),
    History(
        "an escaped at sign",
        [
            named("sip:{user}%40b@example.com"),
            call("fetch_head", x_uri="sip:{user}%40b@example.com").because(
                "S-34",
                {"ulc": ["count=1|aor={user}@b@example.com|domain=location"]},
                {"ulc": ["count=1|aor={user}%40b@example.com|domain=location"]},
            ),
        ],
    ),
]

PREFIXED = [
    one_user("the prefix goes", "sip:{user}@sip.example.com", "sip:{user}@example.com"),
    other_users("only once", "sip:{user}@sip.sip.h.com", "sip:{user}@h.com"),
    History(
        "in another case",
        [
            named("sip:{user}@SIP.example.com"),
            call("registered", x_uri="sip:{user}@example.com").because(
                "own: prefix", {"code": -1}, {"code": 1}
            ),
            call("fetch_head", x_uri="sip:{user}@SIP.example.com").because(
                "own: prefix",
                {"ulc": ["count=1|aor={user}@sip.example.com|domain=location"]},
                {"ulc": ["count=1|aor={user}@example.com|domain=location"]},
            ),
        ],
    ),
    shown_as("without the prefix", "sip:{user}@sip.Example.com", "{user}@example.com"),
]

CASED = [
    other_users("the user's case counts", "sip:{user}A@h.com", "sip:{user}a@h.com"),
    one_user("the host's does not", "sip:{user}A@h.com", "sip:{user}A@H.COM"),
    shown_as(
        "the user keeps its case", "sip:{user}Ali%43e@sip.Example.com", "{user}AliCe@example.com"
    ),
    shown_as("without a user all is lower case", "sip:{user}B.Example.com", "{user}b.example.com"),
]

GROUPS = [
    Group(name="user alone", histories=USER_ALONE),
    Group(name="user and domain", usrloc={"use_domain": 1}, histories=WITH_DOMAIN),
    Group(
        name="prefix",
        registrar={"realm_prefix": "sip."},
        usrloc={"use_domain": 1},
        histories=PREFIXED,
    ),
    Group(
        name="prefix without domain",
        registrar={"realm_prefix": "sip."},
        histories=[one_user("the host does not count", "sip:{user}@sip.h.com", "sip:{user}@x.org")],
    ),
    Group(
        name="case",
        registrar={"case_sensitive": 1, "realm_prefix": "sip."},
        usrloc={"use_domain": 1},
        histories=CASED,
    ),
    Group(
        name="case of the user alone",
        registrar={"case_sensitive": 1},
        histories=[other_users("it counts", "sip:{user}A@h.com", "sip:{user}a@h.com")],
    ),
]
