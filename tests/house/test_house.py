"""The style of the house as a test: sizes, bans, places."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "emulator"
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
MODULES = sorted(PACKAGE.rglob("*.py"))
TEXT_SUFFIXES = {".py", ".md", ".toml", ".json", ".cjs", ".mjs", ".js", ".html", ".css", ".yml", ""}


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_short_and_says_what_it_owns(module: Path):
    text = module.read_text(encoding="utf-8")
    assert text.count("\n") <= MODULE_LINES_MAX
    assert ast.get_docstring(ast.parse(text)), "a module's docstring says what it owns"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_fit_on_a_screen(module: Path):
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert not long


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_hold_no_mutable_state(module: Path):
    """A dictionary or list at module level is a table (UPPER or _UPPER case) or does not exist."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign) and node.value is not None
            else []
        )
        if not targets or not isinstance(node.value, ast.Dict | ast.List | ast.Set):
            continue
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        assert all(re.fullmatch(r"_?[A-Z][A-Z0-9_]*|__all__", name) for name in names), names
    assert not any(isinstance(node, ast.Global) for node in ast.walk(tree)), "no global statement"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_exemptions_carry_a_code_and_a_reason(module: Path):
    for number, line in enumerate(module.read_text(encoding="utf-8").splitlines(), 1):
        if "# noqa" in line or "# type: ignore" in line:
            assert re.search(r"# (noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\])  # \w+", line), (
                f"{module.name}:{number} needs a code and a reason"
            )


def test_records_are_made_by_the_quick_decorator():
    """Each class of the standard one costs a start half a millisecond; settings may have it."""
    slow = [
        str(module.relative_to(ROOT))
        for module in MODULES
        if "config" not in module.parts and module.name != "records.py"
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        if any(name.name == "dataclass" for name in node.names)
    ]
    assert not slow, "import dataclass from emulator.core.records"


def test_broad_excepts_stand_only_at_the_rims():
    """A request and an invocation may fail in any way; nothing else may swallow everything."""
    rims = {
        "server.py", "envelope.py", "admin.py", "http_access.py", "control.py", "storage.py",
        "executor.py", "wechat.py", "cloud_api.py", "web.py", "oauth.py", "gateway.py",
        "watch_protocol.py",
    }  # fmt: skip
    for module in MODULES:
        if module.name in rims or module.name.startswith("python_"):
            continue
        tree = ast.parse(module.read_text(encoding="utf-8"))
        broad = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.ExceptHandler)
            and isinstance(node.type, ast.Name)
            and node.type.id in ("Exception", "BaseException")
            and not _raises_on(node)
        ]
        assert not broad, f"{module.name}: {broad}"


def _raises_on(handler: ast.ExceptHandler) -> bool:
    """Tell whether what was caught is raised again once the block has tidied up."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_no_write_command_awaits():
    """From the first read to the publication a write holds the loop: it is no coroutine."""
    tree = ast.parse((PACKAGE / "services/database.py").read_text(encoding="utf-8"))
    database = next(
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Database"
    )
    waiting = {node.name for node in database.body if isinstance(node, ast.AsyncFunctionDef)}
    assert waiting <= {"find", "count", "aggregate", "explain"}


def test_only_the_suite_constructs_services():
    services = {"Database", "Functions", "Registry", "Executor", "Dispatcher", "Timers", "Datasets"}
    for module in MODULES:
        tree = ast.parse(module.read_text(encoding="utf-8"))
        built = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if module.name not in {"suite.py", "assembly.py"}:
            assert not built & services or module.name == "cloud.py", module


def test_nothing_foreign_is_in_the_repository():
    forbidden = {"uv.lock", "package-lock.json", "poetry.lock", "yarn.lock", "pnpm-lock.yaml"}
    for path in tracked_files():
        assert path.name not in forbidden, path
        assert "node_modules" not in path.parts, path
        assert not path.name.endswith((".min.js", ".whl", ".tgz", ".jar")), path


def test_no_machine_path_or_registry_address_is_written_down():
    pattern = re.compile(
        "|".join(
            [
                "(^|[^A-Za-z0-9_.])/" + "work/",
                "/" + "farm/",
                "registry" + r"\.npm",
                "pypi" + r"\.org/simple",
            ]
        )
    )
    for path in tracked_files():
        if path.suffix in TEXT_SUFFIXES and path != Path(__file__):
            text = path.read_text(encoding="utf-8", errors="replace")
            found = pattern.search(text)
            assert found is None, f"{path}: {found and found.group()}"


def test_top_level_holds_what_it_should():
    allowed = {
        "pyproject.toml", "README.md", "CHANGELOG.md", "emulator",
        "functions_examples", "tests", ".emulator.toml", ".ci", "docs", "benchmarks", ".gitignore",
    }  # fmt: skip
    assert {path.relative_to(ROOT).parts[0] for path in tracked_files()} <= allowed
