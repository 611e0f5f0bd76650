"""In which order the branches of a call are tried."""

from dataclasses import replace

from regcluster.registrar.branch import Branch
from regcluster.registrar.serial import classes

PHONE_1 = Branch("sip:phone@flow1", 500, instance="<urn:uuid:AA>", reg_id=1)
PHONE_2 = Branch("sip:phone@flow2", 500, instance="<urn:uuid:aa>", reg_id=2)
PHONE_3 = Branch("sip:phone@flow3", 500, instance="<urn:uuid:aa>", reg_id=3)
TABLET = Branch("sip:tablet@h", 500, instance="<urn:uuid:bb>", reg_id=1)
SOFTPHONE = Branch("sip:soft@h", 500)
FAX = Branch("sip:fax@h", 500)
ALL = [PHONE_1, SOFTPHONE, PHONE_2, TABLET, PHONE_3, FAX]


def test_the_highest_q_comes_first() -> None:
    """An unspecified q is below 0; within one q the order stays as it was."""
    desk, mobile = Branch("sip:desk@h", 1000), Branch("sip:mobile@h", 0)

    members = [members.first for members in classes([FAX, mobile, SOFTPHONE, Branch("x"), desk])]

    assert [[desk], [FAX, SOFTPHONE], [mobile], [Branch("x")]] == members


def test_one_flow_of_a_device_is_tried_at_a_time() -> None:
    """Of each instance one branch, whatever case its UUID is in (RFC 5626 §7)."""
    (members,) = classes(ALL)

    assert ([PHONE_1, SOFTPHONE, TABLET, FAX], [PHONE_2, PHONE_3]) == (
        members.first,
        members.parked,
    )


def test_a_device_is_tried_anew_in_each_class() -> None:
    """A flow of lower q waits for its own turn."""
    last = replace(PHONE_2, q=100)

    assert [([PHONE_1], []), ([last], [])] == [
        (members.first, members.parked) for members in classes([last, PHONE_1])
    ]


def test_branches_without_an_instance_are_devices_of_their_own() -> None:
    """Two plain contacts are two devices, even if they say the same."""
    (members,) = classes([SOFTPHONE, SOFTPHONE])

    assert ([SOFTPHONE, SOFTPHONE], []) == (members.first, members.parked)


def test_no_branches_have_no_classes() -> None:
    """Nothing to try."""
    assert [] == classes([])
