"""The functions beside ``save`` and the lookups, and their arguments (§3.6 to §3.10)."""

from tests.peer.differential.sequence import (
    INSTANCE,
    Group,
    History,
    call,
    lookup,
    of,
    register,
)
from tests.peer.differential.words import BAD_URI, ME, STRANGER, TARGET, A, B, listed

REGISTERED = [
    History("nobody", [call("registered").answers(code=-1)]),
    History("somebody", [register(A), call("registered").answers(code=1)]),
    History("by a URI", [register(A), call("registered", x_uri=ME).answers(code=1)]),
    History("another", [register(A), call("registered", x_uri=STRANGER).answers(code=-1)]),
    History("a URI that names nobody", [call("registered", x_uri=BAD_URI).answers(code=-1)]),
    History(
        "an empty URI",
        [
            register(A),
            call("registered", x_uri="").because("own: default", {"code": -1}, {"code": 1}),
        ],
    ),
    History(
        "by Call-ID",
        [
            register(A, call_id="{user}-x"),
            call("registered", x_uri=ME, x_option=1, x_cfg_callid="{user}-x").answers(code=1),
            call("registered", x_uri=ME, x_option=1, x_cfg_callid="{user}-y").answers(code=-1),
            call("registered", x_uri=ME, x_option=0, x_cfg_callid="{user}-y").answers(code=1),
        ],
    ),
    History(
        "by where it came from",
        [
            register(A, x_avp="sip:5.5.5.5:1"),
            call("registered", x_uri=ME, x_option=2, x_cfg_received="sip:5.5.5.5:1").answers(
                code=1
            ),
            call("registered", x_uri=ME, x_option=2, x_cfg_received="sip:5.5.5.5:2").answers(
                code=-1
            ),
        ],
    ),
    History(
        "by contact",
        [
            register(A, B),
            call("registered", x_uri=ME, x_option=4, x_cfg_contact="sip:b@1.1.1.1").answers(code=1),
            call("registered", x_uri=ME, x_option=4, x_cfg_contact="sip:c@1.1.1.1").answers(
                code=-1
            ),
        ],
    ),
    History(
        "by all of these, of one binding",
        [
            register(A, call_id="{user}-x", x_avp="sip:5.5.5.5:1"),
            register(B, call_id="{user}-y"),
            call(
                "registered",
                x_uri=ME,
                x_option=7,
                x_cfg_callid="{user}-x",
                x_cfg_received="sip:5.5.5.5:1",
                x_cfg_contact="sip:a@1.1.1.1",
            ).answers(code=1),
            call(
                "registered",
                x_uri=ME,
                x_option=5,
                x_cfg_callid="{user}-x",
                x_cfg_contact="sip:b@1.1.1.1",
            ).answers(code=-1),
        ],
    ),
    History(
        "an option with nothing to compare is none",
        [register(A), call("registered", x_uri=ME, x_option=7).answers(code=1)],
    ),
]

UNREGISTER = [
    History(
        "everything",
        [
            register(A, B),
            call("unregister", x_uri=ME).answers(code=1),
            register().answers(contacts=None),
        ],
        ("S-55",),
    ),
    History("nobody", [call("unregister", x_uri=ME).answers(code=1)], ("S-55",)),
    History("a URI that names nobody", [call("unregister", x_uri=BAD_URI).answers(code=-1)]),
    History(
        "an empty URI",
        [call("unregister", x_uri="").answers(code=-1)],
        ("5.6: unregister without a URI",),
    ),
    History(
        "one binding",
        [
            register(A, B),
            lookup(),
            call("unregister", x_uri=ME, x_ruid="{ruid}").answers(code=1),
            register().answers(contacts=listed(B)),
        ],
    ),
    History(
        "another user's binding",
        [
            register(A),
            lookup(),
            call("unregister", x_uri=STRANGER, x_ruid="{ruid}").answers(code=-3),
            register().answers(contacts=listed(A)),
        ],
    ),
    History(
        "a ruid that nobody has",
        [register(A), call("unregister", x_uri=ME, x_ruid="uloc-1-2-3").answers(code=-3)],
    ),
    History(
        "by ruid alone",
        [register(A), lookup(), call("unregister", x_uri="", x_ruid="{ruid}").answers(code=-2)],
    ),
]

FETCHED = [
    History(
        "all there is",
        [
            register(
                f"{A};q=0.5;{INSTANCE};reg-id=2",
                x_avp="sip:5.5.5.5:1",
                path="<sip:p1;lr>",
                user_agent="Phone/1.0",
                x_bflags=4,
                cseq=7,
                allow="INVITE, ACK",
            ),
            call("fetch", x_uri=ME).answers(
                code=1,
                ulc=[
                    "count=1|aor={user}|domain=location",
                    "addr=sip:a@1.1.1.1|received=sip:5.5.5.5:1|path=<sip:p1;lr>",
                    "callid={user}-c1|cseq=7|q=500|ua=Phone/1.0",
                    "instance=<urn:uuid:00000000-0000-1000-8000-000A95A0E128>|regid=2|cflags=4"
                    "|methods=5|socket=udp:HERE",
                ],
            ),
        ],
    ),
    History(
        "next to nothing",
        [
            register(A),
            call("fetch", x_uri=ME).answers(
                code=1,
                ulc=[
                    "count=1|aor={user}|domain=location",
                    "addr=sip:a@1.1.1.1|received=|path=",
                    "callid={user}-c1|cseq=1|q=-1|ua=n/a",
                    "instance=|regid=0|cflags=0|methods=4294967295|socket=udp:HERE",
                ],
            ),
        ],
    ),
    History(
        "nobody",
        [call("fetch", x_uri=ME).answers(code=-1, ulc=["count=|aor=|domain="])],
    ),
    History("a URI that names nobody", [call("fetch", x_uri=BAD_URI).answers(code=-1)]),
    History(
        "two",
        [
            register(A, B),
            call("fetch_head", x_uri=ME).answers(
                code=1, ulc=["count=2|aor={user}|domain=location"]
            ),
        ],
    ),
    History("freed", [call("free").answers(code=1, ulc=["count=|aor=|domain="])]),
    History(
        "its hash",
        [
            register(A),
            call("fetch_hash", x_uri=ME).because(
                "S-47",
                {"ulc": ["count=1|aor={user}|domain=location", "aorhash=0"]},
                {"ulc": ["count=1|aor={user}|domain=location", "aorhash=some"]},
            ),
        ],
    ),
]

SOCKET = [
    History("its name is needed", [call("add_sock_hdr").answers(code=1)]),
    History(
        "another registrar is sent it",
        [call("relay_sock", x_next="sip:{phone}").answers(relayed=[TARGET, "X-Sock: udp:HERE"])],
    ),
]


GROUPS = [
    Group(
        name="functions",
        registrar={
            "xavp_cfg": "cfg",
            "use_path": 1,
            "path_mode": 0,
            "received_avp": "$avp(rcv)",
        },
        histories=[
            *of("registered", REGISTERED),
            *of("unregister", UNREGISTER),
            *of("reg_fetch_contacts", FETCHED),
            *of("add_sock_hdr", SOCKET),
        ],
    )
]
