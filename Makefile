# Each target sets up what it needs in .venv: Python 3.11 or newer and make are all there has to be.
#
#   make demo     watch a return go round, in a few seconds
#   make test     the whole test suite
#   make lint     ruff and strict types; make fix mends what can be mended
#   make quirks   switch each quirk of Loop off, and see its test fail
#   make defects  partners with a known defect and mutants: which are caught; and right ones: none is blamed
#   make bench    measure, as ratios, with floors
#   make check    what CI runs: lint, test, quirks
#
# PYTHON=python3.12 chooses the interpreter of a new .venv; TESTS="tests/cli -k doctor" what `make test` runs.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TESTS ?=
DEFECTS ?=
WORKERS ?= auto

.PHONY: demo test lint fix bench quirks defects check clean
.DEFAULT_GOAL := check

demo: .venv/.demo
	@$(BIN)/loopsim demo

test: .venv/.dev
	$(BIN)/python -m pytest -n $(WORKERS) $(TESTS)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.dev
	$(BIN)/python -m tests.performance.bench

defects: .venv/.dev
	$(BIN)/python -m tests.defects.run $(DEFECTS)

quirks: .venv/.dev
	$(BIN)/python -m tests.quirks

check: lint test quirks

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "loopsim needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up .venv with $(PYTHON) …" >&2
	@$(PYTHON) -m venv .venv

# What a user needs. Made again when the dependencies change.
.venv/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing loopsim into .venv …" >&2
	@$(PIP) install --editable .
	@touch $@

# What a developer needs, too.
.venv/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing loopsim and its development tools into .venv …" >&2
	@$(PIP) install --editable '.[dev]'
	@touch .venv/.demo $@
