"""Parameters that neither takes: both refuse to start, and ours says what to use in their place."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.peer.differential.kamailio import Kamailio

pytestmark = pytest.mark.peer


@pytest.mark.parametrize(
    ("name", "word"), [("aor_avp", "uri argument"), ("reg_callid_avp", "registered()")]
)
def test_a_tombstone_is_refused_by_both(
    name: str, word: str, kamailio: str, tmp_path: Path
) -> None:
    """Its replacement is named."""
    peer = Kamailio(kamailio, tmp_path, {"registrar": {name: "$avp(x)"}})
    said = peer.refuses()
    settings = tmp_path / "node.toml"
    settings.write_text(f'[registrar]\n{name} = "$avp(x)"\n')
    check = subprocess.run(
        [sys.executable, "-m", "regcluster", "check", "--config", str(settings)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert f"parameter <{name}>" in said
    assert 0 != check.returncode
    assert word in check.stdout + check.stderr
