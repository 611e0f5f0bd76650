"""The script ``kamailio.cfg`` once more, for a node: it does what a request's X- headers ask for.

Ours answers a request once, so what the script has to tell goes into the registrar's own reply
where there is one, and else into a response 299.
"""

from collections.abc import Awaitable, Callable

from regcluster.location import Profile
from regcluster.registrar.binding import Binding
from regcluster.registrar.branch import Branch
from regcluster.registrar.options import SaveFlag
from regcluster.route.call import Call
from regcluster.route.ksr.contacts import read_ulc
from regcluster.route.pv import parse_pv
from regcluster.route.registrar import SaveResult
from regcluster.sip.reply import Reply

INTEGERS = {
    "x-cfg-expires": "expires",
    "x-cfg-q": "q",
    "x-cfg-max": "max_contacts",
    "x-cfg-rlf": "rlf_bflags",
    "x-cfg-conn": "tcpconn_id",
}
TEXTS = {
    "x-cfg-text-expires": "expires",
    "x-cfg-text-q": "q",
    "x-cfg-text-max": "max_contacts",
    "x-cfg-socket": "socket",
    "x-cfg-callid": "match_callid",
    "x-cfg-received": "match_received",
    "x-cfg-contact": "match_contact",
}
MOST_BRANCHES = 12
BAD_URI = "sip:%zz@example.com"

Rows = list[tuple[str, str]]


async def route(call: Call) -> None:
    """Do what is asked and tell what came of it."""
    prepare(call)
    function = DO.get(text(call, "x-do"))
    rows = await function(call) if function else [("X-Code", "-99")]
    if kept := (root := call.xavp.root("keep")) and root.first("note"):
        rows.append(("X-Keep", str(kept)))
    rows += record(call)
    if call.effects and isinstance(reply := call.effects[0], Reply):
        reply.headers += rows
    elif not call.effects:
        call.reply(299, "Told", rows)


async def contact_expired(event: object) -> None:
    """What ``event_callback`` names; it has nothing to do."""


def text(call: Call, name: str) -> str:
    """A header of the request; empty if there is none."""
    return call.request.first(name) or ""


def number(call: Call, name: str) -> int:
    """A header that holds a number, 0 if there is none."""
    return int(text(call, name) or 0)


def prepare(call: Call) -> None:
    """What a script may set before it calls a function of the registrar."""
    call.reply_headers.append(("X-Script", "yes"))
    prepare_request(call)
    prepare_xavps(call)
    if more := text(call, "x-branch1"):
        call.append_branch(Branch(more))


def prepare_request(call: Call) -> None:
    """Rows of the reply, the source, flags."""
    if added := text(call, "x-add"):
        name, _, value = added.partition(": ")
        call.reply_headers.append((name, value))
    if received := text(call, "x-avp"):
        call.avp.set("rcv", received)
    if text(call, "x-nat"):
        peer = call.source.peer
        transport = "" if call.source.transport == "UDP" else f";transport={peer.transport.lower()}"
        call.avp.set("rcv", f"sip:{peer.render()}{transport}")
    if text(call, "x-setflag"):
        call.setflag(5)
    if text(call, "x-bflags"):
        call.branches[0].flags = number(call, "x-bflags")


def prepare_xavps(call: Call) -> None:
    """What is kept, and what the request is configured with."""
    if note := text(call, "x-keep"):
        call.xavp.newest("keep").add("note", note)
    for header, child in INTEGERS.items():
        if text(call, header):
            call.xavp.newest("cfg").add(child, number(call, header))
    for header, child in TEXTS.items():
        if value := text(call, header):
            call.xavp.newest("cfg").add(child, value)


def record(call: Call) -> Rows:
    """What ``xavp_rcd`` holds, in the order in which the other script tells it."""
    root = call.xavp.root("rcd")
    names = ("contact", "expires", "received", "path", "ruid")
    return [
        ("X-Rcd", f"{name}={values[index]}")
        for index in range(4)
        for name in names
        if root and len(values := root.all(name)) > index
    ]


def code(value: int) -> Rows:
    """A return code."""
    return [("X-Code", str(int(value)))]


def yes(value: object) -> Rows:
    """The return code of what is only true or false."""
    return code(1 if value else -1)


async def saved(call: Call) -> SaveResult:
    """Save the request as its headers have it."""
    flags = SaveFlag(number(call, "x-flags"))
    return await call.registrar.save(text(call, "x-table"), flags, text(call, "x-uri"))


async def save(call: Call) -> Rows:
    """Save, and no more."""
    return code((await saved(call)).code)


async def save_or_error(call: Call) -> Rows:
    """Save; reply with an error if nobody else has."""
    result = await saved(call)
    if result.code < 0 and not result.is_replied:
        call.reply(500)
    return code(result.code)


async def save_prepared(call: Call) -> Rows:
    """Save; send a reply of the script's own."""
    result = await saved(call)
    if result.code > 0:
        call.reply(200, "Prepared")
    return code(result.code)


async def save_send(call: Call) -> Rows:
    """Save; send the reply later."""
    result = await saved(call)
    call.registrar.reg_send_reply()
    return code(result.code)


async def save_fail_send(call: Call) -> Rows:
    """Save; send the reply after something else has failed."""
    result = await saved(call)
    await call.registrar.registered(uri=BAD_URI)
    call.registrar.reg_send_reply()
    return code(result.code)


async def lookup(call: Call) -> Rows:
    """Look up, and show the destination set."""
    found = await call.registrar.lookup(text(call, "x-table"), text(call, "x-uri"))
    return code(found) + branches(call)


async def lookup_twice(call: Call) -> Rows:
    """Look up one user, then another."""
    await call.registrar.lookup(uri=text(call, "x-uri"))
    found = await call.registrar.lookup(uri=text(call, "x-next"))
    return code(found) + branches(call)


