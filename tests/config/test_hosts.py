"""URLs that name several servers, taken apart."""

import pytest

from regcluster.config.hosts import Servers, split_servers


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+cluster://", Servers("redis+cluster", "", [""], "", "")),
        ("redis+cluster://a", Servers("redis+cluster", "", ["a"], "", "")),
        ("s://a:1,[::1]:2,b", Servers("s", "", ["a:1", "[::1]:2", "b"], "", "")),
        ("s://u:p@a,b/main/3?x=1&y=2", Servers("s", "u:p@", ["a", "b"], "/main/3", "?x=1&y=2")),
        ("s://u:p,q@r@a,b?x=@", Servers("s", "u:p,q@r@", ["a", "b"], "", "?x=@")),
        ("s://a#b/c?d", Servers("s", "", ["a"], "#b/c", "?d")),
    ],
)
def test_a_url_with_several_servers_is_taken_apart(url: str, expected: Servers) -> None:
    """Commas divide hosts and nothing else; all pieces together are the URL again."""
    servers = split_servers(url)

    assert expected == servers
    joined = f"{servers.userinfo}{','.join(servers.hosts)}{servers.path}{servers.query}"
    assert url == f"{servers.scheme}://{joined}"
