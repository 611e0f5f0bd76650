"""Which methods a contact takes: ``method_filtering``."""

from tests.peer.differential.sequence import Group, History, Step, lookup, register
from tests.peer.differential.words import A, B, first


def second(user: str) -> str:
    """A further branch."""
    return f"sip:{user}@1.1.1.1||udp:HERE|0||"


def takes(method: str, *users: str) -> Step:
    """A request of that method goes to these."""
    branches = [first(users[0]), *[second(user) for user in users[1:]]]
    return lookup(method=method).answers(code=1, branches=branches)


def refuses(method: str) -> Step:
    """No contact takes that method."""
    return lookup(method=method).answers(code=-2)


ALLOW = [
    History(
        "what Allow lists",
        [
            register(A, allow="INVITE, ACK, CANCEL, BYE, MESSAGE"),
            takes("INVITE", "a"),
            takes("MESSAGE", "a"),
            refuses("SUBSCRIBE"),
            refuses("PUBLISH"),
        ],
    ),
    History(
        "Allow in two headers",
        [
            register(A, allow=["INVITE, ACK", "MESSAGE"]),
            takes("MESSAGE", "a"),
            takes("INVITE", "a"),
            refuses("OPTIONS"),
        ],
    ),
    History("no Allow allows anything", [register(A), takes("PUBLISH", "a"), takes("FOO", "a")]),
    History(
        "methods unknown to anybody",
        [register(A, allow="INVITE, FOO"), takes("BAR", "a"), takes("FOO", "a"), refuses("INFO")],
    ),
    History("without one, none is taken", [register(A, allow="INVITE"), refuses("FOO")]),
    History(
        "inside a dialog anything goes",
        [
            register(A, allow="INVITE"),
            lookup(method="NOTIFY", to="<sip:{user}@example.com>;tag=t").answers(code=1),
        ],
    ),
    History(
        "one of two takes it",
        [
            register(A, allow="INVITE"),
            register(B, allow="MESSAGE"),
            takes("MESSAGE", "b"),
            takes("INVITE", "a"),
            refuses("OPTIONS"),
        ],
    ),
    History(
        "both take it",
        [
            register(A, allow="INVITE"),
            register(B, allow="INVITE, MESSAGE"),
            takes("INVITE", "a", "b"),
        ],
    ),
    History("nobody is there", [lookup(method="INVITE").answers(code=-1)]),
    History(
        "a refresh brings another Allow",
        [register(A, allow="INVITE"), register(A, allow="MESSAGE"), refuses("INVITE")],
    ),
    History(
        "registered() does not ask",
        [
            register(A, allow="INVITE"),
            Step(do="registered", method="MESSAGE", target="sip:{user}@example.com").answers(
                code=1
            ),
        ],
    ),
    History(
        "a destination set",
        [
            register(A, allow="INVITE"),
            Step(do="lookup_to_dset", method="MESSAGE", target="sip:{user}@h.com").answers(code=-2),
        ],
    ),
]

PARAMETER = [
    History(
        "a contact's own list goes before Allow",
        [
            register(f'{A};methods="MESSAGE,INFO"', allow="INVITE").because(
                "own: parameters",
                {"contacts": [f"{A};expires=3600"]},
                {"contacts": [f'{A};expires=3600;methods="MESSAGE,INFO"']},
            ),
            takes("INFO", "a"),
            refuses("INVITE"),
        ],
    ),
    History(
        "a list that is none",
        [
            register(f'{A};methods="(("').answers(
                status="400 Bad Request", error="Message parse error", code=-1
            )
        ],
    ),
]

UNFILTERED = [
    History(
        "nobody asks",
        [register(A, allow="INVITE"), lookup(method="SUBSCRIBE").answers(code=1)],
    )
]

GROUPS = [
    Group(name="methods", registrar={"method_filtering": 1}, histories=[*ALLOW, *PARAMETER]),
    Group(name="no methods", histories=UNFILTERED),
]
