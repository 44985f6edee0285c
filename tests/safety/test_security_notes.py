"""Every threat in SECURITY.md names the test that holds its defence, and the test is there."""

from __future__ import annotations

import re

from malformed.corpus import FILES
from watchtime.core.catalog import find_root

ROOT = find_root()
NOTES = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
THREATS = [line.strip("|").split(" | ") for line in NOTES.splitlines() if line.startswith("| ")][1:]


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", NOTES.replace("`.ci/", ""))
    assert len(named) > 25
    for file, test in named:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f"def {test}" in text, (file, test)
    for place in re.findall(r"\(`([\w/.]+)`\)", NOTES):
        assert (FILES / place).exists()


def test_every_threat_has_a_test_but_for_those_of_other_programs() -> None:
    assert len(THREATS) > 20
    without = [threat for threat, _, held in THREATS if "test_" not in held]
    assert [threat.strip() for threat in without] == ["**packages** with a known vulnerability"]
