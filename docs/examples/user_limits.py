"""Limits by user: contacts and lifetime, through the XAVP that ``xavp_cfg`` names.

Settings: ``xavp_cfg = "cfg"``. What a script puts there holds for this one request.
"""

from regcluster.route.call import Call
from regcluster.sip.uri import SipUri

CONTACTS = {"reception": 10, "lobby": 1}
"""How many contacts a user may have; all others, two."""


async def route(call: Call) -> None:
    if call.method != "REGISTER":
        call.reply(405, headers=[("Allow", "REGISTER")])
        return
    aor = call.to
    user = aor.user if isinstance(aor, SipUri) else None
    limits = call.xavp.newest("cfg")
    limits.set("max_contacts", CONTACTS.get(user or "", 2))
    if user == "lobby":
        # A phone that anybody may unplug: let it be forgotten soon.
        limits.set("expires", 120)
    await call.registrar.save()
