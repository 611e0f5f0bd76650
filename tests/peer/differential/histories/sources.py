"""Where a REGISTER came from: ``received_avp``, ``received_param``, sockets."""

from tests.peer.differential.sequence import Group, History, Seen, Step, lookup, register
from tests.peer.differential.words import BAD, A

LONG = 'sip:6.6.6.6;x="' + 250 * "y" + '"'
TOO_LONG: Seen = {"status": BAD, "error": "Contact/received too long", "code": -1}


def at(received: str, name: str = "received") -> list[str]:
    """The one contact, with where it came from."""
    return [f'<sip:a@1.1.1.1>;expires=3600;{name}="{received}"']


def way(next_hop: str, socket: str = "udp:HERE") -> list[str]:
    """The one branch, with where it goes."""
    return [f"sip:a@1.1.1.1|{next_hop}|{socket}|0||"]


CLAIMED = "sip:6.6.6.6:5060"

CONTACTS_WORD = [
    History(
        "a contact says where it comes from",
        [
            register(f'{A};received="{CLAIMED}"').because(
                "S-09",
                {"contacts": at(CLAIMED)},
                {"contacts": [f"{A};expires=3600"]},
            ),
            lookup().because("S-09", {"branches": way(CLAIMED)}, {"branches": way("")}),
        ],
        ("#15",),
    ),
    History(
        "a contact's word against the script's",
        [
            register(f'{A};received="{CLAIMED}"', x_avp="sip:5.5.5.5:1").because(
                "S-09", {"contacts": at(CLAIMED)}, {"contacts": at("sip:5.5.5.5:1")}
            )
        ],
    ),
]

BY_SCRIPT = [
    History(
        "the script says where from",
        [
            register(A, x_avp="sip:5.5.5.5:5062").answers(contacts=at("sip:5.5.5.5:5062")),
            lookup().answers(code=1, branches=way("sip:5.5.5.5:5062")),
        ],
    ),
    History(
        "the source of the datagram",
        [
            register(A, x_nat="yes").answers(contacts=at("sip:CLIENT")),
            lookup().answers(branches=way("sip:CLIENT")),
        ],
    ),
    History(
        "the source of the connection",
        [
            Step(do="save", rows={"contact": A, "x_nat": "yes"}, transport="tcp").answers(
                contacts=at("sip:STREAM;transport=tcp")
            ),
        ],
    ),
    History(
        "a refresh from no other place clears it",
        [
            register(A, x_avp="sip:5.5.5.5:5062"),
            register(A).answers(code=2, contacts=[f"{A};expires=3600"]),
            lookup().answers(branches=way("")),
        ],
    ),
    History(
        "a refresh from another place",
        [
            register(A, x_avp="sip:5.5.5.5:5062"),
            register(A, x_avp="sip:5.5.5.6:5063").answers(contacts=at("sip:5.5.5.6:5063")),
        ],
    ),
    History("one too long", [register(A, x_avp=f"sip:{250 * 'h'}:5060").answers(**TOO_LONG)]),
    History(
        "what others see of it",
        [
            register(A, x_avp="sip:5.5.5.5:5062"),
            register(call_id="{user}-c2").answers(contacts=at("sip:5.5.5.5:5062")),
        ],
        ("S-63",),
    ),
    *CONTACTS_WORD,
    History(
        "a second contact inherits nothing from the first",
        [
            register(f'{A};received="{CLAIMED}"', "<sip:b@1.1.1.1>").because(
                "S-08",
                {"contacts": [*at(CLAIMED), f'<sip:b@1.1.1.1>;expires=3600;received="{CLAIMED}"']},
                {"contacts": [f"{A};expires=3600", "<sip:b@1.1.1.1>;expires=3600"]},
            )
        ],
    ),
]

