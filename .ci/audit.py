"""Whether a pinned version has a known vulnerability, by pip-audit and the advisories of osv.dev.

Ends with 1 where one is found that is not listed below. Where the tool or the advisories cannot be reached, the reason
is printed and nothing is held against the pins.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

TOOL = "pip-audit==2.10.1"
# Advisory: why it does not concern this project.
ACCEPTED: dict[str, str] = {}
PINS = Path(__file__).resolve().parents[1] / "constraints.txt"
LONGEST = 600  # seconds


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        python, report = folder / "venv" / "bin" / "python", folder / "report.json"
        said = run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TOOL)
        if said is None:
            pinned = ["--requirement", PINS, "--no-deps", "--disable-pip", "--vulnerability-service", "osv"]
            said = run(python, "-m", "pip_audit", *pinned, "--format", "json", "--output", report)
        if not report.is_file():
            print(f"No audit: {said or 'pip-audit wrote no report'}")
            return 0
        packages = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    found = [(one, flaw) for one in packages for flaw in one.get("vulns", [])]
    new = [(one, flaw) for one, flaw in found if not ACCEPTED.keys() & {flaw["id"], *flaw["aliases"]}]
    for one, flaw in new:
        mended = ", ".join(flaw["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {flaw['id']}, mended in {mended}")
    print(f"{len(packages)} pins audited, {len(found)} advisories, {len(found) - len(new)} of them accepted.")
    return 1 if new else 0


def run(*command: str | Path) -> str | None:
    """Return the last line of what a command says where it fails, None where it goes well."""
    try:
        ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return f"no end after {LONGEST} s"
    lines = (ended.stderr + ended.stdout).strip().splitlines()
    return None if ended.returncode == 0 else (lines or ["it failed without a word"])[-1]


if __name__ == "__main__":
    sys.exit(main())
