"""How long a binding lives: ``default_expires`` to ``max_expires``, the random reduction, 423."""

from tests.peer.differential.sequence import Group, History, Seen, register
from tests.peer.differential.words import BAD, OK
from tests.wire import Rows

MOST = "4294967295"
BRIEF: Seen = {
    "status": "423 Interval Too Brief",
    "error": "Interval too brief",
    "min_expires": "60",
}


def granted(name: str, given: str, seconds: str, *shows: str, **rows: Rows) -> History:
    """One contact with the parameters ``given``, bound for so long."""
    step = register(f"<sip:a@1.1.1.1>{given}", **rows)
    contacts = [f"<sip:a@1.1.1.1>;expires={seconds}"] if seconds else None
    return History(name, [step.answers(status=OK, code=1, contacts=contacts)], shows)


def differing(
    note: str, name: str, given: str, theirs: str, ours: str, *shows: str, **rows: Rows
) -> History:
    """One contact, bound for so long by the peer and for so long by us."""
    step = register(f"<sip:a@1.1.1.1>{given}", **rows).answers(status=OK, code=1)
    peer: Seen = {"contacts": [f"<sip:a@1.1.1.1>;expires={theirs}"]}
    node: Seen = {"contacts": [f"<sip:a@1.1.1.1>;expires={ours}"]}
    return History(name, [step.because(note, peer, node)], shows)


def drawn(name: str, given: str, spread: tuple[int, int], *shows: str, **rows: Rows) -> History:
    """Sixty contacts whose lifetimes are drawn, all within ``spread``."""
    step = register(f"<sip:a@1.1.1.1>{given}", **rows)
    seen = step.answers(status=OK, contacts=["<sip:a@1.1.1.1>;expires=~"])
    return History(name, [seen.within(*spread)] * 60, shows)


