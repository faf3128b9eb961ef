from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loopsim.contract import load_contract
from loopsim.contract import source as contract_source
from loopsim.errors import SetupError


def test_the_second_load_reads_the_compiled_file(openapi_dir: Path, tmp_path: Path) -> None:
    cache = tmp_path / "compiled.json"
    load_contract(openapi_dir, cache)
    first = cache.read_bytes()
    cache.write_bytes(first.replace(b"A library", b"As cached"))

    contract = load_contract(openapi_dir, cache)
    assert contract.document("loop")["info"]["title"] == "As cached"


@pytest.mark.parametrize("file", ["loop/loans.yaml", "overlays/2026-10.yaml", "FACTS.md", "control/_root.yaml"])
def test_a_changed_file_makes_the_compiled_one_stale(file: str, openapi_dir: Path, tmp_path: Path) -> None:
    cache = tmp_path / "compiled.json"
    load_contract(openapi_dir, cache)
    old = cache.read_bytes()
    os.utime(openapi_dir / file, ns=(1, 1))
    load_contract(openapi_dir, cache)
    assert cache.read_bytes() != old


def test_a_new_file_makes_the_compiled_one_stale(openapi_dir: Path, tmp_path: Path) -> None:
    cache = tmp_path / "compiled.json"
    assert load_contract(openapi_dir, cache).versions == ("2026-07", "2026-10")
    (openapi_dir / "overlays" / "2027-01.yaml").write_text("overlay: 1.0.0\nactions: []\n", encoding="utf-8")
    assert load_contract(openapi_dir, cache).versions == ("2026-07", "2026-10", "2027-01")


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"stamp": 1}', b'{"stamp":"","versions":[],"heads":{},\n'])
def test_a_compiled_file_that_cannot_be_used_is_made_again(broken: bytes, openapi_dir: Path, tmp_path: Path) -> None:
    cache = tmp_path / "compiled.json"
    cache.write_bytes(broken)
    assert load_contract(openapi_dir, cache).route("loop", "GET", "/loans").operation.id == "listLoans"
    assert len(cache.read_bytes()) > 1000


def test_a_place_that_cannot_be_written_is_done_without(openapi_dir: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "missing" / "compiled.json"
    assert load_contract(openapi_dir, nowhere).operation("listLoans").method == "GET"
    assert not nowhere.parent.exists()


def test_a_start_from_the_compiled_file_loads_neither_yaml_nor_a_schema_library(
    openapi_dir: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "compiled.json"
    load_contract(openapi_dir, cache)
    script = (
        "import sys; from pathlib import Path; from loopsim.contract import load_contract; "
        f"load_contract(Path({str(openapi_dir)!r}), Path({str(cache)!r})).route('loop', 'POST', '/loans'); "
        "print(sorted({'yaml', 'jsonschema_rs', 'loopsim.contract.compile'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "[]"


def test_an_installation_reads_the_contract_that_was_built_into_it(
    openapi_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract_source, "CHECKOUT", tmp_path / "no-checkout")
    monkeypatch.setattr(contract_source, "WHEEL", tmp_path)
    with pytest.raises(SetupError, match="Install it again"):
        load_contract()
    (tmp_path / "compiled.json").write_bytes(contract_source.compiled_bytes(openapi_dir, "built"))
    assert load_contract().operation("listLoans").path == "/loans"
