"""``KSR.registrar``: Kamailio's functions over ``call.registrar``, with their numbers.

A store that does not answer is no empty one (S-26): lookups return -3, ``unregister`` -2, all
others -1. After a ``save`` that was to reply, the worker's 503 is the reply.
"""

from collections.abc import Awaitable
from typing import TypeVar

from regcluster.errors import StoreUnavailable
from regcluster.registrar.codes import LookupCode, SaveCode, UnregisterCode
from regcluster.registrar.options import SaveFlag
from regcluster.route.ksr.contacts import profile_of
from regcluster.route.ksr.headers import yes
from regcluster.route.ksr.replies import is_settled
from regcluster.route.registrar import RegistrarFace
from regcluster.route.sync import current_call, current_run, wait_for

T = TypeVar("T")


def save(table: str, flags: int) -> int:
    """Process the request as a REGISTER for the user in To."""
    return save_uri(table, flags, "")


def save_uri(table: str, flags: int, uri: str) -> int:
    """Process the request as a REGISTER for the user that ``uri`` names."""
    run = current_run()
    run.failure, run.is_failed = None, False
    try:
        return int(wait_for(run.call.registrar.save(table, SaveFlag(flags), uri)).code)
    except StoreUnavailable as failed:
        run.failure = failed
        run.is_failed = not flags & SaveFlag.NORPL and not is_settled(run.call)
        return int(SaveCode.FAILED)


def reg_send_reply() -> int:
    """Send the reply that the last save held back."""
    run = current_run()
    if run.call.registrar.reg_send_reply():
        return 1
    run.is_failed = run.failure is not None
    return yes(run.is_failed)


def set_q_override(q: str) -> int:
    """Bind the contacts of the next save with this preference."""
    return yes(_face().set_q_override(q))


def lookup(table: str) -> int:
    """Write the best contact over the Request-URI, and append the others as branches."""
    return _found(_face().lookup(table))


def lookup_uri(table: str, uri: str) -> int:
    """Do so with the contacts of another user."""
    return _found(_face().lookup(table, uri)) if uri else int(LookupCode.FAILED)


def lookup_to_dset(table: str, uri: str) -> int:
    """Append every contact as a branch."""
    return _found(_face().lookup_to_dset(table, uri)) if uri else int(LookupCode.FAILED)


def lookup_branches(table: str) -> int:
    """Look up the Request-URI, and every branch that is a bare URI."""
    return _found(_face().lookup_branches(table))


def lookup_xavp(table: str, uri: str, record: str, contact: str) -> int:
    """Show all contacts of a user as XAVPs."""
    if not uri:
        return int(LookupCode.NOT_FOUND)
    return _found(_face().lookup_xavp(table, uri, record, contact))


def registered(table: str) -> int:
    """Whether the user in the Request-URI has a contact."""
    return registered_action(table, "", 0, 0)


def registered_uri(table: str, uri: str) -> int:
    """Whether a user has a contact."""
    return registered_action(table, uri, 0, 0)


def registered_flags(table: str, uri: str, match_option: int) -> int:
    """Whether a user has a contact of one kind."""
    return registered_action(table, uri, match_option, 0)


def registered_action(table: str, uri: str, match_option: int, match_action: int) -> int:
    """Whether a user has a contact of one kind, and what to do with it."""
    return yes(_asked(_face().registered(table, uri, match_option, match_action), False))


def add_sock_hdr(name: str) -> int:
    """Tell the next registrar which socket of ours the request came in on."""
    return yes(_face().add_sock_hdr(name))


def unregister(table: str, uri: str) -> int:
    """Remove all bindings of a user."""
    return unregister_ruid(table, uri, "")


def unregister_ruid(table: str, uri: str, ruid: str) -> int:
    """Remove one binding of a user."""
    return int(_asked(_face().unregister(table, uri, ruid), UnregisterCode.FAILED))


def reg_fetch_contacts(table: str, uri: str, profile: str) -> int:
    """Put all contacts of a user into a profile, for ``$ulc``."""
    if not uri:
        return -1
    return yes(_asked(_face().reg_fetch_contacts(table, uri, profile), None) is not None)


def reg_free_contacts(profile: str) -> int:
    """Empty a profile."""
    return yes(_face().reg_free_contacts(profile))


def reg_from_user(table: str, uri: str, mode: int) -> int:
    """Whether the request comes from where a user has registered."""
    return yes(bool(uri) and _asked(_face().reg_from_user(table, uri, mode), False))


def ulc_rget(profile: str, attribute: str) -> str | int:
    """``aor`` or ``count`` of a profile; 0 if it has no such thing."""
    found = profile_of(current_call(), profile)
    if found is None or attribute not in ("aor", "count"):
        return 0
    return found.aor if attribute == "aor" else len(found.record.bindings)


def ulc_cget(profile: str, attribute: str, index: int) -> str | int:
    """``addr`` or ``socket`` of one contact of a profile; 0 if there is no such thing."""
    found = profile_of(current_call(), profile)
    if found is None or not 0 <= index < len(found.record.bindings):
        return 0
    binding = found.record.bindings[index]
    return {"addr": binding.uri, "socket": binding.socket}.get(attribute, 0)


def _face() -> RegistrarFace:
    return current_call().registrar


def _found(lookup: Awaitable[LookupCode]) -> int:
    return int(_asked(lookup, LookupCode.FAILED))


def _asked(question: Awaitable[T], failed: T) -> T:
    """What the store says; ``failed`` if it says nothing."""
    try:
        return wait_for(question)
    except StoreUnavailable:
        return failed


FUNCTIONS: dict[str, object] = {
    function.__name__: function
    for function in (
        save,
        save_uri,
        lookup,
        lookup_uri,
        lookup_to_dset,
        lookup_branches,
        lookup_xavp,
        registered,
        registered_uri,
        registered_flags,
        registered_action,
        set_q_override,
        add_sock_hdr,
        unregister,
        unregister_ruid,
        reg_fetch_contacts,
        reg_free_contacts,
        reg_from_user,
        reg_send_reply,
        ulc_rget,
        ulc_cget,
    )
}
