"""What SIGHUP can change is told from what needs a restart."""

import pytest

from regcluster.config import (
    LimitSettings,
    ListenSettings,
    LogSettings,
    NodeSettings,
    RegistrarSettings,
    Settings,
)
from regcluster.config.fields import FIELDS
from regcluster.config.reload import changed, is_changeable, value_of

AT_RUN_TIME = """
    default_expires default_expires_range expires_range min_expires max_expires default_q
    realm_prefix append_branches case_sensitive max_contacts retry_after use_expired_contacts
"""
"""Those of [registrar] that Kamailio can change with ``cfg.set_now_int``."""


def test_equal_settings_have_not_changed() -> None:
    """A SIGHUP without an edit does nothing."""
    assert ([], []) == changed(Settings(), Settings())


def test_changes_are_sorted_into_now_and_after_a_restart() -> None:
    """Only keys whose values differ are named, in the order of the classes."""
    new = Settings(
        node=NodeSettings(workers=3),
        listen=ListenSettings(udp=["127.0.0.1:5060"]),
        registrar=RegistrarSettings(max_contacts=5),
        limits=LimitSettings(in_flight=10),
        log=LogSettings(level="debug", format="json"),
    )

    assert (
        ["registrar.max_contacts", "limits.in_flight", "log.level"],
        ["node.workers", "listen.udp", "log.format"],
    ) == changed(Settings(), new)


def test_sockets_store_and_processes_need_a_restart() -> None:
    """What a worker reads anew with each request can change; what it was made of cannot."""
    fixed = {field.section for field in FIELDS.values() if not is_changeable(field)}

    assert {"node", "listen", "store", "http", "log"} == fixed


@pytest.mark.parametrize("name", AT_RUN_TIME.split())
def test_what_kamailio_can_change_while_it_runs_we_can(name: str) -> None:
    """Its configuration framework calls realm_prefix realm_pref."""
    assert is_changeable(FIELDS[f"registrar.{name}"])


def test_a_value_is_found_by_its_field() -> None:
    """The keys of FIELDS are paths into Settings."""
    assert 256 == value_of(Settings(), FIELDS["store.partitions"])
