# `make demo` and `make test` set everything up by themselves in .venv
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint bench nightly clean help
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/core.stamp: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install -q -c constraints.txt -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/core.stamp
	$(PIP) install -q -c constraints.txt -e .[dev]
	@touch $@

demo: $(VENV)/core.stamp  ## solve the example slot
	$(BIN)/lyaopt solve-slot examples/slot.json

test: $(VENV)/dev.stamp  ## run the tests
	$(BIN)/python -m pytest -q -n 2

lint: $(VENV)/dev.stamp  ## ruff, mypy and the layer contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp  ## measure, and write benchmarks/RESULTS.md
	$(BIN)/python -m pytest -q benchmarks

nightly: $(VENV)/dev.stamp  ## a million random instances in every regime, a million slots of overload
	$(BIN)/lyaopt check --instances 1000000 --seed 1
	$(BIN)/python -m pytest -q -m slow

clean:  ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
