"""What no single field can say: addresses, URLs and hosts that must make sense, alone and together.

Each check yields a key and the rest of a sentence; ``check`` puts the origin in front. Kamailio's
parameters have ``parameters`` to themselves. Nothing is resolved, opened or bound here.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from msgspec import structs

from regcluster.config.address import bare_host, is_address, is_host, parse_address
from regcluster.config.hosts import CLUSTER, Servers, split_servers
from regcluster.config.parameters import Complaint, check_networks, check_parameters
from regcluster.config.secrets import secret_free
from regcluster.config.settings import ListenSettings, Settings, StoreSettings
from regcluster.config.values import shown

SCHEMES = ("redis", "rediss", "unix", "embedded")
SEVERAL = ("redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
"""Of URLs that may name several servers."""


def check(settings: Settings, origins: Mapping[str, str]) -> list[str]:
    """Every way in which values of the right type still cannot be used, one sentence each."""
    complaints = [
        *_node(settings),
        *_listeners(settings),
        *_http(settings),
        *_store(settings.store),
        *_hosts(settings),
        *check_parameters(settings),
    ]
    return [f"{origins[key]}: {key} {wrong}" for key, wrong in complaints]


def _node(settings: Settings) -> Iterator[Complaint]:
    node = settings.node
    if node.notice_s and node.notice_s >= node.drain_s:
        yield (
            "node.notice_s",
            f"is {node.notice_s}, which leaves nothing of node.drain_s ({node.drain_s}) to end in",
        )


def _listeners(settings: Settings) -> Iterator[Complaint]:
    listening = structs.asdict(settings.listen)
    del listening["proxied_from"]
    if not any(listening.values()):
        keys = " and ".join(f"listen.{name}" for name in listening)
        yield (
            f"listen.{next(iter(listening))}",
            f'is empty and so is every other listener ({keys}); give one, such as "0.0.0.0:5060"',
        )
    for name, addresses in listening.items():
        yield from _addresses(f"listen.{name}", addresses)
    yield from _proxied(settings.listen)


def _proxied(listen: ListenSettings) -> Iterator[Complaint]:
    """TCP listeners for balancers, which are neither anybody's nor nobody's."""
    taken = [parse_address(text) for text in listen.tcp if is_address(text)]
    for text in listen.tcp_proxied:
        if is_address(text) and parse_address(text) in taken:
            yield "listen.tcp_proxied", f"names {text}, which listen.tcp has taken"
    if listen.tcp_proxied and not listen.proxied_from:
        yield (
            "listen.proxied_from",
            "is empty, so that nobody may come to listen.tcp_proxied; give the networks of the "
            'balancers, such as "10.0.0.0/8"',
        )
    yield from check_networks("listen.proxied_from", listen.proxied_from)


def _addresses(key: str, addresses: list[str]) -> Iterator[Complaint]:
    seen = set()
    for text in addresses:
        try:
            address = parse_address(text)
        except ValueError as wrong:
            yield key, f"holds {shown(text)}, which is no address: {wrong}"
            continue
        if address in seen:
            yield key, f"names {text} twice"
        seen.add(address)


def _http(settings: Settings) -> Iterator[Complaint]:
    listen = settings.http.listen
    if not listen:
        return
    try:
        address = parse_address(listen)
    except ValueError as wrong:
        yield "http.listen", f"is {shown(listen)}, which is no address: {wrong}"
        return
    for key in ("tcp", "tcp_proxied"):
        if any(_is_same(text, address) for text in getattr(settings.listen, key)):
            yield "http.listen", f"is {listen}, which listen.{key} has taken"


def _is_same(text: str, address: tuple[str, int]) -> bool:
    try:
        return parse_address(text) == address
    except ValueError:
        return False


def _store(store: StoreSettings) -> Iterator[Complaint]:
    url = store.url
    scheme, mark, _ = url.partition("://")
    known = ", ".join(f"{name}://" for name in (*SCHEMES, *SEVERAL))
    if not mark or scheme not in (*SCHEMES, *SEVERAL):
        yield "store.url", f"must begin with one of {known}, not {shown(url)}"
    elif wrong := _wrong_url(scheme, url):
        yield "store.url", f"is {secret_free(url)}, which {wrong}"
    if store.wait_replicas and scheme == "embedded":
        yield (
            "store.wait_replicas",
            f"is {store.wait_replicas}, and an embedded store has no replicas to wait for",
        )


def _wrong_url(scheme: str, url: str) -> str:
    """What is wrong with a URL of a known scheme; empty when nothing is."""
    if scheme in SEVERAL:
        return _wrong_servers(split_servers(url))
    try:
        parts = urlsplit(url)
        port = parts.port if scheme in ("redis", "rediss") else None
    except ValueError:
        return "cannot be read as a URL: look at its port and brackets"
    if scheme == "unix":
        return "" if parts.path else "names no socket; write unix:///path/to/socket"
    if scheme == "embedded":
        return ""
    if not parts.hostname or port == 0:
        return f"names no server; write {scheme}://host:port/database"
    database = parts.path.strip("/")
    return "" if database.isdigit() or not database else "must end in the number of a database"


def _wrong_servers(servers: Servers) -> str:
    """What is wrong with a URL that may name several servers; empty when nothing is."""
    for host in servers.hosts:
        try:
            parts = urlsplit(f"//{host}")
            port = parts.port
        except ValueError:
            return "cannot be read as a URL: look at its ports and brackets"
        if not parts.hostname or port == 0:
            return f"names no server; write {servers.scheme}://host:port,host:port"
    path = servers.path.strip("/")
    if servers.scheme.endswith(CLUSTER):
        return "" if path in ("", "0") else "must name no database: a Cluster has but one"
    service, _, database = path.partition("/")
    if not service:
        return f"names no service; write {servers.scheme}://host,host/service"
    return "" if database.isdigit() or not database else "must end in the number of a database"


def _hosts(settings: Settings) -> Iterator[Complaint]:
    advertise = settings.node.advertise
    if advertise and not is_host(advertise) and not is_host(f"[{bare_host(advertise)}]"):
        yield (
            "node.advertise",
            f"must be a host name or IP address without port, not {shown(advertise)}",
        )
    for alias in settings.node.aliases:
        if not is_host(alias) and not is_address(alias):
            yield "node.aliases", f"holds {shown(alias)}, which is neither a host nor host:port"
    for domain in settings.routing.domains:
        if not is_host(domain):
            yield "routing.domains", f"holds {shown(domain)}, which is no domain"
