"""What Debian's Kamailio has not, or answers to an operator alone: one half of the comparison.

``lookup_xavp`` and ``reg_from_user`` came with 5.7: there our half is held against the text of the
reference (§3.5, §3.12). Permanent bindings and counted settings are the peer's only.
"""

import json

from tests.peer.differential.sequence import Group, History, Seen, Step, Value, call, register
from tests.peer.differential.words import ME, STRANGER, A

ABSENT: Seen = {"code": -99}
"""What a script answers that has no such function."""


def from_user(code: int, option: int = 0, uri: str = ME) -> Step:
    """Whether the request comes from where the user is."""
    return call("reg_from_user", x_uri=uri, x_option=option).because(
        "5.6: functions", ABSENT, {"code": code}
    )


def shown(*roots: str, code: int = 1, uri: str = ME) -> Step:
    """All contacts as XAVPs."""
    ours: dict[str, Value] = {"code": code}
    if roots:
        ours["xavp"] = list(roots)
    return call("lookup_xavp", x_uri=uri).because("5.6: functions", ABSENT, ours)


XAVPS = [
    History(
        "one root for the user, one for each contact",
        [
            register(A, x_avp="sip:5.5.5.5:1", path="<sip:p1;lr>"),
            register("<sip:b@1.1.1.1>;q=0.5"),
            shown(
                "aor={user}|count=2",
                "uri=sip:b@1.1.1.1|socket=udp:HERE",
                "uri=sip:a@1.1.1.1|socket=udp:HERE|dsturi=sip:5.5.5.5:1",
            ),
        ],
    ),
    History("nobody", [shown(code=-1)]),
    History("a URI that names nobody", [shown(code=-1, uri="sip:%zz@h.com")]),
]

CALLERS = [
    History(
        "by where the phone registered from",
        [
            register(A, x_avp="sip:{client}"),
            from_user(1),
            from_user(1, 1),
            from_user(1, 3),
            from_user(-1, uri=STRANGER),
        ],
        ("S-37",),
    ),
    History(
        "from another port",
        [register(A, x_avp="sip:127.0.0.1:9"), from_user(1), from_user(-1, 1)],
    ),
    History(
        "over another transport",
        [register(A, x_avp="sip:{client};transport=tcp"), from_user(1, 1), from_user(-1, 2)],
    ),
    History("from another host", [register(A, x_avp="sip:5.5.5.5:1"), from_user(-1)]),
    History(
        "by the contact, where nothing else is known",
        [register("<sip:a@{client}>"), from_user(1, 3)],
    ),
    History("a host that is a name", [register("<sip:a@localhost>"), from_user(-1)]),
    History("one of two", [register(A, "<sip:b@{client}>"), from_user(1, 1)]),
    History("nobody called", [from_user(-1)]),
]


def rpc(method: str, *params: str | float) -> Step:
    """An operator's command, to the peer alone."""
    text = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1})
    return Step(do="rpc", method="MESSAGE", target=ME, rows={"x_rpc": text}, on="peer")


def counted(seconds: int) -> str:
    """The answer with the statistic that is named like a setting."""
    return f'{{"jsonrpc":"2.0","result":{{"registrar.default_expire":"{seconds}"}},"id":1}}'


OPERATORS = [
    History(
        "a binding without an end",
        [
            rpc("ul.add", "location", "{user}", "sip:a@1.1.1.1", 0, 0.5, ".", 0, 0, 0),
            register().only("peer").answers(contacts=["<sip:a@1.1.1.1>;q=0.5;expires=endless"]),
        ],
        ("#46",),
    ),
    History(
        "a setting that adds up",
        [
            rpc("stats.fetch", "registrar.default_expire").answers(rpc=counted(3600)),
            rpc("cfg.set_now_int", "registrar", "default_expires", 1800),
            rpc("stats.fetch", "registrar.default_expire").answers(rpc=counted(5400)),
            rpc("cfg.set_now_int", "registrar", "default_expires", 3600),
        ],
        ("#47",),
    ),
]

GROUPS = [
    Group(
        name="ours alone",
        registrar={"use_path": 1, "path_mode": 0, "received_avp": "$avp(rcv)"},
        histories=[*XAVPS, *CALLERS],
    ),
    Group(name="operators", histories=OPERATORS),
]
