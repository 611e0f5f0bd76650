"""GRUUs (RFC 5627): a call to one device, not to all of a user's.

Settings: ``gruu_enabled = 1``, as it is by default. A phone that has an instance-id and supports
``gruu`` finds a public and a temporary one in the 200 to its REGISTER. Nothing is to be done for
them here: a lookup of a GRUU finds the device that it names, and an ordinary one all of them.
"""

from regcluster.registrar.codes import LookupCode
from regcluster.route.call import Call


async def route(call: Call) -> None:
    if call.method == "REGISTER":
        await call.registrar.save()
        return
    found = await call.registrar.lookup()
    if found:
        call.forward()
    elif call.method == "ACK":
        return
    elif found is LookupCode.NOT_ALLOWED:
        call.reply(405, headers=[("Allow", "REGISTER")])
    else:
        # A public GRUU is for ever, its device is not there now. A temporary one is gone for good.
        call.reply(480 if "gr=" in call.request.uri else 404)
