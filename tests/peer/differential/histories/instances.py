"""Contacts with an instance (RFC 5626): which are one binding, and which are flows of one phone."""

from tests.peer.differential.sequence import (
    INSTANCE,
    OTHER_INSTANCE,
    Group,
    History,
    lookup,
    register,
)
from tests.peer.differential.words import BAD, OK, URN, A, B, bound

MATCHED = [
    History(
        "the same instance at another address",
        [
            register(f"{A};{INSTANCE}"),
            register(f"{B};{INSTANCE}").answers(code=2, contacts=[bound(B)]),
        ],
    ),
    History(
        "an instance in capitals",
        [
            register(f"{A};{INSTANCE}"),
            register(f"{A};{INSTANCE.upper()}").because(
                "own: instances",
                {"code": 1, "contacts": [bound(A), bound(A, f'+sip.instance="<{URN.upper()}>"')]},
                {"code": 2, "contacts": [bound(A, f'+sip.instance="<{URN.upper()}>"')]},
            ),
        ],
    ),
    History(
        "another reg-id is another flow",
        [
            register(f"{A};{INSTANCE};reg-id=1"),
            register(f"{A};{INSTANCE};reg-id=2").answers(
                code=1, contacts=[bound(A, reg_id=1), bound(A, reg_id=2)]
            ),
        ],
    ),
    History(
        "two instances at one address",
        [
            register(f"{A};{INSTANCE}"),
            register(f"{A};{OTHER_INSTANCE}").answers(
                code=1, contacts=[bound(A), bound(A, OTHER_INSTANCE)]
            ),
        ],
    ),
    History(
        "a phone that leaves its instance out meets its binding",
        [
            register(f"{A};{INSTANCE}"),
            register(A).answers(code=2, contacts=[bound(A)]),
        ],
    ),
    History(
        "the same address with and without an instance",
        [
            register(A),
            register(f"{A};{INSTANCE}").because(
                "S-16",
                {"code": 1, "contacts": [f"{A};expires=3600", bound(A)]},
                {"code": 2, "contacts": [bound(A)]},
            ),
        ],
    ),
    History(
        "an old request of the same Call-ID",
        [
            register(f"{A};{INSTANCE}", cseq=9),
            register(f"{B};{INSTANCE}", cseq=3).because(
                "S-15",
                {"status": OK, "code": 2, "error": None, "contacts": [bound(B)]},
                {
                    "status": BAD,
                    "code": -1,
                    "error": "Invalid CSeq number",
                    "contacts": [bound(A)],
                },
            ),
        ],
    ),
    History(
        "removal by instance",
        [
            register(f"{A};{INSTANCE}", f"{B};{OTHER_INSTANCE}"),
            register(f"<sip:x@9.9.9.9>;{INSTANCE};expires=0").answers(
                code=3, contacts=[bound(B, OTHER_INSTANCE)]
            ),
        ],
    ),
    History(
        "another Call-ID for one of two flows",
        [
            register(f"{A};{INSTANCE};reg-id=1", call_id="{user}-f1"),
            register(f"{B};{INSTANCE};reg-id=2", call_id="{user}-f2"),
            register(f"{A};{INSTANCE};reg-id=1", call_id="{user}-f3").because(
                "S-14",
                {"contacts": [bound(A, reg_id=1)]},
                {"contacts": [bound(A, reg_id=1), bound(B, reg_id=2)]},
            ),
        ],
        ("#39",),
    ),
    History(
        "both flows of an instance are tried",
        [
            register(f"{A};{INSTANCE};reg-id=1"),
            register(f"{B};{INSTANCE};reg-id=2"),
            lookup().answers(
                branches=["sip:a@1.1.1.1||udp:HERE|0||", "sip:b@1.1.1.1||udp:HERE|0||"]
            ),
        ],
        ("S-17",),
    ),
    History(
        "a reg-id without an instance",
        [register(f"{A};reg-id=1").answers(status=OK, contacts=[f"{A};expires=3600"])],
    ),
]

COMPATIBLE = [
    History(
        "with and without an instance",
        [
            register(A),
            register(f"{A};{INSTANCE}").answers(code=1, contacts=[f"{A};expires=3600", bound(A)]),
        ],
        ("S-16",),
    ),
    History(
        "another Call-ID for one of two flows",
        [
            register(f"{A};{INSTANCE};reg-id=1", call_id="{user}-f1"),
            register(f"{B};{INSTANCE};reg-id=2", call_id="{user}-f2"),
            register(f"{A};{INSTANCE};reg-id=1", call_id="{user}-f3").answers(
                contacts=[bound(A, reg_id=1)]
            ),
        ],
        ("S-14",),
    ),
]

GROUPS = [
    Group(name="instances", histories=MATCHED),
    Group(
        name="instances as in Kamailio",
        ours={"location": {"new_call_id": "drop_flows", "plain_binding": "separate"}},
        histories=COMPATIBLE,
    ),
]
