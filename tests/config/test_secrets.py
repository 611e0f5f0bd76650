"""No password survives ``secret_free``, however it was written; other text is left alone."""

import pytest

from regcluster.config.secrets import secret_free


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("redis://user:secret@host:6379/0", "redis://user:***@host:6379/0"),
        ("redis://:secret@host", "redis://:***@host"),
        ("rediss://u:secret@[::1]:6380", "rediss://u:***@[::1]:6380"),
        ("redis+sentinel://u:secret@h1,h2/main", "redis+sentinel://u:***@h1,h2/main"),
        ("unix://u:secret@/run/redis.sock?db=1", "unix://u:***@/run/redis.sock?db=1"),
        ("unix:///run/redis.sock?password=secret&db=1", "unix:///run/redis.sock?password=***&db=1"),
        ("redis://h/0?ssl_keyfile_password=secret", "redis://h/0?ssl_keyfile_password=***"),
        ("redis://h?db=1&PASSWORD=secret#x", "redis://h?db=1&PASSWORD=***#x"),
        (
            "redis+sentinel://a/m?sentinel_passwort=x&db=1",
            "redis+sentinel://a/m?sentinel_passwort=***&db=1",
        ),
        ("redis+cluster://u:s,t@a,b:1", "redis+cluster://u:***@a,b:1"),
    ],
)
def test_a_password_is_replaced_by_stars(url: str, safe: str) -> None:
    """Passwords in front of the host and in the query are hidden, the rest stays readable."""
    assert safe == secret_free(url)


@pytest.mark.parametrize("password", ["a/b", "a@b", "a:b", "a?b", "a#b", "a/b@c:d", "://", "%40"])
def test_a_password_that_should_have_been_escaped_is_hidden_too(password: str) -> None:
    """Someone who forgot to escape a character must not see half a password in a log."""
    assert "redis://user:***@host" == secret_free(f"redis://user:{password}@host")


@pytest.mark.parametrize(
    "text",
    [
        "redis://user@host",
        "redis://host:6379/0",
        "unix:///run/redis.sock",
        "embedded://",
        "10.0.0.1:5060",
        "user:word@host",
        "",
    ],
)
def test_text_without_a_password_is_left_alone(text: str) -> None:
    """Nothing is hidden that is no secret."""
    assert text == secret_free(text)
