"""The flags of ``save``, who replies, and how a script's own reply is made."""

from tests.peer.differential.sequence import Group, History, call, lookup, register, star
from tests.peer.differential.words import BAD, OK, A, B, C, listed

SINGLE = [
    History(
        "0x04: one replaces all",
        [
            register(A, B),
            register(C, x_flags=4).answers(status=OK, code=1, contacts=listed(C)),
        ],
    ),
    History(
        "0x04: a known one stays alone",
        [register(A, B), register(B, x_flags=4).answers(code=2, contacts=listed(B))],
    ),
    History(
        "0x04: of several the first",
        [register(A), register(B, C, x_flags=4).answers(code=1, contacts=listed(B))],
    ),
    History(
        "0x04: a removal comes first",
        [
            register(A, B),
            register(f"{A};expires=0", C, x_flags=4).answers(code=1, contacts=listed(C)),
        ],
    ),
    History(
        "0x04: removals alone",
        [
            register(A, B),
            register(f"{A};expires=0", x_flags=4).answers(code=3, contacts=listed(B)),
        ],
    ),
    History(
        "0x04: a retransmission",
        [
            register(A, B, cseq=5),
            register(A, x_flags=4, cseq=5).answers(code=1, contacts=listed(A, B)),
        ],
    ),
    History(
        "0x04: a new user",
        [
            register(A, B, C, x_flags=4).because(
                "S-07", {"contacts": listed(A, B, C)}, {"contacts": listed(A)}
            )
        ],
    ),
    History(
        "0x04: a list in one header",
        [
            register(A),
            register(f"{B}, {C}", x_flags=4).because(
                "5.6: order of Contacts",
                {"contacts": listed(C)},
                {"contacts": listed(B)},
            ),
        ],
    ),
]

REPLIES = [
    History(
        "0x02: nobody replies",
        [
            register(A, x_flags=2).answers(status=None, code=1),
            register().answers(contacts=listed(A)),
        ],
    ),
    History("0x02: no error either", [register("*", x_flags=2).answers(status=None, code=-1)]),
    History(
        "0x02: the reply afterwards",
        [register(A, x_flags=2).asking("save_send").answers(status=OK, contacts=listed(A), code=1)],
    ),
    History(
        "0x02: an error afterwards",
        [
            register("*", x_flags=2)
            .asking("save_send")
            .answers(status=BAD, error="* used in contact and expires is not zero", code=-1)
        ],
    ),
    History(
        "0x02: another function fails in between",
        [
            register(A, x_flags=2)
            .asking("save_fail_send")
            .because(
                "S-06",
                {"status": BAD, "error": "Error while unescaping username"},
                {"status": OK, "error": None},
            )
        ],
    ),
    History(
        "0x12: the script replies with the registrar's headers",
        [
            register(A, x_flags=18)
            .asking("save_prepared")
            .answers(status="200 Prepared", contacts=listed(A), code=1)
        ],
    ),
    History(
        "0x02 without 0x10: it replies without them",
        [
            register(A, x_flags=2)
            .asking("save_prepared")
            .answers(status="200 Prepared", contacts=None, code=1)
        ],
    ),
    History(
        "0x06: one, and no reply",
        [
            register(A, B),
            register(C, x_flags=6).answers(status=None, code=1),
            register().answers(contacts=listed(C)),
        ],
    ),
    History(
        "0x01: memory only is all the same",
        [register(A, x_flags=1).answers(status=OK, code=1), register().answers(contacts=listed(A))],
    ),
    History(
        "an error, and the script says so as well",
        [
            register("*", expires=5)
            .asking("save_or_error")
            .answers(error="* used in contact and expires is not zero", code=-1)
            .because(
                "S-50",
                {"status": f"{BAD}, 500 I'm terribly sorry, server error occurred (1/SL)"},
                {"status": BAD},
            )
        ],
        ("#48",),
    ),
    History(
        "no error",
        [register(A).asking("save_or_error").answers(status=OK, code=1)],
    ),
    History(
        "a header of the script's",
        [
            register(A, x_add="Service-Route: <sip:sr.example.com;lr>").answers(
                status=OK, service_route="<sip:sr.example.com;lr>"
            )
        ],
    ),
    History(
        "one in an error as well",
        [
            register("*", x_add="Service-Route: <sip:sr.example.com;lr>").answers(
                status=BAD, service_route="<sip:sr.example.com;lr>"
            )
        ],
    ),
    History(
        "another user's error shows nobody's contacts",
        [
            register(A, x_flags=2).answers(status=None),
            register(A, to="<sip:{user}-2@h.com>", call_id=256 * "c").because(
                "S-06", {"contacts": listed(A)}, {"contacts": None}
            ),
        ],
    ),
]

STALE = [
    History(
        "a star after a save that nobody replied to",
        [
            register(A, x_flags=2).answers(status=None),
            star()
            .answers(status=OK, code=3)
            .because("S-06", {"contacts": listed(A)}, {"contacts": None}),
            register().answers(contacts=None),
        ],
    ),
]

URIS = [
    History(
        "the script names the user",
        [
            register(A, x_uri="sip:{user}-b@h.com").answers(code=1),
            call("registered", x_uri="sip:{user}-b@h.com").answers(code=1),
            call("registered", x_uri="sip:{user}@h.com").answers(code=-1),
        ],
    ),
    History(
        "a user that is empty",
        [
            register(A, x_uri="").because(
                "own: default",
                {"status": None, "code": -1, "contacts": None},
                {"status": OK, "code": 1, "contacts": listed(A)},
            )
        ],
    ),
    History(
        "another table",
        [
            register(A, x_table="other").answers(code=1, contacts=listed(A)),
            register().answers(code=4, contacts=None),
            register(x_table="other").answers(code=4, contacts=listed(A)),
            lookup().answers(code=-1),
            lookup(x_table="other").answers(code=1),
            call("registered", x_table="other").answers(code=1),
            call("registered").answers(code=-1),
            call("unregister", x_table="other", x_uri="sip:{user}@h.com").answers(code=1),
            lookup(x_table="other").answers(code=-1),
        ],
    ),
]

GROUPS = [
    Group(
        name="flags",
        ours={"location": {"tables": ["location", "other"]}},
        histories=[*SINGLE, *REPLIES, *STALE, *URIS],
    )
]
