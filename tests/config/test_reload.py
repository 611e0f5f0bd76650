"""What SIGHUP can change is told from what needs a restart."""

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


def test_a_value_is_found_by_its_field() -> None:
    """The keys of FIELDS are paths into Settings."""
    assert 256 == value_of(Settings(), FIELDS["store.partitions"])
