"""A name that is no setting: what to say about it, with the closest right name.

People come with Kamailio's parameters in hand, so those get sentences of their own: not there yet,
gone from Kamailio too, or without meaning where all bindings live in Redis.
"""

import re
from difflib import get_close_matches

from regcluster.config.fields import FIELDS, SECTIONS, fields_in

NOT_YET = {
    "location": {"handle_lost_tcp", "close_expired_tcp", "rm_expired_delay"},
}
"""Kamailio's parameters that are still to come, by our section."""

OURS_LATER = {
    "listen": {"tls", "ws", "wss"},
}
"""Settings of our own that are still to come, by section."""

DROPPED = {
    "aor_avp": "name the AOR with the uri argument of save() and lookup()",
    "reg_callid_avp": "match the Call-ID with option 1 of registered()",
}
"""Names Kamailio's own documentation keeps as tombstones, and what took their place."""

RENAMED = {
    "registrar.realm_pref": "registrar.realm_prefix",
    "location.preload": "location.tables",
}
"""Names of Kamailio's for things that have another here: the one its configuration framework uses
at run time, and the one that declares a table."""

MEANINGLESS = {
    *("expires_type", "fetch_rows", "hash_size", "load_rank", "server_id_filter"),
    *("skip_remote_socket", "timer_interval", "timer_procs", "version_table"),
}
SQL = re.compile(r"db_\w+|\w+_column")
"""Parameters of ``usrloc`` about memory and SQL."""

PINGS = re.compile(r"ka_\w+")
"""Parameters of ``usrloc`` about its own pings."""


def unknown_section(section: str) -> str:
    """What to say about a section that does not exist."""
    near = get_close_matches(section.lower(), SECTIONS, n=1)
    hint = f"did you mean [{near[0]}]?" if near else f"there are {', '.join(SECTIONS)}"
    return f"there is no section [{section}]; {hint}"


def unknown_key(section: str, name: str) -> str:
    """What to say about a key that ``section`` does not have."""
    key = f"{section}.{name}"
    if section == "registrar" and name in DROPPED:
        return f"{key}: Kamailio itself has dropped this parameter; {DROPPED[name]}"
    if key in RENAMED:
        return f"{key} is called {RENAMED[key]} here"
    if name in NOT_YET.get(section, ()):
        return f"{key} is a Kamailio parameter this version does not have yet"
    if name in OURS_LATER.get(section, ()):
        return f"{key} is still to come; this version does not have it yet"
    if section == "location" and (name in MEANINGLESS or SQL.fullmatch(name)):
        return f"{key} has no meaning here: bindings live in Redis, see store.url"
    if section == "location" and PINGS.fullmatch(name):
        return f"{key}: this version does not ping phones"
    return f"{key} is not a setting; {_hint(section, name)}"


def _hint(section: str, name: str) -> str:
    elsewhere = [field.key for field in FIELDS.values() if field.name == name.lower()]
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere)}?"
    names = [field.name for field in fields_in(section)]
    near = get_close_matches(name.lower(), names, n=1)
    if near:
        return f"did you mean {section}.{near[0]}?"
    return f"[{section}] has {', '.join(names)}"
