"""Only registered phones may call, and only as who they are: From is held against the source.

``reg_from_user`` is true if the request comes from where a binding of that user came from. Mode 1
wants the same port too, which over UDP says that it is the same device.
"""

from regcluster.route.call import Call
from regcluster.sip.headers import parse_name_addr

SAME_PORT = 1


async def route(call: Call) -> None:
    if call.method == "REGISTER":
        await call.registrar.save()
        return
    caller = parse_name_addr(call.request.first("from") or "").uri
    if not await call.registrar.reg_from_user("location", caller, SAME_PORT):
        if call.method != "ACK":
            call.reply(403, "Register First")
    elif await call.registrar.lookup():
        call.forward()
    elif call.method != "ACK":
        call.reply(404)
