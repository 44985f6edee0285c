import json
import subprocess
import sys
from pathlib import Path

import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.reporting.rendering.notebook import execute, read_template

PARAMETERS = '# %% tags=["parameters"]\nrequired: str\nnumber: int = 3\n\n'


def template(folder: Path, body: str, name: str = "template.py") -> Path:
    path = folder / name
    path.write_text(PARAMETERS + body, encoding="utf-8")
    return path


def printed(executed: Path) -> str:
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output["text"]) for output in outputs if output.get("name") == "stdout")


def test_the_kernel_is_the_running_interpreter_in_the_given_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A kernel called python3 that cannot start, and personal start-up code, are on every search path."""
    kernels = tmp_path / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "other", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "personal.py").write_text("personal = True\n", encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (tmp_path / "work").mkdir()
    body = (
        "# %%\nimport os, sys, warnings\nwarnings.warn('careful')\n"
        "print(sys.executable, os.getcwd(), required, number, 'personal' in globals(), sep='\\n')\n"
    )
    values = {"required": Path("a") / 'b "q" \\ #{x}'}
    executed = execute(template(tmp_path, body), values, tmp_path / "out.ipynb", directory=tmp_path / "work")
    assert printed(executed).splitlines() == [sys.executable, str(tmp_path / "work"), 'a/b "q" \\ #{x}', "3", "False"]
    assert "UserWarning" not in executed.read_text(encoding="utf-8")
    captured = capfd.readouterr()
    assert "UserWarning: careful" in captured.err
    assert "Executing" not in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"requird": "x"}, "unknown parameter 'requird', did you mean 'required'? Allowed: number, required."),
        ({"number": 4}, "parameter 'required' has no default and was not given."),
    ],
)
def test_a_wrong_parameter_is_one_sentence_and_nothing_runs(
    tmp_path: Path, values: dict[str, object], sentence: str
) -> None:
    path = template(tmp_path, "# %%\nraise SystemError\n")
    with pytest.raises(WatchtimeError) as caught:
        execute(path, values, tmp_path / "out.ipynb")
    assert str(caught.value) == f"{path}: {sentence}"
    assert not (tmp_path / "out.ipynb").exists()


def test_a_failing_cell_is_one_sentence_with_its_line_and_the_notebook_is_left(tmp_path: Path) -> None:
    body = (
        "# %%\nprint('before')\n\n# %%\ndef f(x):\n    raise ValueError(f'bad\\n{x}')\n\nf(number)\n\n# %%\nprint(1)\n"
    )
    path, executed = template(tmp_path, body), tmp_path / "logs" / "out.ipynb"
    with pytest.raises(WatchtimeError) as caught:
        execute(path, {"required": "x", "number": 7}, executed)
    line = 1 + path.read_text(encoding="utf-8").splitlines().index("f(number)")
    assert str(caught.value) == f"{path}, line {line}: the cell failed with ValueError: bad 7 (see {executed})."
    assert printed(executed) == "before\n"
    assert "Traceback" in executed.read_text(encoding="utf-8")


def test_a_notebook_whose_process_dies_is_one_sentence_and_is_left(tmp_path: Path) -> None:
    path = template(tmp_path, "# %%\nprint('before')\n\n# %%\nimport os\nos._exit(9)\n")
    with pytest.raises(WatchtimeError, match=r"template.py, line 9: the cell ended the notebook's process"):
        execute(path, {"required": "x"}, tmp_path / "out.ipynb")
    assert printed(tmp_path / "out.ipynb") == "before\n"


def test_a_missing_template_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WatchtimeError, match=r"absent.py: the template cannot be read"):
        execute(tmp_path / "absent.py", {}, tmp_path / "out.ipynb")


def test_two_cells_of_parameters_are_refused(tmp_path: Path) -> None:
    path = template(tmp_path, PARAMETERS)
    with pytest.raises(WatchtimeError, match=r"2 cells are tagged 'parameters', expected one"):
        execute(path, {"required": "x"}, tmp_path / "out.ipynb")


def test_cells_have_fixed_ids(tmp_path: Path) -> None:
    path = template(tmp_path, "# %% [markdown]\n# text\n\n# %%\n1\n")
    assert [cell.id for cell in read_template(path).cells] == ["cell-01", "cell-02", "cell-03"]


def test_rendering_loads_nothing_that_a_page_does_not_need() -> None:
    """jsonschema's grammars of addresses, which nbdime brings along, take longer to build than a page."""
    modules = ("comparisons.agreement", "rendering.render")
    code = "\n".join(["import sys", *(f"import watchtime.reporting.{one}" for one in modules), "print(*sys.modules)"])
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"lark", "scipy.stats", "torch"} & set(result.stdout.split())