async def lookup_to_dset(call: Call) -> Rows:
    """The same into the destination set alone."""
    return code(await call.registrar.lookup_to_dset(uri=text(call, "x-uri"))) + branches(call)


async def lookup_branches(call: Call) -> Rows:
    """Look up each branch."""
    return code(await call.registrar.lookup_branches()) + branches(call)


async def lookup_xavp(call: Call) -> Rows:
    """All contacts as XAVPs."""
    found = await call.registrar.lookup_xavp("", text(call, "x-uri"), "rec", "con")
    roots = [*call.xavp.roots("rec"), *call.xavp.roots("con")]
    return [
        *code(found),
        *(("X-Xavp", "|".join(f"{name}={root.first(name)}" for name in root)) for root in roots),
    ]


async def relay(call: Call) -> Rows:
    """Look up, and send the request there."""
    found = await call.registrar.lookup()
    if found > 0:
        call.forward()
    return code(found)


async def relay_sock(call: Call) -> Rows:
    """Send the request on with a header that names our socket."""
    added = call.registrar.add_sock_hdr("X-Sock")
    call.branches[0].next_hop = text(call, "x-next")
    call.forward()
    return yes(added)


async def registered(call: Call) -> Rows:
    """Is anybody there?"""
    found = await call.registrar.registered(
        text(call, "x-table"),
        text(call, "x-uri"),
        number(call, "x-option"),
        number(call, "x-action"),
    )
    return yes(found)


async def reg_from_user(call: Call) -> Rows:
    """Does the request come from the user?"""
    mode = number(call, "x-option")
    return yes(await call.registrar.reg_from_user("", text(call, "x-uri"), mode))


async def unregister(call: Call) -> Rows:
    """Remove bindings."""
    table, uri, ruid = (text(call, name) for name in ("x-table", "x-uri", "x-ruid"))
    return code(await call.registrar.unregister(table, uri, ruid))


async def add_sock_hdr(call: Call) -> Rows:
    """Tell the next registrar of our socket."""
    return yes(call.registrar.add_sock_hdr("X-Sock"))


async def fetch(call: Call) -> Rows:
    """Fetch all contacts, and show each."""
    profile = await call.registrar.reg_fetch_contacts("", text(call, "x-uri"), "caller")
    return yes(profile) + head(profile) + contacts(profile)


async def fetch_head(call: Call) -> Rows:
    """Fetch all contacts, and show how many there are."""
    profile = await call.registrar.reg_fetch_contacts("", text(call, "x-uri"), "caller")
    return yes(profile) + head(profile)


async def fetch_agent(call: Call) -> Rows:
    """Fetch all contacts, and show the first one's User-Agent."""
    profile = await call.registrar.reg_fetch_contacts("", text(call, "x-uri"), "caller")
    return [
        *yes(profile),
        *(
            ("X-Ulc", f"ua={one.user_agent if text(call, 'x-raw') else agent(one)}")
            for one in (profile.record.bindings if profile else ())
        ),
    ]


async def fetch_hash(call: Call) -> Rows:
    """Fetch all contacts, and show whether the AOR has a hash."""
    rows = await fetch_head(call)
    value = read_ulc(call, parse_pv("$ulc(caller=>aorhash)"))
    return [*rows, ("X-Ulc", f"aorhash={'some' if value else 0}")]


def agent(binding: Binding) -> str:
    """A User-Agent as Kamailio tells of none."""
    return binding.user_agent or "n/a"


async def free(call: Call) -> Rows:
    """Fetch all contacts and forget them."""
    freed = call.registrar.reg_free_contacts("caller")
    return yes(freed) + head((call.registrar.profiles or {}).get("caller"))


def head(profile: Profile | None) -> Rows:
    """The AOR of a profile."""
    if profile is None:
        return [("X-Ulc", "count=|aor=|domain=")]
    count = len(profile.record.bindings)
    return [("X-Ulc", f"count={count}|aor={profile.aor}|domain={profile.table}")]


def contacts(profile: Profile | None) -> Rows:
    """The contacts of a profile."""
    rows: Rows = []
    for one in profile.record.bindings if profile else ():
        rows += [
            ("X-Ulc", f"addr={one.uri}|received={one.received}|path={one.path}"),
            ("X-Ulc", f"callid={one.call_id}|cseq={one.cseq}|q={one.q}|ua={agent(one)}"),
            (
                "X-Ulc",
                f"instance={one.instance}|regid={one.reg_id}|cflags={one.cflags}"
                f"|methods={one.methods}|socket={one.socket}",
            ),
            ("X-Known-Ruid", one.ruid),
        ]
    return rows


def branches(call: Call) -> Rows:
    """The destination set."""
    first, *others = call.branches
    rows = [
        ("X-Branch", f"{first.uri}|{first.next_hop}|{first.socket}|{first.flags}"),
        ("X-Ruid", first.ruid),
    ]
    for one in others:
        q = "" if one.q < 0 else one.q
        way = f"{one.uri}|{one.next_hop}|{one.socket}|{one.flags}|{one.path}|{q}"
        rows.append(("X-Branch", way))
    if len(call.branches) < MOST_BRANCHES:
        rows.append(("X-Path", first.path))
    return rows


DO: dict[str, Callable[[Call], Awaitable[Rows]]] = {
    function.__name__: function
    for function in (
        save, save_or_error, save_prepared, save_send, save_fail_send, lookup, lookup_twice,
        lookup_to_dset, lookup_branches, lookup_xavp, relay, relay_sock, registered,
        reg_from_user, unregister, add_sock_hdr, fetch, fetch_head, fetch_agent,
        fetch_hash, free,
    )
}  # fmt: skip
