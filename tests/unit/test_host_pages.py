"""Every finding about a host has its heading in docs/hosts.md, and every heading is of a finding."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "modules" / "self-hosted-node-pool" / "scripts"


def test_every_finding_is_explained() -> None:
    said = re.findall(r"(?:finding|expect) (host-[a-z-]+) (?:fatal|warning)", (SCRIPTS / "preflight.sh").read_text())
    source = "".join(path.read_text() for path in (ROOT / "kpo_provision" / "hosts").glob("*.py"))
    said += re.findall(r'"((?:ssh|host)-(?:host-key|login|sudo|name|reach|silent|script|machine-id))"', source)
    headings = re.findall(r"^### ([a-z-]+)$", (ROOT / "docs" / "hosts.md").read_text(), re.MULTILINE)
    assert sorted(set(said)) == sorted(headings)