DEFAULTS = [
    History(
        "a contact, then one below the floor",
        [
            register("<sip:a@1.1.1.1:5060>;q=0.5;expires=100").answers(
                status=OK, code=1, contacts=["<sip:a@1.1.1.1:5060>;q=0.5;expires=100"]
            ),
            register("<sip:b@1.1.1.1:5060>;expires=10").answers(
                contacts=[
                    "<sip:a@1.1.1.1:5060>;q=0.5;expires=100",
                    "<sip:b@1.1.1.1:5060>;expires=60",
                ]
            ),
        ],
        ("#1", "#2"),
    ),
    granted("a lifetime in the contact", ";expires=100", "100"),
    granted("a lifetime in the header", "", "200", expires=200),
    granted("the contact goes before the header", ";expires=100", "100", expires=200),
    granted("none at all", "", "3600"),
    granted("a lifetime below the floor", ";expires=10", "60"),
    granted("a lifetime at the floor", ";expires=60", "60"),
    granted("a second above the floor", ";expires=61", "61"),
    granted("a header below the floor", "", "60", expires=1),
    granted("a plus sign", ";expires=+100", "100"),
    granted("letters in the contact", ";expires=abc", "3600"),
    granted("letters in the contact do not lead to the header", ";expires=abc", "3600", expires=90),
    differing("S-24", "more than 32 bits in the contact", ";expires=99999999999", "3600", MOST),
    granted("an empty parameter leads to the header", ";expires=", "90", expires=90),
    granted("a parameter without value leads to the header", ";expires", "90", expires=90),
    History(
        "two lifetimes",
        [
            register("<sip:a@1.1.1.1>;expires=100;expires=200").because(
                "own: twice",
                {"status": OK, "code": 1, "contacts": ["<sip:a@1.1.1.1>;expires=200"]},
                {"status": BAD, "code": -1, "error": "Contact parse error"},
            )
        ],
    ),
    granted("a name in capitals", ";EXPIRES=100", "100"),
    differing("own: quotes", "in quotes", ';expires="100"', "100", "3600"),
    differing("S-24", "more than ten digits", "", "3600", MOST, "#10", expires="99999999999"),
    granted("a word", "", "3600", "#10", expires="abc"),
    differing("own: words", "a long unit", "", "3600", "120", "#10", expires="120 seconds"),
    granted("a number and a blank", "", "90", expires="90 s"),
    granted("a header with leading zeros", "", "90", expires="0090"),
    granted("the longest a signed number holds", ";expires=2147483647", "2147483647", "#9"),
    granted("removing what was never there", ";expires=0", "", "#13"),
    granted("removing it by the header", "", "", expires=0),
    History(
        "an empty header",
        [
            register("<sip:a@1.1.1.1>", expires="").answers(
                status="400 Bad Request", error="Expires parse error", code=-1
            )
        ],
        ("#11",),
    ),
    History(
        "the longest that 32 bits hold",
        [
            register("<sip:a@1.1.1.1>;expires=4294967295").because(
                "S-24",
                {"contacts": None},
                {"contacts": ["<sip:a@1.1.1.1>;expires=4294967295"]},
            )
        ],
        ("#8",),
    ),
    History(
        "a header past the signed numbers",
        [
            register("<sip:a@1.1.1.1>", expires=4294967295).because(
                "S-24",
                {"contacts": ["<sip:a@1.1.1.1>;expires=3600"]},
                {"contacts": ["<sip:a@1.1.1.1>;expires=4294967295"]},
            )
        ],
        ("#10",),
    ),
    History(
        "removing by the parameter what the header would keep",
        [
            register("<sip:a@1.1.1.1>", expires=100),
            register("<sip:a@1.1.1.1>;expires=0", expires=100).answers(code=3, contacts=None),
            register().answers(code=4, contacts=None),
        ],
    ),
    History(
        "keeping by the parameter what the header would remove",
        [
            register("<sip:a@1.1.1.1>;expires=100", expires=0).answers(code=1),
            register().answers(contacts=["<sip:a@1.1.1.1>;expires=100"]),
        ],
    ),
    History(
        "a refresh sets the lifetime anew",
        [
            register("<sip:a@1.1.1.1>", expires=1000).answers(code=1),
            register("<sip:a@1.1.1.1>", expires=500).answers(
                code=2, contacts=["<sip:a@1.1.1.1>;expires=500"]
            ),
        ],
    ),
    History(
        "three contacts, three lifetimes",
        [
            register(
                "<sip:a@1.1.1.1>;expires=100",
                "<sip:b@1.1.1.1>",
                "<sip:c@1.1.1.1>;expires=1",
                expires=300,
            ).answers(
                contacts=[
                    "<sip:a@1.1.1.1>;expires=100",
                    "<sip:b@1.1.1.1>;expires=300",
                    "<sip:c@1.1.1.1>;expires=60",
                ]
            )
        ],
    ),
]

REFUSING = [
    History(
        "a brief lifetime is refused",
        [register("<sip:a@1.1.1.1>;expires=10").answers(code=-1, contacts=None, **BRIEF)],
        ("#20",),
    ),
    History(
        "a brief header is refused",
        [register("<sip:a@1.1.1.1>", expires=59).answers(code=-1, **BRIEF)],
    ),
    History(
        "the floor itself is granted",
        [register("<sip:a@1.1.1.1>", expires=60).answers(code=1, status=OK)],
    ),
    History(
        "a removal is never too brief",
        [
            register("<sip:a@1.1.1.1>", expires=60),
            register("<sip:a@1.1.1.1>", expires=0).answers(code=3, status=OK, contacts=None),
        ],
    ),
    History(
        "of an unknown user nothing is kept",
        [
            register("<sip:p1@1.1.1.1>;expires=100", "<sip:p2@1.1.1.1>;expires=10").answers(
                code=-1, contacts=None, **BRIEF
            ),
            register().answers(contacts=None),
        ],
    ),
    History(
        "of a known user what came before is kept by the peer",
        [
            register("<sip:a@1.1.1.1>;expires=100"),
            register("<sip:p1@1.1.1.1>;expires=100", "<sip:p2@1.1.1.1>;expires=10")
            .answers(code=-1, **BRIEF)
            .because(
                "S-05",
                {"contacts": ["<sip:a@1.1.1.1>;expires=100", "<sip:p1@1.1.1.1>;expires=100"]},
                {"contacts": None},
            ),
            register().because(
                "S-05",
                {"contacts": ["<sip:a@1.1.1.1>;expires=100", "<sip:p1@1.1.1.1>;expires=100"]},
                {"contacts": ["<sip:a@1.1.1.1>;expires=100"]},
            ),
        ],
        ("#21",),
    ),
]

