# Each target stands alone after a clone: whatever it needs from pip, it installs first, from
# requirement files in which every build is pinned by its hash. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
# The requirement files name everything, so nothing is left to resolve. Without --no-deps pip would
# still look for the newest of whatever is wanted with an extra, and refuse it as not pinned.
PINNED := $(PIP) install --no-deps --require-hashes --requirement
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev

# The first interpreter that is new enough; PYTHON=... names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo "$$p"; break; fi; done)

# Where `make native` puts the compiled package; whatever is started there, or has it first on its
# path, runs it.
NATIVE := .native

.PHONY: help install run native test test-native peers test-peers test-chaos check cover bench lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(RUN_STAMP) ## Put what the program needs into .venv
	@:

run: $(RUN_STAMP) ## Serve with the embedded store; ARGS="--set registrar.max_contacts=5" adds options
	@exec $(BIN)/regcluster serve $(ARGS)

test: $(DEV_STAMP) ## Everything that needs only pip; ARGS="-k parse" narrows it
	@$(BIN)/python -m pytest -m "not peer and not chaos" --durations=10 $(ARGS)

native: $(DEV_STAMP) ## Compile the hot path, for speed alone: a node of its own in .native
	@rm -rf $(NATIVE)
	@REGCLUSTER_NATIVE=1 $(BIN)/python -m hatchling build -t wheel -d $(NATIVE)/wheel
	@$(PIP) install --no-deps --target $(NATIVE) $(NATIVE)/wheel/*.whl

test-native: native ## The same tests as test, against what native has compiled
	@PYTHONPATH=$(CURDIR)/$(NATIVE) PYTHONSAFEPATH=1 $(BIN)/python -m pytest -m "not peer and not chaos" \
		-o "pythonpath=$(NATIVE) ." $(ARGS)

peers: ## Install the Debian programs that test-peers talks to (as root)
	@.ci/peers

test-peers: $(DEV_STAMP) ## Against SIPp, sipsak and Debian's Redis; REGCLUSTER_NO_SKIP=1 fails what is missing
	@$(BIN)/python -m pytest -m peer --durations=10 $(ARGS)

test-chaos: $(DEV_STAMP) ## Stores that fail under load, and large ones: some minutes
	@$(BIN)/python -m pytest -m chaos --durations=10 $(ARGS)

check: $(DEV_STAMP) ## Format, lint, types, layers, shell, YAML, and cover
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@.ci/shell-files | xargs -0 $(BIN)/shellcheck
	@$(BIN)/yamllint --strict .
	@$(MAKE) cover

cover: $(DEV_STAMP) ## Full branch coverage of each module of the pure rooms by its own tests
	@$(BIN)/python tests/cover.py

bench: $(DEV_STAMP) ## Print the benchmarks
	@$(BIN)/python -m benchmarks $(ARGS)

lock: $(BIN)/python ## Pin requirements/*.txt anew from pyproject.toml
	@requirements/lock "$(BIN)/python"
	@touch requirements/run.txt requirements/dev.txt

clean: ## Remove .venv and everything built or cached
	@rm -rf $(VENV) $(NATIVE) dist .coverage* .hypothesis .import_linter_cache
	@rm -rf .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "regcluster needs Python 3.11 or newer, and none is on the PATH." >&2; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
		exit 1; \
	fi
	@"$(PYTHON)" -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "$(PYTHON) cannot make a virtual environment (on Debian: apt-get install python3-venv)." >&2; \
		exit 1; \
	}

$(RUN_STAMP): requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) ..."
	@$(PINNED) requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	@echo "Installing what the tests need ..."
	@$(PINNED) requirements/dev.txt
	@touch $@
