"""Which contacts are one binding, and in what order requests count (§4.2 to §4.6)."""

from tests.peer.differential.sequence import (
    Group,
    History,
    Seen,
    register,
    star,
)
from tests.peer.differential.words import BAD, OK, A, B, C, listed

STAR_EXPIRES: Seen = {
    "status": BAD,
    "error": "* used in contact and expires is not zero",
    "code": -1,
}
STAR_MORE: Seen = {"status": BAD, "error": "* used in contact and more than 1 contact", "code": -1}


ORDER = [
    History(
        "Call-ID and CSeq",
        [
            register(A, call_id="{user}-x", cseq=5).answers(status=OK, code=1),
            register(A, call_id="{user}-x", cseq=5).answers(status=OK, code=1, contacts=listed(A)),
            register(A, call_id="{user}-x", cseq=4).answers(
                status=BAD, error="Invalid CSeq number", code=-1, contacts=listed(A)
            ),
            register(A, call_id="{user}-y", cseq=4).answers(status=OK, code=2),
        ],
        ("#6", "S-51"),
    ),
    History(
        "a removal out of order",
        [
            register(A, cseq=5),
            register(A, cseq=4, expires=0).answers(status=BAD, code=-1, contacts=listed(A)),
        ],
    ),
    History(
        "a removal sent again",
        [
            register(A, cseq=5),
            register(A, cseq=6, expires=0).answers(code=3, contacts=None),
            register(A, cseq=6, expires=0).answers(code=1, contacts=None, status=OK),
        ],
    ),
    History(
        "a removal with the number of the binding",
        [
            register(A, cseq=5),
            register(A, cseq=5, expires=0).answers(code=1, contacts=listed(A)),
        ],
    ),
    History(
        "a retransmission with another lifetime changes nothing",
        [
            register(A, cseq=5, expires=1000),
            register(A, cseq=5, expires=500).answers(contacts=["<sip:a@1.1.1.1>;expires=1000"]),
        ],
    ),
    History(
        "two contacts, the second out of order",
        [
            register(A, call_id="{user}-x", cseq=5),
            register(B, call_id="{user}-x", cseq=9),
            register("<sip:a@1.1.1.1>;q=0.3", B, call_id="{user}-x", cseq=7)
            .answers(status=BAD, error="Invalid CSeq number", code=-1)
            .because(
                "S-05",
                {"contacts": ["<sip:a@1.1.1.1>;q=0.3;expires=3600", *listed(B)]},
                {"contacts": listed(A, B)},
            ),
        ],
    ),
    History(
        "a number past the signed ones",
        [
            register(A, cseq=1),
            register(A, cseq=2147483649)
            .answers(contacts=listed(A))
            .because(
                "own: numbers",
                {"status": BAD, "error": "Invalid CSeq number", "code": -1},
                {"status": OK, "error": None, "code": 2},
            ),
        ],
    ),
    History(
        "a star of the same Call-ID that comes late",
        [
            register(A, cseq=5),
            star(cseq=4).because(
                "S-11",
                {"status": OK, "code": 3, "contacts": None, "error": None},
                {
                    "status": BAD,
                    "code": -1,
                    "contacts": listed(A),
                    "error": "Invalid CSeq number",
                },
            ),
        ],
    ),
]

STARS = [
    History("a star with a lifetime", [star(expires=10).answers(**STAR_EXPIRES)], ("#4",)),
    History("a star without one", [star(expires=None).answers(**STAR_EXPIRES)], ("#4",)),
    History(
        "a star with it in the wrong place",
        [
            register("*;expires=0")
            .answers(**STAR_EXPIRES)
            .because(
                "own: star",
                {"error": STAR_EXPIRES["error"]},
                {"error": STAR_MORE["error"]},
            )
        ],
        ("#4",),
    ),
    History("a star for nobody", [star().answers(status=OK, code=3, contacts=None)], ("#5",)),
    History(
        "a star removes everything",
        [
            register(A, B),
            star().answers(status=OK, code=3, contacts=None),
            register().answers(code=4, contacts=None),
        ],
    ),
    History(
        "a star of another Call-ID",
        [register(A, cseq=7), star(call_id="{user}-other", cseq=1).answers(status=OK, code=3)],
    ),
    History(
        "a star and a contact in the next header",
        [register("*", A, expires=0).answers(**STAR_MORE)],
    ),
    History(
        "a contact and a star in the next header",
        [register(A, "*", expires=0).answers(**STAR_MORE)],
    ),
    History(
        "a star and a contact in one header",
        [
            register(A),
            register("*, <sip:b@1.1.1.1>", expires=0).because(
                "S-12",
                {"status": OK, "code": 3, "error": None},
                STAR_MORE,
            ),
            register().because("S-12", {"contacts": None}, {"contacts": listed(A)}),
        ],
    ),
    History(
        "an unknown user asks", [register().answers(status=OK, code=4, contacts=None)], ("#3",)
    ),
    History(
        "a query lists what there is and refreshes nothing",
        [
            register(A, B),
            register(expires=60).answers(code=4, contacts=listed(A, B)),
            register().answers(contacts=listed(A, B)),
        ],
    ),
]

