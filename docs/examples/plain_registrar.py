"""A registrar and a redirect server for example.com: what the built-in script does, in short."""

from regcluster.route.call import Call
from regcluster.sip.uri import SipUri

DOMAIN = "example.com"


async def route(call: Call) -> None:
    uri = call.uri
    if not isinstance(uri, SipUri) or uri.host != DOMAIN:
        call.reply(403)
    elif call.method == "REGISTER":
        await call.registrar.save()
    elif call.method == "ACK":
        return  # It acknowledges a reply of ours.
    elif await call.registrar.lookup():
        call.redirect()
    else:
        call.reply(404)
