"""The token file, and what a token allows."""

from pathlib import Path

import pytest

from regcluster.control.api.tokens import Tokens, read_tokens
from regcluster.errors import ConfigError

READ, WRITE = "r" * 16, "w" * 40


def tokens_of(folder: Path, text: str | bytes) -> Tokens:
    """What a file with ``text`` says."""
    file = folder / "tokens"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_tokens(str(file))


@pytest.mark.parametrize(
    ("token", "role"),
    [
        (READ, "read"),
        (WRITE, "write"),
        (READ[:-1], None),
        (READ + "r", None),
        (WRITE.upper(), None),
        ("read", None),
        ("", None),
        ("\udcff" * 16, None),
    ],
)
def test_a_token_has_its_role_and_nothing_else_has_one(
    tmp_path: Path, token: str, role: str | None
) -> None:
    """Neither a part of one, nor one in another case."""
    tokens = tokens_of(tmp_path, f"read {READ}\nwrite {WRITE}\n")

    assert role == tokens.role(token)


def test_comments_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    """Also where the line is indented, and between words any blanks will do."""
    tokens = tokens_of(tmp_path, f"# ours\n\n   # theirs\n  write\t{WRITE}  \r\n")

    assert "write" == tokens.role(WRITE)


def test_the_same_file_read_twice_gives_equal_tokens(tmp_path: Path) -> None:
    """So that nobody is sent away when nothing has changed."""
    first, second = (tokens_of(tmp_path, f"read {READ}") for _ in range(2))
    third = tokens_of(tmp_path, f"write {READ}")

    assert first == second
    assert hash(first) == hash(second)
    assert third != first


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", " holds no token; write lines such as: read <token>"),
        ("# nobody\n", " holds no token; write lines such as: read <token>"),
        ("secretsecretsecret", "1: a line is a role, read or write, and a token"),
        (f"admin {READ}", "1: a line is a role, read or write, and a token"),
        (f"read {READ} mine", "1: a line is a role, read or write, and a token"),
        (f"\nread {'r' * 15}", "2: the token is shorter than 16 characters"),
        (f"read {'ü' * 16}", "1: the token is not ASCII"),
        (f"read {READ}\nwrite {READ}", "2: this token has another role already"),
        (b"read \xff\xfe", " not UTF-8 text"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, text: str | bytes, problem: str
) -> None:
    """And with the setting and the file, but never with what may be a token."""
    with pytest.raises(ConfigError) as refused:
        tokens_of(tmp_path, text)

    assert f"http.token_file: {tmp_path / 'tokens'}:{problem}" == str(refused.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """One sentence a line."""
    with pytest.raises(ConfigError) as refused:
        tokens_of(tmp_path, "nobody\nread short\n")

    assert 2 == len(refused.value.problems)


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """Told as the system tells it."""
    with pytest.raises(ConfigError) as refused:
        read_tokens(str(tmp_path / "none"))

    assert str(refused.value) == f"http.token_file: {tmp_path / 'none'}: No such file or directory"
