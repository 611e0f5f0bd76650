"""A Dockerfile, read as far as tests need it: its instructions, one after the other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NODE = ROOT / "deploy" / "Dockerfile"
BALANCER = ROOT / "deploy" / "compose" / "balancer" / "Dockerfile"


def instructions(file: Path) -> list[tuple[str, str]]:
    """Each instruction and what stands behind it, comments left out and lines joined."""
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [
        (words[0], " ".join(words[1:]))
        for words in (re.split(r"\s+", line.strip()) for line in text.splitlines())
        if words[0]
    ]


def last(file: Path, name: str) -> str:
    """What the last instruction of that name says."""
    return [rest for word, rest in instructions(file) if word == name][-1]
