"""The lookups: of one user, into the destination set, of each branch (§3.2 to §3.4)."""

from tests.peer.differential.sequence import Group, History, call, lookup, of, register
from tests.peer.differential.words import BAD_URI, ME, STRANGER, UNTOUCHED, A, B, C, branch, first

LOOKUPS = [
    History("nobody", [lookup().answers(code=-1)]),
    History("a URI that names nobody", [lookup(x_uri=BAD_URI).answers(code=-3)]),
    History(
        "an empty URI",
        [
            register(A),
            lookup(x_uri="").because(
                "own: default",
                {"code": -1, "branches": [UNTOUCHED]},
                {"code": 1, "branches": [first("a")]},
            ),
        ],
    ),
    History(
        "the user that the script names",
        [register(A), lookup(STRANGER, x_uri=ME).answers(code=1, branches=[first("a")])],
    ),
    History(
        "a user whose contacts have all gone",
        [register(A), register(A, expires=0), lookup().answers(code=-1)],
    ),
    History(
        "fourteen contacts, twelve branches",
        [
            register(*[f"<sip:a{number}@1.1.1.1>" for number in range(14)]),
            lookup().answers(
                code=1,
                branches=[
                    "sip:a0@1.1.1.1||udp:HERE|0|?|",
                    *[branch(f"a{number}") for number in range(1, 12)],
                ],
            ),
        ],
        ("#45",),
    ),
    History(
        "branch flags come back, and those of the request stay",
        [
            register(A, x_bflags=5),
            register(B, x_bflags=2),
            lookup(x_bflags=8).answers(
                branches=[
                    "sip:a@1.1.1.1||udp:HERE|13||",
                    "sip:b@1.1.1.1||udp:HERE|2||",
                ]
            ),
        ],
    ),
    History(
        "the second lookup leaves nothing of the first",
        [
            register(A, path="<sip:p1;lr>"),
            register(B, to="<sip:{user}-2@h.com>"),
            lookup(x_uri=ME, x_next="sip:{user}-2@h.com")
            .asking("lookup_twice")
            .because(
                "S-65",
                {"branches": ["sip:b@1.1.1.1||udp:HERE|0|<sip:p1;lr>|"]},
                {"branches": [first("b")]},
            ),
        ],
    ),
    History("a method of its own", [register(A), lookup(method="INVITE").answers(code=1)]),
]

SETS = [
    History(
        "all contacts beside the target",
        [
            register(A, "<sip:b@1.1.1.1>;q=0.5"),
            call("lookup_to_dset").answers(
                code=1, branches=[UNTOUCHED, branch("b", "500"), branch("a")]
            ),
        ],
    ),
    History("nobody", [call("lookup_to_dset").answers(code=-1, branches=[UNTOUCHED])]),
    History("a URI that names nobody", [call("lookup_to_dset", x_uri=BAD_URI).answers(code=-3)]),
    History(
        "an empty URI",
        [
            register(A),
            call("lookup_to_dset", x_uri="").because(
                "own: default",
                {"code": -1, "branches": [UNTOUCHED]},
                {"code": 1, "branches": [UNTOUCHED, branch("a")]},
            ),
        ],
    ),
    History(
        "another user's",
        [
            register(A),
            lookup(STRANGER, x_uri=ME)
            .asking("lookup_to_dset")
            .answers(code=1, branches=["sip:{user}-stranger@h.com|||0||", branch("a")]),
        ],
    ),
]

BRANCHES = [
    History(
        "without branches it is a lookup",
        [
            register(A, B),
            call("lookup_branches").answers(code=1, branches=[first("a"), branch("b")]),
        ],
    ),
    History(
        "a branch that names another user",
        [
            register(A),
            register(B, to="<sip:{user}-2@h.com>"),
            call("lookup_branches", x_branch1="sip:{user}-2@h.com").answers(
                code=1, branches=[first("a"), branch("b")]
            ),
        ],
    ),
    History(
        "a branch that names nobody stays",
        [
            register(A),
            call("lookup_branches", x_branch1=STRANGER).answers(
                code=1, branches=[first("a"), "sip:{user}-stranger@h.com|||0||"]
            ),
        ],
    ),
    History(
        "nobody in any of them",
        [
            call("lookup_branches", x_branch1=STRANGER).answers(
                code=-1, branches=[UNTOUCHED, "sip:{user}-stranger@h.com|||0||"]
            )
        ],
    ),
    History(
        "the target is unknown, a branch is not",
        [
            register(B, to="<sip:{user}-2@h.com>"),
            call("lookup_branches", x_branch1="sip:{user}-2@h.com").answers(code=1),
        ],
    ),
    History(
        "a branch with two contacts",
        [
            register(A),
            register(B, C, to="<sip:{user}-2@h.com>"),
            call("lookup_branches", x_branch1="sip:{user}-2@h.com").answers(
                code=1, branches=[first("a"), branch("b"), branch("c")]
            ),
        ],
    ),
]

GROUPS = [
    Group(
        name="lookups",
        registrar={"use_path": 1, "path_mode": 0},
        histories=[
            *of("lookup", LOOKUPS),
            *of("lookup_to_dset", SETS),
            *of("lookup_branches", BRANCHES),
        ],
    )
]
