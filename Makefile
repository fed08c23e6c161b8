# `make demo` and `make test` set everything up by themselves in .venv
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# The same versions where the kernels are built, which pip does apart from where they are installed
PIP    := PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test coverage lint docs bench nightly learning reproduce clean help
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

KERNELS := hatch_build.py $(wildcard lyaopt/_kernels/*.py lyaopt/_kernels/*/*.py lyaopt/capi/lyaopt.[ch])

$(VENV)/core.stamp: $(BIN)/python pyproject.toml constraints.txt $(KERNELS)
	$(PIP) install -q -c constraints.txt -e .[experiments]
	@touch $@

$(VENV)/dev.stamp: $(VENV)/core.stamp
	$(PIP) install -q -c constraints.txt -e .[dev]
	@touch $@

demo: $(VENV)/core.stamp  ## solve a slot, simulate the default system, train LyaPPO for a minute and compare
	$(BIN)/lyaopt solve-slot examples/slot.json
	$(BIN)/lyaopt simulate default --policy middle --policy random --policy best-fixed \
		--slots 20000 --warmup 2000 --systems 16 --bound
	$(BIN)/lyaopt simulate default --policy middle --slots 3000 --plot demo.png > /dev/null
	rm -rf demo-run
	$(BIN)/lyaopt train default --systems 30 --episodes 30 --seed 1 --out demo-run --plot demo-training.png > /dev/null
	$(BIN)/lyaopt evaluate demo-run best-fixed greedy all-offload middle random default --plot demo-policies.png
	@echo "demo.png shows energy, backlogs and latencies of 30 seconds under middle points,"
	@echo "demo-training.png how LyaPPO learnt, demo-policies.png what all policies came to"

test: $(VENV)/dev.stamp  ## run the tests
	$(BIN)/python -m pytest -q -n 2

coverage: $(VENV)/dev.stamp  ## run the tests measured, and write build/coverage
	.ci/coverage $(BIN)/python

lint: $(VENV)/dev.stamp  ## ruff, mypy and the layer contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/dev.stamp  ## build the documentation into build/docs; a warning is an error
	$(BIN)/python -m sphinx -q -E -n -W --keep-going -b html docs build/docs

bench: $(VENV)/dev.stamp  ## measure, and write benchmarks/RESULTS.md
	$(BIN)/python -m pytest -q benchmarks

nightly: $(VENV)/dev.stamp  ## a million random instances over all regimes, a million slots of overload
	$(BIN)/lyaopt check --instances 1000000 --seed 1
	$(BIN)/python -m pytest -q -m slow

learning: $(VENV)/dev.stamp  ## every learner and policy on every scenario, ten seeds (hours); cells that are done stay
	$(BIN)/python -m benchmarks.campaign run

reproduce: $(VENV)/core.stamp  ## the paper's figures, five seeds (hours); cells that are done stay
	$(BIN)/lyaopt reproduce all --out reproduction > /dev/null
	@echo "reproduction/report.html says what came of it"

clean:  ## remove the environment and caches
	rm -rf demo-run build/docs $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
