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

# The newest one of another version that regcluster says it runs on, from the PATH or pyenv, or none.
VERSIONS := 3.13 3.12 3.11
PYENV_ROOT ?= $(HOME)/.pyenv
OTHER ?= $(shell first=$$("$(PYTHON)" -c 'import sys; print("python%d.%d" % sys.version_info[:2])'); \
	for p in $(foreach v,$(VERSIONS),python$v $(wildcard $(PYENV_ROOT)/versions/$v.*/bin/python$v)); do \
	if [ "$$(basename "$$p")" != "$$first" ] && "$$p" -c 'import ensurepip' 2>/dev/null; \
	then echo "$$p"; break; fi; done)

# The hot path is compiled where there is a C compiler with Python's headers, which takes a minute;
# NATIVE=no leaves it interpreted. The compiled package stands beside the checkout's own, and whoever
# has it first on the path runs it.
OVERLAY := .native
NATIVE_STAMP := $(OVERLAY)/.built
SOURCES := $(shell find regcluster -type f ! -path '*__pycache__*') hatch_build.py pyproject.toml
NATIVE ?= $(shell "$(PYTHON)" -c 'import os, shutil, sysconfig as s; \
	cc = (s.get_config_var("CC") or "cc").split()[0]; \
	header = os.path.join(s.get_path("include"), "Python.h"); \
	print("yes" if shutil.which(cc) and os.path.exists(header) else "no")' 2>/dev/null)
ifeq ($(NATIVE),yes)
COMPILED := $(NATIVE_STAMP)
ON_COMPILED := PYTHONPATH="$(CURDIR)/$(OVERLAY)$${PYTHONPATH:+:$$PYTHONPATH}" PYTHONSAFEPATH=1
endif

.PHONY: help install run native unit unit-native unit-other test test-native peers test-peers
.PHONY: test-chaos check docs cover bench bench-full bench-guard lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(RUN_STAMP) $(COMPILED) ## Put what the program needs into .venv; compile where that can be done
	@:

run: install ## Serve with the embedded store; ARGS="--set registrar.max_contacts=5" adds options
	@exec env $(ON_COMPILED) $(BIN)/regcluster serve $(ARGS)

# The plugin of schemathesis is for one module, whose tests are none of these, and takes a third of a
# second to load.
UNIT := -m "not files and not server and not peer and not chaos" \
	-p no:schemathesis --ignore=tests/control/api/test_fuzz.py

unit: $(DEV_STAMP) ## The tests of the program alone, with nothing started: about 20 seconds
	@$(BIN)/python -m pytest $(UNIT) $(ARGS)

unit-native: $(DEV_STAMP) $(COMPILED) ## The same tests as unit, against what could be compiled
	@$(ON_COMPILED) $(BIN)/python -m pytest $(UNIT) $(if $(COMPILED),-o "pythonpath=$(OVERLAY) .") $(ARGS)

unit-other: ## The same on the newest other Python found, if there is one; OTHER=... names it
	@other="$(OTHER)"; \
	if [ -n "$$other" ]; then \
		venv=".venv-$${other##*/}"; \
		$(MAKE) unit-native PYTHON="$$other" VENV="$$venv" OVERLAY="$$venv/native"; \
	else \
		echo "No other Python that regcluster runs on was found: nothing is tested twice." >&2; \
	fi

test: $(DEV_STAMP) ## Everything that needs only pip; ARGS="-k parse" narrows it
	@$(BIN)/python -m pytest -m "not peer and not chaos" --durations=10 $(ARGS)

native: $(NATIVE_STAMP) ## Compile the hot path into .native, as install does where it can
	@:

test-native: $(DEV_STAMP) $(NATIVE_STAMP) ## The same tests as test, against what was compiled
	@PYTHONPATH=$(CURDIR)/$(OVERLAY) PYTHONSAFEPATH=1 $(BIN)/python -m pytest \
		-m "not peer and not chaos" -o "pythonpath=$(OVERLAY) ." $(ARGS)

peers: ## Install the Debian programs that test-peers talks to (as root)
	@.ci/peers

test-peers: $(DEV_STAMP) ## Against SIPp, sipsak and Debian's Redis; REGCLUSTER_NO_SKIP=1 fails what is missing
	@$(BIN)/python -m pytest -m peer --durations=10 $(ARGS)

test-chaos: $(DEV_STAMP) ## Stores that fail under load, and large ones: some minutes
	@$(BIN)/python -m pytest -m chaos --durations=10 $(ARGS)

check: $(DEV_STAMP) ## Format, lint, types, layers, shell, YAML, docs, and cover
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@.ci/shell-files | xargs -0 $(BIN)/shellcheck
	@$(BIN)/yamllint --strict .
	@$(MAKE) docs
	@$(MAKE) cover

docs: $(DEV_STAMP) ## Build the documentation into .site, every link checked
	@# Quiet, it would keep its warnings from --strict.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

cover: $(DEV_STAMP) ## Full branch coverage of each module of the pure rooms by its own tests
	@$(BIN)/python tests/cover.py

bench: $(DEV_STAMP) $(COMPILED) ## Print the benchmarks that take less than three minutes
	@$(BIN)/python -m benchmarks $(if $(COMPILED),--beside $(OVERLAY)) $(ARGS)

bench-full: $(DEV_STAMP) $(COMPILED) ## Measure everything that docs/performance.md tells
	@$(BIN)/python -m benchmarks --full $(if $(COMPILED),--beside $(OVERLAY)) $(ARGS)

bench-guard: $(DEV_STAMP) $(COMPILED) ## Fail if something takes 20 % longer than it did, beside a yardstick
	@$(BIN)/python -m benchmarks.guard $(ARGS)
ifneq ($(COMPILED),)
	@PYTHONPATH=$(CURDIR)/$(OVERLAY):$(CURDIR) PYTHONSAFEPATH=1 $(BIN)/python -m benchmarks.guard $(ARGS)
endif

lock: $(BIN)/python ## Pin requirements/*.txt anew from pyproject.toml
	@requirements/lock "$(BIN)/python"
	@touch requirements/run.txt requirements/dev.txt requirements/native.txt

clean: ## Remove .venv and everything built or cached
	@rm -rf $(VENV) .venv-python3.* $(OVERLAY) .site dist .coverage* .hypothesis .import_linter_cache
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

$(NATIVE_STAMP): $(SOURCES) requirements/native.txt $(RUN_STAMP)
	@echo "Compiling the hot path, which takes a minute (NATIVE=no does without) ..."
	@rm -rf $(OVERLAY)
	@$(PINNED) requirements/native.txt
	@REGCLUSTER_NATIVE=1 $(BIN)/python -m hatchling build -t wheel -d $(OVERLAY)/wheel
	@$(PIP) install --no-deps --target $(OVERLAY) $(OVERLAY)/wheel/*.whl
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	@echo "Installing what the tests need ..."
	@$(PINNED) requirements/dev.txt
	@touch $@
