"""What the tests of the scripts ask for on Alice's behalf, and how they read what came of it."""

from dataclasses import replace

from regcluster.config import LocationSettings, StoreSettings
from regcluster.registrar.binding import flow_key, match_key
from regcluster.registrar.plan import Change, SavePlan, Verdict
from regcluster.sip.uri import parse_uri
from regcluster.store.codec import decode
from tests.servers import Server
from tests.store.stored import found

# Long enough for Redis itself not to forget what a test makes old, and for a busy machine.
STORE = StoreSettings(partitions=1, grace_s=86_400, deadline_ms=10_000)
ALICE = "alice@example.com"
HASH, INDEX, FEED = b"rc:{0}:b:alice@example.com", b"rc:{0}:x", b"rc:{0}:e"

DESK = "sip:alice@192.0.2.1"
LINE_1, LINE_2 = f"{DESK};line=1", f"{DESK};line=2"
MOBILE = "sip:alice@192.0.2.2;transport=tcp"
SOFT = "sip:alice@192.0.2.3"
DEVICE = "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"
"""In capitals, which its key is not."""
DELAY_MS = 20_000


def bind(uri: str, lifetime: int = 60, q: int = -1, ruid: str = "") -> Change:
    """A Contact; its ruid is its URI unless that matters."""
    key = match_key(uri, parse_uri(uri), LocationSettings())
    return Change(key, lifetime, uri, q, "", ruid or f"uloc-{uri}")


def flow(
    uri: str, reg_id: int = 1, instance: str = DEVICE, lifetime: int = 60, ruid: str = ""
) -> Change:
    """A Contact with an instance-id; its ruid is its URI unless that matters."""
    return replace(
        bind(uri, lifetime, ruid=ruid),
        key=flow_key(instance, reg_id),
        alias=match_key(uri, parse_uri(uri), LocationSettings()),
        instance=instance,
        reg_id=reg_id,
    )


def remove(uri: str) -> Change:
    """A Contact with a lifetime of 0."""
    return bind(uri, 0)


def plan(*changes: Change, call_id: str = "c1", cseq: int = 5, limit: int = 0) -> SavePlan:
    """A REGISTER of Alice's; one without contacts is ``Contact: *``."""
    return SavePlan(
        aor=ALICE,
        call_id=call_id,
        cseq=cseq,
        user_agent="Phone/1",
        wipe=not changes,
        changes=list(changes),
        max_contacts=limit,
        cseq_delay=DELAY_MS // 1000,
    )


def outcome(verdict: Verdict) -> tuple[str, list[str]]:
    """What a save did, and the contacts there are after it."""
    return verdict.outcome, sorted(binding.uri for binding in verdict.record.bindings)


def events(server: Server) -> list[tuple[str, str]]:
    """Kind and ruid of each entry of the feed, which is emptied by that."""
    return [
        (kind.decode(), decode(key, value).ruid.removeprefix("uloc-"))
        for kind, _, key, value in found(server, STORE).feed
    ]
