"""Why the two may differ: every reason that a history may name, and those that none can show.

``S-nn`` are the numbered stances of the reference (§8); ``5.6: …`` are its rows on what Debian's
5.6 does otherwise than 6.x (§10); ``own: …`` are choices of ours without a number, most of them in
``docs/registrar.md``. A reason that no history shows fails a test, unless it stands below with the
reason why these two programs cannot show it.
"""

STANCES = (*(f"S-{number:02}" for number in range(1, 66)), "S-23b")

UNSHOWN_STANCES = {
    "S-26": "the peer's memory cannot fail; test_store_stopped shows our half",
    "S-27": "we have no binding without an end; the peer's half is vector 46",
    "S-30": "it takes a process that looks up what another one saved; the peer has one for UDP",
    "S-32": "the mark has no effect without a database",
    "S-35": "it takes a database behind usrloc",
    "S-36": "it is of the Python face alone, and Debian's package has no Python",
    "S-40": "it takes several servers on one database",
    "S-41": "it takes db_mode 2",
    "S-42": "it takes several servers on one database",
    "S-43": "usrloc's keepalive: we have none",
    "S-44": "usrloc's keepalive: we have none",
    "S-45": "we count no settings; the peer's half is vector 47",
    "S-46": "an RPC of usrloc; the peer's half is vector 46",
    "S-54": "a node runs no script for a response",
    "S-56": "it takes several servers on one database",
    "S-57": "memory that leaks shows in no response",
    "S-59": "it takes a database behind usrloc",
    "S-60": "usrloc's keepalive: we have none",
    "S-62": "both run on one clock here",
    "S-64": "it takes a stored Path that cannot be read, and save lets none through",
}

NOTES = (
    "5.6: AOR failures",
    "5.6: host of GRUUs",
    "5.6: AOR size limits",
    "5.6: longest Path",
    "5.6: order of Contacts",
    "5.6: unregister without a URI",
    "5.6: functions",
    "5.6: tcpconn_id",
    "5.6: xavp integers",
    "5.6: conid",
    "5.6: randomisation",
    "5.6: xavp absent on refresh",
    "5.6: location_attrs",
    "5.6: lost TCP",
    "5.6: usrloc keepalive",
    "5.6: nathelper",
    "5.6: flow token",
    "5.6: path",
    "5.6: sanity",
    "5.6: db_redis",
)

UNSHOWN_NOTES = {
    "5.6: tcpconn_id": "a connection that is not ours is in no response",
    "5.6: conid": "the same",
    "5.6: randomisation": "a second more or less is drawn anyway",
    "5.6: location_attrs": "it takes a database behind usrloc",
    "5.6: lost TCP": "it takes handle_lost_tcp, which we have not",
    "5.6: usrloc keepalive": "we have none",
    "5.6: nathelper": "we send no pings",
    "5.6: flow token": "it is the edge proxy's",
    "5.6: path": "it is the edge proxy's",
    "5.6: sanity": "we have no such module",
    "5.6: db_redis": "it takes a database behind usrloc",
}

OWN = {
    "own: twice": "a parameter given twice is no Contact (RFC 3261 §7.3.1); there the last counts",
    "own: words": "an Expires with words behind the number is the number, however long",
    "own: escapes": "an escape of no printable character is kept, not refused",
    "own: bad escape": "a URI that cannot be read is that, whatever is wrong with it",
    "own: tel": "To is a SIP or SIPS URI (RFC 3261 §10.2)",
    "own: prefix": "hosts have no case, so realm_prefix has none",
    "own: full": "above max_contacts only a request that adds a binding is refused",
    "own: equal": "of equal contacts in one request the last wins",
    "own: hour": "a wish of an hour or more is never too brief (RFC 3261 §10.3)",
    "own: parameters": "what else a contact says is kept and given back (RFC 3840)",
    "own: quotes": "a lifetime in quotes is none (RFC 3261 §25.1)",
    "own: empty": "a parameter with nothing behind the = is none",
    "own: temporary": "a temporary GRUU ends with its Call-ID (RFC 5627 §5.4)",
    "own: sips": "the GRUUs of a sips AOR are sips URIs (RFC 5627 §5.1)",
    "own: numbers": "a CSeq from 2³¹ on counts as it is (RFC 3261 §20.16)",
    "own: limit": "max_contacts 0 is 256, so that no user can hold up the store",
    "own: path": "a removal that finds nobody is given its Path back (RFC 3327 §5.3)",
    "own: whole Path": "all of a Path has to be readable, not only its first URI",
    "own: received": "what a Path says in received is a SIP URI, or it is ignored",
    "own: ob": "the phone's own proxy is the last of a Path (RFC 5626 §6)",
    "own: instances": "UUIDs are compared without case (RFC 5626 §4.1)",
    "own: newest flow": "a public GRUU leads to the flow that was refreshed last",
    "own: circles": "a contact that is a GRUU of its user is refused (RFC 5627 §5.1)",
    "own: no agent": "where there is no User-Agent, there is none",
    "own: star": "a star has neither company nor parameters",
    "own: default": "an empty uri is the default, as in Kamailio's Python face",
}

VECTORS = tuple(f"#{number}" for number in range(1, 51))

UNPLAYED_VECTORS = {"#49": "it takes db_mode 3 on Redis: a package of its own in Debian"}
