"""The table of operations that need the running server, whose modules are imported when they are called."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from inspect import getmembers, iscoroutinefunction
from pathlib import Path

from loopsim.server import control
from loopsim.server.control.registry import RUNTIME_OPERATIONS


def test_the_table_names_every_function_there_is() -> None:
    here = Path(control.__path__[0])
    modules = [import_module(f"{control.__name__}.{file.stem}") for file in here.glob("[!_]*.py")]
    functions = {
        (module.__name__.rpartition(".")[2], name)
        for module in modules
        for name, function in getmembers(module, iscoroutinefunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    }
    assert {(each.module, each.function) for each in RUNTIME_OPERATIONS.values()} == functions
    assert len(RUNTIME_OPERATIONS) == len(functions)


def test_a_server_starts_without_the_modules() -> None:
    script = "import sys, loopsim.bootstrap; print([name for name in sys.modules if '.control.' in name])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "['loopsim.server.control.registry']"
