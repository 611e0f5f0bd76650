"""One phone a user: whoever registers last has the line, all others lose it."""

from regcluster.registrar.options import SaveFlag
from regcluster.route.call import Call


async def route(call: Call) -> None:
    if call.method == "REGISTER":
        await call.registrar.save(flags=SaveFlag.REPL)
    elif await call.registrar.lookup():
        call.forward()
    elif call.method != "ACK":
        call.reply(404)
