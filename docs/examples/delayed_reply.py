"""A save that holds its reply back, for a look at what it did before the phone is told.

``NORPL`` sends nothing; ``reg_send_reply`` sends what the save would have sent, and what stands in
``reply_headers`` goes with it.
"""

from regcluster.registrar.codes import SaveCode
from regcluster.registrar.options import SaveFlag
from regcluster.route.call import Call


async def route(call: Call) -> None:
    if call.method != "REGISTER":
        call.reply(405, headers=[("Allow", "REGISTER")])
        return
    saved = await call.registrar.save(flags=SaveFlag.NORPL)
    if saved.code is SaveCode.ADDED:
        call.reply_headers.append(("X-Welcome", "first registration of this phone"))
    call.registrar.reg_send_reply()
