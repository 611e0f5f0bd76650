"""Histories that nobody wrote: random REGISTERs and lookups of one user, kept to common ground.

What the two are known to do differently is left out by how requests are drawn, so that whatever
differs is news: every save is replied to (S-06), a number out of order comes with a single contact
(S-05, S-11), a contact is named once in a request (own: equal), its q never changes (S-23b), and
those with an instance have numbers in order (S-15). Everything else is left to chance.
"""

from hypothesis import strategies as st

from tests.peer.differential.sequence import (
    INSTANCE,
    OTHER_INSTANCE,
    Group,
    History,
    Step,
    call,
    lookup,
    register,
    star,
)

URIS = {
    "<sip:a@1.1.1.1>": "",
    "<sip:b@1.1.1.1:5070;transport=tcp>": ";q=0.5",
    "<sip:c@[2001:db8::1]>": ";q=0.5",
    "<sip:d@host.example;ob>": ";q=1",
    "<sips:e@1.1.1.1>": ";q=0",
}
"""The contacts of a user, each with the preference that it keeps."""

PHONES = {f"<sip:p@10.0.0.1>;{INSTANCE}": 1, f"<sip:p@10.0.0.2>;{OTHER_INSTANCE}": 2}
"""Contacts with an instance: such a phone has one, and says so every time."""

LIFETIMES = ("", ";expires=0", ";expires=30", ";expires=90", ";expires=7200", ";expires=x")
PATHS = (None, "<sip:p1.example.com;lr>", "<sip:p1.example.com;lr>,<sip:p2.example.com;lr;x=y>")
SOURCES = (None, "sip:5.5.5.5:5062", "sip:6.6.6.6;transport=tcp")
METHODS = ("INVITE", "MESSAGE", "SUBSCRIBE")
ALLOWS = (None, "INVITE, ACK, BYE", "MESSAGE", "INVITE, MESSAGE, FOO")

GROUP = Group(
    name="generated",
    registrar={
        "use_path": 1,
        "path_mode": 1,
        "received_avp": "$avp(rcv)",
        "max_contacts": 4,
        "method_filtering": 1,
        "max_expires": 5000,
        "retry_after": 7,
        "xavp_cfg": "cfg",
        "xavp_rcd": "rcd",
        "outbound_mode": 1,
        "flow_timer": 25,
    },
    usrloc={"cseq_delay": 3600},
    ours={
        "location": {
            "uri_equality": "bytes",
            "new_call_id": "drop_flows",
            "plain_binding": "separate",
        },
    },
)


@st.composite
def contacts(draw: st.DrawFn, most: int) -> list[str]:
    """Contacts of one request, each with a lifetime of its own."""
    uris = draw(st.lists(st.sampled_from(list(URIS)), min_size=1, max_size=most, unique=True))
    return [f"{uri}{URIS[uri]}{draw(st.sampled_from(LIFETIMES))}" for uri in uris]


def removes(contact: str, expires: str | int | None) -> bool:
    """Whether a contact is to go."""
    return contact.endswith(";expires=0") or (expires == 0 and ";expires=" not in contact)


@st.composite
def refreshes(draw: st.DrawFn) -> Step:
    """A REGISTER that is in order, with a Call-ID that is known or new."""
    phone = draw(st.sampled_from([None, None, None, *PHONES]))
    named = [phone] if phone else draw(contacts(3))
    expires = draw(st.sampled_from((None, 0, 60, 600, "abc")))
    # A removal in front lends its parameters to what follows (S-08).
    named.sort(key=lambda contact: removes(contact, expires))
    # The peer gives no Path back to a removal that finds nobody (own: path).
    binds = not removes(named[0], expires)
    return register(
        *named,
        call_id="{user}-" + (f"phone{PHONES[phone]}" if phone else draw(st.sampled_from("xyz"))),
        expires=expires,
        path=draw(st.sampled_from(PATHS)) if binds else None,
        supported=draw(st.sampled_from((None, "path", "path, outbound", "gruu"))),
        allow=draw(st.sampled_from(ALLOWS)),
        x_avp=draw(st.sampled_from(SOURCES)),
        x_flags=draw(st.sampled_from((0, 8, 4) if len(named) == 1 else (0, 8))),
        x_bflags=draw(st.sampled_from((None, 3))),
        x_cfg_expires=draw(st.sampled_from((None, None, 400))),
    )


@st.composite
def late(draw: st.DrawFn) -> Step:
    """A REGISTER that repeats a number, or comes too late, with a single contact."""
    return register(
        *draw(contacts(1)),
        call_id="{user}-" + draw(st.sampled_from("xyz")),
        cseq=draw(st.integers(1, 8)),
    )


def others() -> st.SearchStrategy[Step]:
    """Requests that ask, and those that remove everything."""
    fixed = [
        register(),
        register(supported="outbound"),
        star(call_id="{user}-star"),
        call("registered"),
        call("fetch", x_uri="sip:{user}@h.com"),
        call("lookup_to_dset"),
    ]
    return st.one_of(
        st.sampled_from(fixed),
        st.sampled_from(METHODS).map(lambda method: lookup(method=method)),
    )


def histories() -> st.SearchStrategy[History]:
    """Up to eight requests and a look at what has come of them."""
    steps = st.lists(st.one_of(refreshes(), refreshes(), late(), others()), min_size=2, max_size=8)
    return steps.map(
        lambda drawn: History("generated", [*drawn, register(), lookup(method="INVITE")])
    )