URIS = [
    History(
        "the same URI twice for a new user: the last one counts",
        [
            register("<sip:a@1.1.1.1>;q=0.1", "<sip:a@1.1.1.1>;q=0.9").answers(
                status=OK, contacts=["<sip:a@1.1.1.1>;q=0.9;expires=3600"]
            )
        ],
        ("#14",),
    ),
    History(
        "the same URI twice for a known user: the first one counts",
        [
            register(B),
            register("<sip:a@1.1.1.1>;q=0.1", "<sip:a@1.1.1.1>;q=0.9").because(
                "own: equal",
                {"contacts": ["<sip:a@1.1.1.1>;q=0.1;expires=3600", *listed(B)]},
                {"contacts": ["<sip:a@1.1.1.1>;q=0.9;expires=3600", *listed(B)]},
            ),
        ],
    ),
    History(
        "other parameters in another order",
        [
            register("<sip:a@1.1.1.1;x=1;y=2>"),
            register("<sip:a@1.1.1.1;y=2;x=1>").because(
                "S-61",
                {
                    "code": 1,
                    "contacts": listed("<sip:a@1.1.1.1;x=1;y=2>", "<sip:a@1.1.1.1;y=2;x=1>"),
                },
                {"code": 2, "contacts": listed("<sip:a@1.1.1.1;y=2;x=1>")},
            ),
        ],
    ),
    History(
        "the host in another case",
        [
            register("<sip:a@host.example>"),
            register("<sip:a@HOST.example>").because(
                "S-61",
                {"code": 1, "contacts": listed("<sip:a@host.example>", "<sip:a@HOST.example>")},
                {"code": 2, "contacts": listed("<sip:a@HOST.example>")},
            ),
        ],
    ),
    History(
        "the user in another case is another contact",
        [register(A), register("<sip:A@1.1.1.1>").answers(contacts=listed(A, "<sip:A@1.1.1.1>"))],
    ),
    History(
        "a port is another contact",
        [register(A), register("<sip:a@1.1.1.1:5070>").answers(code=1)],
    ),
    History(
        "swapping one for another in one request",
        [
            register(A),
            register("<sip:a@1.1.1.1>;expires=0", B).answers(code=1, contacts=listed(B)),
            register(C, "<sip:b@1.1.1.1>;expires=0").answers(code=3, contacts=listed(C)),
        ],
    ),
]

GROUPS = [
    Group(name="order of requests", histories=[*ORDER, *STARS, *URIS]),
    Group(
        name="no delay",
        usrloc={"cseq_delay": 0},
        histories=[
            History(
                "the same number again",
                [
                    register(A, cseq=9).answers(status=OK),
                    register(A, cseq=9).answers(status=BAD, error="Invalid CSeq number"),
                    register(A, cseq=10).answers(status=OK, code=2),
                ],
                ("#7", "S-52"),
            )
        ],
    ),
    Group(
        name="bytes",
        ours={"location": {"uri_equality": "bytes"}},
        histories=[
            History(
                "byte by byte, as the peer does",
                [
                    register("<sip:a@1.1.1.1;x=1;y=2>"),
                    register("<sip:a@1.1.1.1;y=2;x=1>").answers(code=1),
                    register("<sip:a@1.1.1.1;x=1;y=2>").answers(code=2),
                ],
            )
        ],
    ),
    Group(
        name="URI and Call-ID",
        usrloc={"matching_mode": 1},
        histories=[
            History(
                "each Call-ID has a binding of its own",
                [
                    register(A, call_id="{user}-A"),
                    register(A, call_id="{user}-B").answers(code=1, contacts=listed(A, A)),
                    register(A, call_id="{user}-C", expires=0).answers(
                        status=OK, code=1, contacts=listed(A, A)
                    ),
                    register(A, call_id="{user}-A", expires=0).answers(code=3, contacts=listed(A)),
                ],
                ("#42",),
            ),
            History(
                "an old number is refused",
                [
                    register(A, call_id="{user}-A", cseq=5),
                    register(A, call_id="{user}-A", cseq=3).answers(status=BAD, code=-1),
                ],
            ),
        ],
    ),
    Group(
        name="URI and Path",
        registrar={"use_path": 1, "path_mode": 0},
        usrloc={"matching_mode": 2},
        histories=[
            History(
                "each Path has a binding of its own",
                [
                    register(A, path="<sip:p1.example.com;lr>"),
                    register(A, path="<sip:p2.example.com;lr>").answers(
                        code=1, contacts=listed(A, A)
                    ),
                    register(A, path="<sip:p1.example.com;lr>").answers(
                        code=2, contacts=listed(A, A)
                    ),
                ],
            ),
            History(
                "without Path the URI alone",
                [register(A), register(A).answers(code=2, contacts=listed(A))],
            ),
        ],
    ),
    Group(
        name="Call-ID alone",
        usrloc={"matching_mode": 3},
        histories=[
            History(
                "another address of the same phone",
                [
                    register(A, call_id="{user}-A").answers(contacts=listed(A)),
                    register(B, call_id="{user}-A")
                    .answers(code=2)
                    .because("S-23", {"contacts": listed(A)}, {"contacts": listed(B)}),
                ],
                ("#43",),
            ),
            History(
                "another phone",
                [
                    register(A, call_id="{user}-A"),
                    register(A, call_id="{user}-B").answers(code=1, contacts=listed(A, A)),
                ],
            ),
        ],
    ),
]
