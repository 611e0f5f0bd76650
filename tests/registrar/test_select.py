"""Which contacts a request may go to."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.binding import Binding
from regcluster.registrar.branch import MAX_BRANCHES, branch_of
from regcluster.registrar.codes import LookupCode
from regcluster.registrar.gruu import Opened
from regcluster.registrar.methods import bit
from regcluster.registrar.options import LookupOptions
from regcluster.registrar.plan import Record
from regcluster.registrar.select import WHOLE_AOR, Instance, Lookup, Selector, Wanted, ordered
from regcluster.sip.uri import SipUri
from tests.registrar.test_binding import BINDING

NOW = 1_000
FOUND, NOT_FOUND, NOT_ALLOWED = LookupCode.FOUND, LookupCode.NOT_FOUND, LookupCode.NOT_ALLOWED
DEFAULTS = RegistrarSettings()

BEST = replace(BINDING, uri="sip:best@h", q=1000, expires_at=61_001)
WORST = replace(BINDING, uri="sip:worst@h", q=100, expires_at=121_000)

AA, BB = "<urn:uuid:aa>", "<urn:uuid:bb>"
FLOW_1 = replace(BINDING, uri="sip:f1@h", instance=AA, reg_id=1, modified_at=20, ruid="r1")
FLOW_2 = replace(BINDING, uri="sip:f2@h", instance=AA, reg_id=2, modified_at=30, ruid="r2")
FLOW_3 = replace(BINDING, uri="sip:f3@h", instance=AA, reg_id=3, modified_at=10, ruid="r3")
OTHER = replace(BINDING, uri="sip:other@h", instance=BB, reg_id=1, modified_at=99, ruid="r4")
PLAIN = replace(BINDING, uri="sip:plain@h", modified_at=99, ruid="r5")
DEVICES = [PLAIN, OTHER, FLOW_1, FLOW_2, FLOW_3]

CALLS = replace(BINDING, uri="sip:calls@h", methods=bit("INVITE") | bit("BYE"), ruid="r6")
TEXTS = replace(BINDING, uri="sip:texts@h", methods=bit("MESSAGE"), ruid="r7")
FILTERING = RegistrarSettings(method_filtering=1)


def is_us(uri: SipUri) -> bool:
    return uri.host == "us"


def is_gone(connection: str) -> bool:
    return connection != "node/live"


def look(
    bindings: Sequence[Binding],
    registrar: RegistrarSettings = DEFAULTS,
    wanted: Wanted = WHOLE_AOR,
    options: LookupOptions | None = None,
) -> tuple[LookupCode, list[str]]:
    """The code of a lookup, and the URIs of its branches."""
    selector = Selector(registrar, is_us, is_gone)

    found = selector.select(Record(NOW, list(bindings)), wanted, options or LookupOptions())
    return found.code, [branch.uri for branch in found.branches]


def temporary(binding: Binding) -> Opened:
    """What a temporary GRUU of ``binding`` says."""
    call_id = blake2b(binding.call_id.encode(), digest_size=8).digest()
    return Opened("alice@h", binding.ruid, call_id)


def test_every_contact_is_a_branch() -> None:
    """In record order, each with its binding."""
    selector = Selector(DEFAULTS, is_us, is_gone)

    found = selector.select(Record(NOW, [BEST, WORST]))

    assert (
        Lookup(FOUND, [branch_of(BEST, NOW), branch_of(WORST, NOW)], [BEST, WORST]),
        [61, 120],
    ) == (found, [branch.expires_in for branch in found.branches])


def test_append_branches_off_leaves_the_best_one() -> None:
    """append_branches 0: only the first contact that can be used."""
    settings = RegistrarSettings(append_branches=0, method_filtering=1)

    assert (FOUND, ["sip:calls@h"]) == look(
        [TEXTS, CALLS, BEST], settings, options=LookupOptions(method="INVITE")
    )


def test_an_empty_record_has_no_branches() -> None:
    """Nobody registered, nothing to route to."""
    assert (NOT_FOUND, []) == look([])


@pytest.mark.parametrize(
    ("options", "registrar", "expected"),
    [
        (LookupOptions(method="INVITE"), FILTERING, (FOUND, ["sip:calls@h"])),
        (LookupOptions(method="MESSAGE"), FILTERING, (FOUND, ["sip:texts@h"])),
        (LookupOptions(method="NOTIFY"), FILTERING, (NOT_ALLOWED, [])),
        (LookupOptions(method="BREW"), FILTERING, (NOT_ALLOWED, [])),
        (LookupOptions(method="NOTIFY", in_dialog=True), FILTERING, (FOUND, None)),
        (LookupOptions(), FILTERING, (FOUND, None)),
        (LookupOptions(method="NOTIFY"), DEFAULTS, (FOUND, None)),
    ],
)
def test_method_filtering_passes_over_who_does_not_take_the_method(
    options: LookupOptions,
    registrar: RegistrarSettings,
    expected: tuple[LookupCode, list[str] | None],
) -> None:
    """Not within a dialog, not where no method is asked for; if nobody is left that is -2."""
    code, uris = expected

    assert (code, ["sip:calls@h", "sip:texts@h"] if uris is None else uris) == look(
        [CALLS, TEXTS], registrar, options=options
    )


NATTED = replace(BINDING, uri="sip:natted@h", cflags=0b0110)
OPEN = replace(BINDING, uri="sip:open@h", cflags=0)
LIVE = replace(BINDING, uri="sip:live@h", connection="node/live", cflags=0b0010)
GONE = replace(BINDING, uri="sip:gone@h", connection="node/gone", cflags=0b0010)


@pytest.mark.parametrize(
    ("mode", "bflags", "uris"),
    [
        (0, 0b0100, ["sip:natted@h", "sip:open@h", "sip:live@h", "sip:gone@h"]),
        (1, 0, ["sip:natted@h", "sip:open@h", "sip:live@h", "sip:gone@h"]),
        (1, 0b1100, ["sip:natted@h"]),
        (1, 0b0010, ["sip:natted@h", "sip:live@h", "sip:gone@h"]),
        (1, 0b1000, []),
        (2, 0b0010, ["sip:natted@h", "sip:open@h", "sip:live@h"]),
        (3, 0b0010, ["sip:natted@h", "sip:live@h"]),
    ],
)
def test_lookup_filter_mode_passes_over_contacts(mode: int, bflags: int, uris: list[str]) -> None:
    """1: those that share no branch flag with what is asked for, 2: those that are cut off."""
    registrar = RegistrarSettings(lookup_filter_mode=mode)

    assert (FOUND if uris else NOT_FOUND, uris) == look(
        [NATTED, OPEN, LIVE, GONE], registrar, options=LookupOptions(bflags=bflags)
    )


def test_behind_a_path_no_connection_cuts_a_contact_off() -> None:
    """It led to the proxy, which may well be there over another one."""
    registrar = RegistrarSettings(lookup_filter_mode=2)
    pathed = replace(GONE, uri="sip:pathed@h", path="<sip:edge.example.com;lr>")

    assert (FOUND, ["sip:pathed@h"]) == look([pathed, GONE], registrar)


def test_a_method_that_one_cannot_do_explains_why_nobody_is_left() -> None:
    """Also where the others fail for another reason (Kamailio's -2)."""
    registrar = RegistrarSettings(method_filtering=1, lookup_filter_mode=2)

    assert (NOT_ALLOWED, []) == look(
        [TEXTS, GONE], registrar, options=LookupOptions(method="INVITE")
    )


def test_no_more_are_found_than_a_request_has_room_for() -> None:
    """The best of them: an AOR may have hundreds, and each takes its time."""
    many = [replace(BINDING, uri=f"sip:{number}@h") for number in range(100)]
    code, uris = look(many)

    assert (FOUND, [f"sip:{number}@h" for number in range(MAX_BRANCHES)]) == (code, uris)


@pytest.mark.parametrize("name", ["urn:uuid:aa", "<urn:uuid:aa>", "urn:uuid:AA"])
def test_a_public_gruu_leads_to_the_flow_refreshed_last(name: str) -> None:
    """To one flow of the instance, whichever q others have (RFC 5627 §6.1, RFC 5626 §7)."""
    assert (FOUND, ["sip:f2@h"]) == look(DEVICES, wanted=Instance(name))


def test_flows_refreshed_at_once_are_told_apart_by_their_ruids() -> None:
    """So that every node chooses the same one."""
    flows = [replace(FLOW_1, modified_at=30), replace(FLOW_3, modified_at=30), FLOW_2]

    assert (FOUND, ["sip:f3@h"]) == look(flows, wanted=Instance("urn:uuid:aa"))


@pytest.mark.parametrize("name", ["urn:uuid:cc", "<>", "sip:plain@h"])
def test_a_public_gruu_of_nobody_registered_finds_nothing(name: str) -> None:
    """No contact without an instance is meant, whatever is asked for."""
    assert (NOT_FOUND, []) == look(DEVICES, wanted=Instance(name))


@pytest.mark.parametrize("bindings", [[PLAIN, replace(FLOW_1, methods=2)], [OTHER, TEXTS]])
def test_a_public_gruu_that_cannot_take_the_method_is_not_allowed(bindings: list[Binding]) -> None:
    """Nor is one of nobody, where another device cannot take it, as in Kamailio."""
    assert (NOT_ALLOWED, []) == look(
        bindings, FILTERING, Instance("urn:uuid:aa"), LookupOptions(method="INVITE")
    )


def test_no_filter_and_no_append_branches_keeps_a_gruu_from_its_contact() -> None:
    """lookup_filter_mode is for AORs, and a GRUU has one branch however few may be appended."""
    registrar = RegistrarSettings(lookup_filter_mode=3, append_branches=0)
    gone = replace(GONE, instance=AA)

    assert (FOUND, ["sip:gone@h"]) == look(
        [gone], registrar, Instance(AA), LookupOptions(bflags=0b1000)
    )


def test_a_temporary_gruu_leads_to_its_binding() -> None:
    """To that flow and no other."""
    assert (FOUND, ["sip:f1@h"]) == look(DEVICES, wanted=temporary(FLOW_1))


@pytest.mark.parametrize("then", [replace(FLOW_1, ruid="r9"), replace(FLOW_1, call_id="c9")])
def test_a_temporary_gruu_of_a_binding_that_is_gone_finds_nothing(then: Binding) -> None:
    """It ended with the binding, or with its Call-ID (RFC 5627 §5.4)."""
    assert (NOT_FOUND, []) == look(DEVICES, wanted=temporary(then))


@pytest.mark.parametrize(
    ("bindings", "code"),
    [([replace(FLOW_1, methods=2), PLAIN], NOT_ALLOWED), ([TEXTS], NOT_FOUND)],
)
def test_only_its_own_methods_count_for_a_temporary_gruu(
    bindings: list[Binding], code: LookupCode
) -> None:
    """What other devices of the user cannot do is no reason."""
    assert (code, []) == look(
        bindings, FILTERING, temporary(FLOW_1), LookupOptions(method="INVITE")
    )


@pytest.mark.parametrize(("check", "next_hop"), [(0, "sip:us;lr"), (1, "sip:edge;lr")])
def test_path_check_local_passes_over_hops_that_are_us(check: int, next_hop: str) -> None:
    """Only where it is set."""
    binding = replace(BINDING, path="<sip:us;lr>,<sip:edge;lr>")
    selector = Selector(RegistrarSettings(path_check_local=check), is_us, is_gone)

    found = selector.select(Record(NOW, [binding]))

    assert [next_hop] == [branch.next_hop for branch in found.branches]


def test_a_record_is_in_order_of_preference() -> None:
    """As the store gives it, unless desc_time_order is set."""
    record = Record(NOW, [BEST, WORST])

    assert ordered(record, LocationSettings()) is record


def test_desc_time_order_puts_the_newest_first() -> None:
    """Whoever refreshed last, whatever its q; of one request's contacts the last one named."""
    old = replace(WORST, q=1000, modified_at=1)
    first, second = replace(BEST, ruid="r-f"), replace(BEST, ruid="r-10")
    third = replace(BEST, ruid="r-11")
    record = Record(NOW, [old, first, third, second])

    assert Record(NOW, [third, second, first, old]) == ordered(
        record, LocationSettings(desc_time_order=1)
    )


HELD = replace(BINDING, uri="sip:held@h", connection="dead/0.e.1", modified_at=40, ruid="r8")


def is_orphaned(connection: str, bound_at: int) -> bool:
    return connection.startswith("dead/") and bound_at <= 40


@pytest.mark.parametrize("mode", [0, 3])
@pytest.mark.parametrize(
    ("binding", "is_found"),
    [
        (HELD, False),
        (replace(HELD, path="<sip:edge;lr>"), True),
        (replace(HELD, connection="live/0.e.1"), True),
        (replace(HELD, connection=""), True),
        (replace(HELD, modified_at=41), True),
    ],
)
def test_a_binding_whose_owner_is_gone_is_passed_over_in_any_mode(
    mode: int, binding: Binding, is_found: bool
) -> None:
    """Where the connection was the one way back; behind a Path it led to a proxy."""
    registrar = RegistrarSettings(lookup_filter_mode=mode)
    selector = Selector(registrar, is_us, lambda _: False, is_orphaned)

    found = selector.select(Record(NOW, [binding, PLAIN]), WHOLE_AOR, LookupOptions())

    expected = ["sip:held@h", "sip:plain@h"] if is_found else ["sip:plain@h"]
    assert expected == [branch.uri for branch in found.branches]


@pytest.mark.parametrize("wanted", [WHOLE_AOR, Instance(AA), temporary(FLOW_1)])
def test_where_nothing_else_is_bound_nothing_is_found(wanted: Wanted) -> None:
    """As if the binding were not there, whatever its methods."""
    held = replace(FLOW_1, connection="dead/0.e.1", methods=0)
    selector = Selector(FILTERING, is_us, lambda _: False, is_orphaned)

    found = selector.select(Record(NOW, [held]), wanted, LookupOptions(method="INVITE"))

    assert Lookup(NOT_FOUND, [], []) == found