GROUPS = [
    Group(name="lifetimes", histories=DEFAULTS),
    Group(
        name="no floor",
        registrar={"min_expires": 0, "default_expires": 1800},
        histories=[
            granted("one second", ";expires=1", "1"),
            granted("five seconds in the header", "", "5", expires=5),
            granted("another default", "", "1800"),
            granted("nonsense gets that default", ";expires=x", "1800"),
        ],
    ),
    Group(
        name="default below the floor",
        registrar={"min_expires": 300, "default_expires": 100},
        histories=[
            granted("the default is raised", "", "300"),
            granted("what is asked for is raised", ";expires=299", "300"),
            granted("more is granted", ";expires=301", "301"),
        ],
    ),
    Group(name="refusing", registrar={"min_expires_mode": 1}, histories=REFUSING),
    Group(
        name="refusing the default",
        registrar={"min_expires_mode": 1, "min_expires": 300, "default_expires": 100},
        histories=[
            History(
                "no lifetime at all is too brief",
                [
                    register("<sip:a@1.1.1.1>").answers(
                        status="423 Interval Too Brief", min_expires="300"
                    )
                ],
            )
        ],
    ),
    Group(
        name="a floor of hours",
        registrar={"min_expires_mode": 1, "min_expires": 7200},
        histories=[
            History(
                "a wish of an hour",
                [
                    register("<sip:a@1.1.1.1>;expires=4000").because(
                        "own: hour",
                        {**BRIEF, "min_expires": "7200", "code": -1, "contacts": None},
                        {
                            "status": OK,
                            "error": None,
                            "min_expires": None,
                            "code": 1,
                            "contacts": ["<sip:a@1.1.1.1>;expires=4000"],
                        },
                    )
                ],
            )
        ],
    ),
    Group(
        name="ceiling",
        registrar={"max_expires": 1000},
        histories=[
            granted("a longer wish is cut", ";expires=5000", "1000"),
            granted("the ceiling", ";expires=1000", "1000"),
            granted("below it", ";expires=999", "999"),
            granted("the default is cut", "", "1000"),
            granted("the longest wish is cut", ";expires=4294967295", "1000"),
            granted("a long header is cut", "", "1000", expires=100000),
        ],
    ),
    Group(
        name="ceiling below the floor",
        registrar={"max_expires": 30},
        histories=[granted("the ceiling wins", ";expires=100", "30")],
    ),
    Group(
        name="spread",
        registrar={"expires_range": 30, "default_expires_range": 50, "xavp_cfg": "cfg"},
        histories=[
            drawn("a wish is shortened", ";expires=1000", (699, 999), "#22"),
            drawn("a header is shortened", "", (699, 999), expires=1000),
            drawn("the default is shortened", "", (1799, 3599), "#23"),
            drawn("nonsense is shortened as the default is", ";expires=x", (1799, 3599)),
            drawn("never below the floor", ";expires=61", (60, 60)),
            granted("flag 0x08 has it exact", ";expires=1000", "1000", x_flags=8),
            granted("a script has it exact", ";expires=1000", "700", x_cfg_expires=700),
        ],
    ),
    Group(
        name="spread under a ceiling",
        registrar={"expires_range": 30, "max_expires": 5000},
        histories=[
            drawn("far above the ceiling there is no spread", ";expires=100000", (5000, 5000)),
            drawn("near it there is some", ";expires=5500", (3849, 5000), "#24"),
        ],
    ),
]
