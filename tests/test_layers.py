"""Who may import whom: the layers of the design as a table."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "loopsim"
MODULES = sorted(PACKAGE.rglob("*.py"))

# layer -> the layers it may import, beside itself and `errors`
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "clock": set(),
    "contract": set(),
    "domain": set(),
    "wire": {"domain"},
    "store": {"domain", "clock"},
    "operations": {"domain", "wire", "store", "clock"},
    "scheduler": {"operations", "store", "clock"},
    "webhooks": {"domain", "store", "clock", "urls"},
    "server": {"domain", "contract", "wire", "store", "operations", "scheduler", "webhooks", "clock", "rules", "urls"},
    "bootstrap": {"server", "contract", "store", "scheduler", "webhooks", "operations", "clock", "urls"},
    "embedded": {"bootstrap", "clock"},
    "client": {"harness", "embedded", "urls"},  # imported when asked for: `Shop.expect`, `Loopsim()` without a server
    "rules": set(),
    # of the contract only the documents: a scenario is checked against what the control API takes
    "harness": {"client", "embedded", "rules", "contract"},
    "pytest_plugin": {"client", "embedded", "harness", "rules", "commands", "cli", "settings"},
    "commands": {"client", "embedded", "bootstrap", "contract", "server", "store", "harness", "rules", "urls"},
    "cli": {"commands", "settings"},
    "settings": set(),
    "urls": set(),
    "partners": set(),
}
# The build hook runs in hatch's own environment and reaches for the two builders it calls.
EXCEPTIONS = {"contract/build_hook.py"}


def layer(module: str) -> str:
    """`loopsim.store.shop` belongs to `store`, `loopsim.cli` to `cli`."""
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> set[str]:
    """The loopsim modules a file imports, those for type checking too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("loopsim"):
            whole = node.module == "loopsim"
            found |= {f"loopsim.{name.name}" for name in node.names} if whole else {node.module}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.startswith("loopsim.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_the_layers_below_it(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    if str(relative) in EXCEPTIONS or str(relative) == "__init__.py":
        return
    own = relative.parts[0].removesuffix(".py")
    assert own in MAY_IMPORT, f"{own} is a new layer: say in the table what it may import"
    allowed = MAY_IMPORT[own] | {own, "errors", "__version__"}
    wrong = {module for module in imports(path) if layer(module) not in allowed}
    assert not wrong, f"{relative} may not import {sorted(wrong)}"


WITHOUT_SQL = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] != "store"]


@pytest.mark.parametrize("path", WITHOUT_SQL, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_store_speaks_sql(path: Path) -> None:
    """What is asked of a shop has a name in `store/`; nobody else calls `execute`."""
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not called & {"execute", "executemany", "executescript"}