TRUSTED = [
    History(
        "a contact that may be believed",
        [
            register(f'{A};received="{CLAIMED}"').answers(contacts=at(CLAIMED)),
            lookup().answers(branches=way(CLAIMED)),
        ],
    ),
    History(
        "it goes before the script",
        [
            register(f'{A};received="{CLAIMED}"', x_avp="sip:5.5.5.5:1").answers(
                contacts=at(CLAIMED)
            )
        ],
    ),
    History("one too long", [register(f"{A};received=sip:{300 * 'h'}").answers(**TOO_LONG)]),
    History(
        "a second contact inherits nothing",
        [
            register(f'{A};received="{CLAIMED}"', "<sip:b@1.1.1.1>").because(
                "S-08",
                {"contacts": [*at(CLAIMED), f'<sip:b@1.1.1.1>;expires=3600;received="{CLAIMED}"']},
                {"contacts": [*at(CLAIMED), "<sip:b@1.1.1.1>;expires=3600"]},
            )
        ],
    ),
]

OVERRIDES = [
    History("what it came in on", [register(A), lookup().answers(branches=way(""))]),
    History(
        "a header names another socket of ours",
        [
            register(A, x_setflag="yes", x_way="tcp:{here}"),
            lookup().answers(branches=way("", "tcp:HERE")),
        ],
    ),
    History(
        "without the flag nobody looks",
        [register(A, x_way="tcp:{here}"), lookup().answers(branches=way(""))],
    ),
    History(
        "a socket that is not ours",
        [
            register(A, x_setflag="yes", x_way="udp:192.0.2.1:5060"),
            lookup().answers(branches=way("")),
        ],
    ),
    History(
        "no header",
        [register(A, x_setflag="yes"), lookup().answers(branches=way(""))],
    ),
    History(
        "a connection's socket",
        [
            Step(do="save", rows={"contact": A}, transport="tcp"),
            lookup().answers(branches=way("", "tcp:HERE")),
        ],
    ),
]

BY_XAVP = [
    History(
        "a script names another socket of ours",
        [
            register(A, x_setflag="yes", x_cfg_socket="tcp:{here}"),
            lookup().answers(branches=way("", "tcp:HERE")),
        ],
    ),
    History(
        "it takes the flag as well",
        [register(A, x_cfg_socket="tcp:{here}"), lookup().answers(branches=way(""))],
        ("S-39",),
    ),
    History(
        "one that is not ours",
        [
            register(A, x_setflag="yes", x_cfg_socket="tcp:192.0.2.1:5060"),
            lookup().answers(branches=way("")),
        ],
    ),
]

AVP = {"received_avp": "$avp(rcv)"}

ADVERTISED = [
    History("by its name outside", [register(A), lookup().answers(branches=way("", "udp:THERE"))])
]

GROUPS = [
    Group(name="received", registrar=AVP, histories=BY_SCRIPT),
    Group(
        name="trusted contacts",
        registrar=AVP,
        ours={"registrar": {"trust_contact_from": ["127.0.0.0/8"]}},
        histories=TRUSTED,
    ),
    Group(
        name="another name for received",
        registrar={**AVP, "received_param": "src"},
        histories=[
            History(
                "it is listed by that name",
                [register(A, x_avp="sip:5.5.5.5:1").answers(contacts=at("sip:5.5.5.5:1", "src"))],
            )
        ],
    ),
    Group(
        name="no name for received",
        registrar={**AVP, "received_param": ""},
        histories=[
            History(
                "it is kept and not listed",
                [
                    register(A, x_avp="sip:5.5.5.5:1").answers(contacts=[f"{A};expires=3600"]),
                    lookup().answers(branches=way("sip:5.5.5.5:1")),
                ],
            )
        ],
    ),
    Group(
        name="no received",
        histories=[
            History(
                "what no parameter names is not read",
                [register(A, x_avp="sip:5.5.5.5:1").answers(contacts=[f"{A};expires=3600"])],
            )
        ],
    ),
    Group(
        name="sockets",
        registrar={"sock_flag": 5, "sock_hdr_name": "X-Way", "sock_mode": 0},
        histories=OVERRIDES,
    ),
    Group(
        name="advertised sockets",
        registrar={"sock_mode": 1},
        advertise="192.0.2.9",
        histories=ADVERTISED,
    ),
    Group(
        name="bound sockets",
        advertise="192.0.2.9",
        histories=[
            History("as it is bound", [register(A), lookup().answers(branches=way(""))]),
        ],
    ),
    Group(
        name="sockets by a script",
        registrar={"sock_flag": 5, "xavp_cfg": "cfg"},
        histories=BY_XAVP,
    ),
]
