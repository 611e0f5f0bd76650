"""The figures in docs/: written there by this, from saved reports, so that nobody copies any.

A page holds the place of a report as two comments, ``<!-- report: NAME -->`` and ``<!-- end -->``.
What stands between them is the report's own text, the command it is from, and its charts. In the
same way ``<!-- surroundings: NAME -->`` holds the place of the machine and the versions.
"""

import re
from pathlib import Path

from benchmarks.report import RESULTS, Saved, load

DOCS = Path(__file__).parents[1] / "docs"

_PLACE = re.compile(
    r"(<!-- (?P<what>report|surroundings): (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL
)


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
        written = _report if place["what"] == "report" else _surroundings
        return f"{place[1]}{written(load(file))}{place[4]}"

    return _PLACE.sub(fill, text)


def _report(saved: Saved) -> str:
    report = saved.report
    charts = "".join(f"\n![{chart.title}](images/{chart.name}.svg)\n" for chart in report.charts)
    return (
        f"```text\n{report.text}\n```\n\n"
        f"`{saved.command}` on {saved.taken[:10]}; raw data in "
        f"`benchmarks/results/{report.name}.json`.\n{charts}"
    )


def _surroundings(saved: Saved) -> str:
    machine = saved.machine
    versions = ", ".join(f"{name} {_short(text)}" for name, text in saved.versions.items())
    return (
        f"{machine.processor}, {machine.processors} processors, {machine.memory_gb} GB, "
        f"{machine.kernel}; {versions}.\n"
    )


def _short(version: str) -> str:
    """The number in a line in which a program names itself, and what it was started with."""
    found = re.search(r"\d+\.\d+[.\d]*", version)
    _, started_with, library = version.partition(" with ")
    return found[0] + started_with + library if found else version
