"""SIPp, run for a bounded time over one scenario of ``sipp/``, and what it counted."""

import csv
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peer.processes import HOST, free_port

SCENARIOS = Path(__file__).parent / "sipp"


@dataclass(slots=True)
class User:
    """A row for SIPp: ``field0`` and ``field1`` of the scenarios."""

    name: str
    contact: str


@dataclass(slots=True)
class Tally:
    """What became of the calls, and the first of SIPp's complaints."""

    succeeded: int
    failed: int
    complaint: str


@dataclass(slots=True)
class Sipp:
    """SIPp as a client of the node on ``port``, over ``transport`` (u1, t1, tn)."""

    program: str
    port: int
    transport: str
    rate: int = 1500
    """Calls started a second."""
    open_calls: int = 200
    """Calls under way at once, at most."""

    def run(self, scenario: str, users: Sequence[User], folder: Path, seconds: int = 60) -> Tally:
        """Make one call for each of ``users``; give up after ``seconds``."""
        rows = folder / "users.csv"
        rows.write_text("\n".join(["SEQUENTIAL", *(f"{u.name};{u.contact}" for u in users), ""]))
        counts, errors = folder / "sipp.csv", folder / "sipp.err"
        for file in (counts, errors):
            file.unlink(missing_ok=True)
        command = [self.program, f"{HOST}:{self.port}", "-sf", str(SCENARIOS / f"{scenario}.xml")]
        command += ["-inf", str(rows), "-m", str(len(users)), "-t", self.transport]
        command += ["-r", str(self.rate), "-l", str(self.open_calls), "-max_socket", "1000"]
        command += ["-i", HOST, "-p", str(free_port()), "-nostdin"]
        command += ["-timeout", str(seconds), "-timeout_error", "-fd", "1"]
        command += ["-trace_stat", "-stf", str(counts), "-trace_err", "-error_file", str(errors)]
        run = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=seconds + 10, check=False
        )
        complaint = errors.read_text(errors="replace")[:500] if errors.exists() else ""
        if not counts.exists():
            complaint += run.stderr.decode(errors="replace")[-500:]
        return _tally(counts, complaint)


def _tally(counts: Path, complaint: str) -> Tally:
    if not counts.exists():
        return Tally(0, 0, complaint)
    with counts.open(newline="") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    return Tally(int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]), complaint)
