"""Behind a balancer that adds Path (RFC 3327): calls go back through it, and it alone is trusted.

Settings: ``use_path = 1``. A lookup gives each branch the Path it was registered with; ``forward``
sends the request to the first hop of it, with the rest as Route.
"""

from regcluster.route.call import Call

BALANCERS = {"198.51.100.1", "198.51.100.2"}


async def route(call: Call) -> None:
    if call.source.peer.host not in BALANCERS:
        call.reply(403, "Use The Balancer")
    elif call.method == "REGISTER":
        await call.registrar.save()
    elif await call.registrar.lookup():
        call.forward()
    elif call.method != "ACK":
        call.reply(404)
