# `make demo` and `make test` set everything up by themselves in .venv
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# The build system is installed into .venv first, so that pip does not install it again for each step.
# The kernels are compiled in a step of their own, so pip does not compile them.
PIP    := LYAOPT_BUILD_CORE=0 $(BIN)/python -m pip --disable-pip-version-check install -q -c constraints.txt

.PHONY: demo demo-slot demo-simulation demo-learning test coverage lint docs bench growth nightly learning pricelearning reproduce wheel clean help
.NOTPARALLEL:
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

KERNELS := $(wildcard lyaopt/_kernels/*.py lyaopt/_kernels/*/*.py lyaopt/capi/*.[ch])

$(VENV)/core.stamp: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing the solvers, NumPy and Numba into $(VENV): half a minute"
	@$(PIP) "hatchling>=1.27" "setuptools>=68"
	@$(PIP) --no-build-isolation -e .
	@touch $@

$(VENV)/kernels.stamp: $(VENV)/core.stamp $(KERNELS)
	@echo "Compiling the kernels ahead of time: one to two minutes on two cores"
	@LYAOPT_CORE=jit $(BIN)/python -m lyaopt._kernels.toolchain.aot_build lyaopt \
		|| echo "No kernels were built: they are compiled when they are first called"
	@touch $@

$(VENV)/experiments.stamp: $(VENV)/kernels.stamp
	@echo "Installing PyTorch, SciPy and matplotlib: a minute or more, 200 MB to download"
	@$(PIP) --no-build-isolation -e .[experiments]
	@touch $@

$(VENV)/dev.stamp: $(VENV)/kernels.stamp
	@echo "Installing all extras and the tools of development: two minutes"
	@$(PIP) --no-build-isolation -e .[dev]
	@touch $@

demo: demo-slot demo-simulation demo-learning  ## solve a slot, simulate the default system, train LyaPPO for a minute, compare
	@echo "demo.png shows energy, backlogs and latencies of 30 seconds at the middle cuts,"
	@echo "demo-training.png the training of LyaPPO, demo-policies.png energy and latency of all policies"
	@echo "LyaPPO equals best-fixed here: it starts from searched points, and channels that are drawn anew in every slot"
	@echo "leave little to gain from changing them (docs/explanation/results.md says where learning gains more)"
	@echo "The price rule needs neither search nor training (docs/explanation/prices.md)"

demo-slot: $(VENV)/core.stamp
	@echo "Solving one slot of four devices: a second"
	$(BIN)/lyaopt solve-slot --table examples/slot.json

demo-simulation: $(VENV)/kernels.stamp
	@echo "Simulating 16 replications of the default system under three policies: half a minute"
	$(BIN)/lyaopt simulate default --policy middle --policy random --policy best-fixed \
		--slots 20000 --warmup 2000 --replications 16

demo-learning: $(VENV)/experiments.stamp
	@echo "Drawing 30 seconds of the default system at the middle cuts: a few seconds"
	$(BIN)/lyaopt simulate default --policy middle --slots 3000 --bound --plot demo.png
	@echo "Training LyaPPO: a minute"
	rm -rf demo-run
	$(BIN)/lyaopt train default --replications 30 --episodes 30 --seed 1 --out demo-run --plot demo-training.png
	@echo "Comparing it with six policies, 20 replications each: half a minute"
	$(BIN)/lyaopt evaluate demo-run price best-fixed greedy all-offload middle random default --plot demo-policies.png

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

bench: $(VENV)/dev.stamp  ## measure three times (half an hour and more), and write benchmarks/RESULTS.md and results.csv
	$(BIN)/python -m pytest -q benchmarks --fresh
	$(BIN)/python -m pytest -q benchmarks
	$(BIN)/python -m pytest -q benchmarks

growth: $(VENV)/dev.stamp  ## time of a service by size, and write benchmarks/growth.csv and growth.svg (a minute)
	$(BIN)/python -m benchmarks.growth

nightly: $(VENV)/dev.stamp  ## a million random instances over all regimes, a million slots of overload
	$(BIN)/lyaopt check --instances 1000000 --seed 1
	$(BIN)/python -m pytest -q -m slow

learning: $(VENV)/dev.stamp  ## every learner and policy on every scenario, ten seeds (hours); cells that are done stay
	$(BIN)/python -m benchmarks.campaign run

pricelearning: $(VENV)/dev.stamp  ## what learning adds to the price rule, ten seeds (hours); cells that are done stay
	PYTHONPATH=. $(BIN)/python benchmarks/price_learning.py --out build/price-learning
	PYTHONPATH=. $(BIN)/python benchmarks/price_learning.py --out build/price-learning --table

reproduce: $(VENV)/experiments.stamp  ## the paper's figures, five seeds (hours); cells that are done stay
	$(BIN)/lyaopt reproduce all --out reproduction
	@echo "reproduction/report.html shows the results"

wheel: $(VENV)/core.stamp  ## a wheel for other machines, into dist: a core for each of three levels of x86-64
	LYAOPT_TARGET=portable $(BIN)/python -m pip --disable-pip-version-check wheel . --no-deps --no-build-isolation -w dist

clean:  ## remove the environment and caches
	rm -rf demo-run build/docs $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
