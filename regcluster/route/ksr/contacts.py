"""``$ulc(profile=>attribute)``: what ``reg_fetch_contacts`` has fetched, as Kamailio names it."""

from collections.abc import Callable
from zlib import crc32

from regcluster.errors import ScriptError
from regcluster.location import Profile
from regcluster.registrar.binding import Binding
from regcluster.route.call import Call
from regcluster.route.pv import Variable
from regcluster.route.values import Value


def read_ulc(call: Call, variable: Variable) -> Value | None:
    """An attribute of a profile, or of one of its contacts; None if that has none.

    An index below 0 is the first contact's, as in Kamailio.
    """
    if variable.field not in _OF_RECORD and variable.field not in _OF_CONTACT:
        known = ", ".join(sorted({*_OF_RECORD, *_OF_CONTACT}))
        raise ScriptError(f"{variable.text}: a contact has no {variable.field}; it has {known}")
    profile = profile_of(call, variable.key)
    bindings = profile.record.bindings if profile else []
    if profile is None or not bindings:
        return None
    of_record = _OF_RECORD.get(variable.field)
    if of_record:
        return of_record(profile)
    index = max(variable.index, 0)
    return _OF_CONTACT[variable.field](bindings[index]) if index < len(bindings) else None


def profile_of(call: Call, name: str) -> Profile | None:
    """What has been fetched into the profile of that name."""
    return (call.registrar.profiles or {}).get(name)


def _hash(profile: Profile) -> int:
    """A number for the AOR, the same on every node; not Kamailio's (S-47)."""
    return crc32(profile.aor.encode("utf-8", "surrogateescape"))


_OF_RECORD: dict[str, Callable[[Profile], Value]] = {
    "aor": lambda profile: profile.aor,
    "aorhash": _hash,
    "count": lambda profile: len(profile.record.bindings),
    "domain": lambda profile: profile.table,
}

_OF_CONTACT: dict[str, Callable[[Binding], Value | None]] = {
    "addr": lambda binding: binding.uri,
    "callid": lambda binding: binding.call_id,
    "cflags": lambda binding: binding.cflags,
    # Not a number as in Kamailio, but unlike one it means something on every node (S-40).
    "conid": lambda binding: binding.connection or None,
    "cseq": lambda binding: binding.cseq,
    "expires": lambda binding: binding.expires_at // 1000,
    "flags": lambda _: 0,
    "instance": lambda binding: binding.instance or None,
    "methods": lambda binding: binding.methods,
    "modified": lambda binding: binding.modified_at // 1000,
    "path": lambda binding: binding.path,
    "q": lambda binding: binding.q,
    "received": lambda binding: binding.received,
    "regid": lambda binding: binding.reg_id,
    "ruid": lambda binding: binding.ruid,
    "server_id": lambda _: 0,
    "socket": lambda binding: binding.socket or None,
    "user_agent": lambda binding: binding.user_agent,
}
