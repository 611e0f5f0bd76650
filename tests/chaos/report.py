"""What the scenarios have shown, as the table of ``docs/reliability.md``."""

from collections.abc import Iterable
from pathlib import Path

from tests.chaos.scenario import Outcome, Scenario

BEGIN = "<!-- measured: python -m tests.chaos --report docs/reliability.md -->\n"
END = "<!-- end of what was measured -->\n"

HEADINGS = (
    "store",
    "what happened",
    "`wait_replicas`",
    "longest time without a 200, s",
    "the same for callers, s",
    "refused (5xx)",
    "wrong answers",
    "acknowledged, not found by a caller at once",
    "acknowledged, lost",
)


def row(scenario: Scenario, outcome: Outcome) -> tuple[str, ...]:
    """What is told of one scenario."""
    refused = 100 * outcome.refused / outcome.answers
    return (
        scenario.kind,
        scenario.fault.name,
        str(scenario.wait_replicas),
        f"{outcome.register_gap_s:.1f}",
        f"{outcome.call_gap_s:.1f}",
        f"{refused:.0f} %",
        str(len(outcome.wrong) + outcome.silent),
        str(len(outcome.missed)),
        str(len(outcome.lost)),
    )


def render(rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def replace(file: Path, table: str) -> None:
    """Put ``table`` where ``file`` has the last one."""
    before, _, rest = file.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    file.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


def read(file: Path) -> list[tuple[str, ...]]:
    """The rows of the table in ``file``."""
    _, _, rest = file.read_text().partition(BEGIN)
    table, _, _ = rest.partition(END)
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]
