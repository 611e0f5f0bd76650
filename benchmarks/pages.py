"""The figures in docs/: written there by this, from saved reports, so that nobody copies any.

A page holds the place of a report as two comments, ``<!-- report: NAME -->`` and
``<!-- end of report -->``. What stands between them is the report's own text and where it is from.
"""

import re
from pathlib import Path

from benchmarks.report import RESULTS, Saved, load

DOCS = Path(__file__).parents[1] / "docs"

_PLACE = re.compile(r"(<!-- report: (?P<name>[a-z-]+) -->\n).*?(<!-- end of report -->)", re.DOTALL)


def write_all(reports: Path = RESULTS, docs: Path = DOCS) -> list[Path]:
    """Bring every page up to date; those that were not."""
    stale = []
    for page in sorted(docs.glob("*.md")):
        text = page.read_text()
        if (fresh := filled(text, reports)) != text:
            page.write_text(fresh)
            stale.append(page)
    return stale


def filled(text: str, reports: Path = RESULTS) -> str:
    """A page with every report in its place; one that was never saved leaves what is there."""

    def fill(place: re.Match[str]) -> str:
        file = reports / f"{place['name']}.json"
        if not file.exists():
            return place[0]
        return f"{place[1]}{_section(load(file))}{place[3]}"

    return _PLACE.sub(fill, text)


def _section(saved: Saved) -> str:
    versions = ", ".join(f"{name} {_short(text)}" for name, text in saved.versions.items())
    machine = saved.machine
    return (
        f"```text\n{saved.report.text}\n```\n\n"
        f"`{saved.command}` on {saved.taken[:10]}; {machine.processor}, {machine.processors} CPUs, "
        f"{machine.memory_gb} GB, {machine.kernel}; {versions}. Raw data: "
        f"`benchmarks/results/{saved.report.name}.json`.\n"
    )


def _short(version: str) -> str:
    """The number in a line in which a program names itself."""
    found = re.search(r"\d+\.\d+[.\d]*", version)
    return found[0] if found else version
