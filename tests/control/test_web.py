"""A node's HTTP port, asked."""

import socket
import threading

import pytest

from regcluster.control.web import Page, read_page
from tests.peer.processes import HOST, free_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("edge-1:8080", Page("http", "edge-1", 8080)),
        ("http://edge-1:8080/", Page("http", "edge-1", 8080)),
        ("https://edge-1", Page("https", "edge-1", 443)),
        ("edge-1", Page("http", "edge-1", 80)),
        ("[::1]:8080", Page("http", "::1", 8080)),
    ],
)
def test_an_address_is_host_and_port_or_a_url(text: str, expected: Page) -> None:
    """As it stands in http.listen, or in a browser."""
    assert expected == read_page(text)


@pytest.mark.parametrize(
    "text", ["", ":8080", "ftp://edge-1", "http://edge-1/metrics", "edge-1:port", "edge-1:99999"]
)
def test_anything_else_is_refused_in_a_sentence(text: str) -> None:
    """Which says what to write."""
    with pytest.raises(ValueError, match="is no address of a node: write host:port") as refused:
        read_page(text)

    assert str(refused.value).startswith(text)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (Page("http", "::1", 8080), ("http://[::1]:8080", "[::1]:8080")),
        (Page("https", "edge-1", 443), ("https://edge-1:443", "https://edge-1:443")),
    ],
)
def test_it_is_written_as_one_may_type_it(page: Page, expected: tuple[str, str]) -> None:
    """In full, and as short as it is clear."""
    assert expected == (str(page), page.title)


def test_nobody_there_is_an_oserror() -> None:
    """One kind of trouble is enough for whoever asks."""
    with pytest.raises(OSError, match="refused"):
        Page("http", HOST, free_port()).ask("GET", "/metrics")


def test_somebody_who_speaks_no_http_is_an_oserror() -> None:
    """Such as a port of SIP."""
    with socket.create_server((HOST, 0)) as server:

        def answer() -> None:
            with server.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(b"SIP/2.0 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ConnectionError, match="no HTTP"):
            Page("http", HOST, server.getsockname()[1]).ask("GET", "/metrics")
        thread.join()
