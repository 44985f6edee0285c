"""What no line of the program does: run what it reads, unpickle, or hand words to a shell."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from watchtime.core.catalog import find_root

ROOT = find_root()
MODULES = sorted((ROOT / "src").rglob("*.py"))
RULES = [ROOT / "Snakefile", *sorted((ROOT / "workflow" / "rules").glob("*.smk"))]
BUILT_IN = {"eval", "exec", "__import__"}
"""Make a program of text; methods of the same name do not."""
ANYWHERE = {"system", "popen", "extractall", "unsafe_load", "full_load", "read_pickle"}
"""Hand text to a shell, unpickle, or let an archive say where it is unpacked."""
UNPICKLING = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
QUOTED = re.compile(r"\{(threads|resources\.\w+|(params|wildcards|log|output|input)(\.\w+)?:q)\}")


def imported(tree: ast.AST) -> set[str]:
    """Return the packages that a module imports."""
    nodes = list(ast.walk(tree))
    names = [one.name for node in nodes if isinstance(node, ast.Import) for one in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def fault(call: ast.Call) -> bool:
    """Whether a call does what none may."""
    given = {one.arg: ast.unparse(one.value) for one in call.keywords}
    if given.get("shell", "False") != "False":
        return True
    if isinstance(call.func, ast.Name):
        return call.func.id in BUILT_IN
    if not isinstance(call.func, ast.Attribute):
        return False
    name, module = call.func.attr, ast.unparse(call.func.value)
    return (
        name in ANYWHERE
        or (module in ("torch", "yaml") and name == "load")
        or (module == "np" and name in ("load", "save", "savez") and given.get("allow_pickle") != "False")
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_nothing_that_is_read_becomes_a_program(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not imported(tree) & UNPICKLING
    assert [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call) and fault(node)] == []


FORBIDDEN = ["eval(x)", "os.system(x)", "run(x, shell=True)", "torch.load(x)", "yaml.load(x)", "archive.extractall()"]
FORBIDDEN += ["np.load(x)", "np.load(x, allow_pickle=True)"]


@pytest.mark.parametrize("line", FORBIDDEN)
def test_such_a_line_would_be_found(line: str) -> None:
    call = ast.parse(line, mode="eval").body
    assert isinstance(call, ast.Call)
    assert fault(call)


def test_every_word_that_a_rule_hands_to_the_shell_is_quoted() -> None:
    """Snakemake's ``:q`` quotes; a number of threads or of MiB needs none."""
    lines = [line.strip() for path in RULES for line in path.read_text(encoding="utf-8").splitlines()]
    commands = [line for line in lines if line.startswith('"') and "watchtime " in line]
    assert len(commands) >= 14
    for command in commands:
        assert "{" not in QUOTED.sub("", command), command
