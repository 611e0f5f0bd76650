"""What a build says of itself."""

from regcluster.control.edition import edition
from regcluster.sip import parser


def test_it_is_compiled_if_the_parser_is() -> None:
    """The suite runs on both builds."""
    is_source = str(parser.__file__).endswith(".py")

    assert ("interpreted" if is_source else "compiled") == edition()
