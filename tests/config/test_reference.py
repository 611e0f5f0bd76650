"""The settings reference says what the settings classes say."""

from pathlib import Path

from regcluster.config.fields import FIELDS
from regcluster.config.reference import render, sentences

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_document_is_what_the_classes_say() -> None:
    """Written anew with: regcluster check --reference > docs/settings.md"""
    assert DOCUMENT.read_text(encoding="utf-8") == render()


def test_every_field_has_a_sentence() -> None:
    """A setting nobody explains is a setting nobody can use."""
    explained = sentences()

    assert [] == [key for key in FIELDS if not explained.get(key, "").endswith(".")]


def test_a_row_says_name_default_limits_meaning_and_how_to_change_it() -> None:
    """One line a setting."""
    assert (
        "| `min_expires_mode` | `0` | 0 or 1 "
        "| Below the floor: 0 raise to it, 1 refuse with 423. | SIGHUP |"
    ) in render().splitlines()
