"""What a REGISTER may look like: Contact's grammar (§4.1.1), headers that are missing or broken."""

from tests.peer.differential.sequence import Group, History, Seen, Step, register
from tests.peer.differential.words import BAD, OK, A, B, listed

BAD_CONTACT: Seen = {"status": BAD, "error": "Contact parse error", "code": -1}


def accepted(name: str, given: str, *contacts: str) -> History:
    """A Contact header, and what is bound by it."""
    return History(name, [register(given).answers(status=OK, contacts=listed(*contacts))])


def refused(name: str, given: str) -> History:
    """A Contact header that is none."""
    return History(name, [register(given).answers(**BAD_CONTACT)])


CONTACTS = [
    accepted("no brackets", "sip:a@1.1.1.1", A),
    History(
        "no brackets, parameters of the contact",
        [
            register("sip:a@1.1.1.1;x=y;q=0.5").because(
                "own: parameters",
                {"contacts": [f"{A};q=0.5;expires=3600"]},
                {"contacts": [f"{A};q=0.5;expires=3600;x=y"]},
            )
        ],
    ),
    accepted("a display name", '"Alice" <sip:a@1.1.1.1>', A),
    accepted("a display name without quotes", "Alice <sip:a@1.1.1.1>", A),
    accepted(
        "parameters of the URI", "<sip:a@1.1.1.1;transport=tcp>", "<sip:a@1.1.1.1;transport=tcp>"
    ),
    accepted("headers of the URI", "<sip:a@1.1.1.1?x=y>", "<sip:a@1.1.1.1?x=y>"),
    accepted("sips", "<sips:a@1.1.1.1>", "<sips:a@1.1.1.1>"),
    accepted("a number", "<tel:+4912345>", "<tel:+4912345>"),
    accepted("a letter box", "<mailto:a@b.c>", "<mailto:a@b.c>"),
    accepted("IPv6", "<sip:a@[2001:db8::1]:5070>", "<sip:a@[2001:db8::1]:5070>"),
    accepted("blanks around it", "  <sip:a@1.1.1.1>  ; q=0.5", f"{A};q=0.5"),
    accepted("a comma in the display name", '"A, B" <sip:a@1.1.1.1>', A),
    accepted("a comma in the URI", "<sip:a,b@1.1.1.1>", "<sip:a,b@1.1.1.1>"),
    History(
        "two in one header",
        [
            register(f"{A}, {B}").because(
                "5.6: order of Contacts", {"contacts": listed(B, A)}, {"contacts": listed(A, B)}
            ),
        ],
    ),
    History(
        "a removal and a contact in one header",
        [
            register(A),
            register(f"{A};expires=0, {B}").because(
                "5.6: order of Contacts", {"code": 3}, {"code": 1}
            ),
        ],
    ),
    refused("no closing bracket", "<sip:a@1.1.1.1"),
    History(
        "a contact and a star in one header",
        [
            register(f"{A}, *", expires=0)
            .answers(**BAD_CONTACT)
            .because(
                "own: star",
                {"error": "Contact parse error"},
                {"error": "* used in contact and more than 1 contact"},
            )
        ],
    ),
    refused("a comma at the end", f"{A},"),
    History(
        "a star in brackets",
        [
            register("<*>").because(
                "S-13",
                {"status": OK, "code": 1, "contacts": ["<*>;expires=3600"], "error": None},
                {
                    "code": -1,
                    "contacts": None,
                    **{k: v for k, v in BAD_CONTACT.items() if k != "code"},
                },
            )
        ],
    ),
    History(
        "a port that is none",
        [
            register("<sip:a@1.2.3.4:5060transport=udp>").because(
                "S-13",
                {
                    "status": OK,
                    "code": 1,
                    "contacts": ["<sip:a@1.2.3.4:5060transport=udp>;expires=3600"],
                    "error": None,
                },
                {**BAD_CONTACT, "contacts": None},
            )
        ],
    ),
    History(
        "a URI of two octets",
        [
            register("<a:>").because(
                "5.6: order of Contacts",
                {"status": OK, "code": 1, "contacts": ["<a:>;expires=3600"], "error": None},
                {**BAD_CONTACT, "contacts": None},
            )
        ],
    ),
    History(
        "parameters nobody knows",
        [
            register(f"{A};+sip.foo;audio").because(
                "own: parameters",
                {"contacts": listed(A)},
                {"contacts": [f"{A};expires=3600;+sip.foo;audio"]},
            )
        ],
    ),
    History(
        "a removal first lends nothing to the next",
        [
            register("<sip:a@1.1.1.1>;q=0.7;expires=0", B).because(
                "S-08",
                {"contacts": ["<sip:b@1.1.1.1>;q=0.7;expires=3600"]},
                {"contacts": listed(B)},
            )
        ],
    ),
]

HEADERS = [
    History(
        "an Expires with blanks",
        [register(A, expires="  100  ").answers(contacts=[f"{A};expires=100"])],
    ),
    History(
        "compact names",
        [Step(do="save", rows={"contact": None, "m": A, "k": "path"}).answers(contacts=listed(A))],
    ),
    History(
        "a Supported that nobody needs",
        [register(A, supported="100rel, timer").answers(status=OK, code=1)],
    ),
    History("a body", [register(A, content_type="text/plain").answers(status=OK)]),
    History("no Max-Forwards", [register(A, max_forwards=None).answers(status=OK)]),
    History("a Max-Forwards of nought", [register(A, max_forwards=0).answers(status=OK)]),
    History(
        "another From",
        [register(A, from_="<sip:someone@else.example>;tag=1").answers(status=OK, code=1)],
    ),
    History(
        "a display name in To",
        [register(A, to='"Alice" <sip:{user}@example.com>').answers(contacts=listed(A))],
    ),
    History(
        "a tag in To",
        [register(A, to="<sip:{user}@example.com>;tag=x").answers(contacts=listed(A))],
    ),
    History(
        "another Request-URI",
        [Step(do="save", target="sip:elsewhere.example", rows={"contact": A}).answers(status=OK)],
    ),
    History(
        "the registrar saves whatever method a script has it save",
        [
            Step(do="save", method="MESSAGE", target="sip:x@h.com", rows={"contact": A}).answers(
                status=OK, code=1, contacts=listed(A)
            )
        ],
    ),
]

GROUPS = [Group(name="syntax", histories=[*CONTACTS, *HEADERS])]
