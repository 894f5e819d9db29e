# `make run` hears it, `make test` proves it. Needs git, make and python3 with venv; everything else is set up here.
# Each step is done once for what it depends on: the second time takes seconds and needs no network.

SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
NAME ?= *
TIMES ?= 200
TESTS ?= tests/device_agent/test_player.py tests/device_agent/test_in_step.py tests/device_agent/test_sink_loss.py \
  tests/device_agent/test_pulse_sink.py tests/device_agent/test_wav_sink.py tests/device_agent/test_on_air_for_real.py
PYTEST_ARGS ?=

BIN := $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
KEY := $(VERSION)-$(shell sha256sum pyproject.toml | cut -c1-12)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --prefer-binary

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help wheel run demo test check repeat bench clean packages venv-run venv-test assets

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || grep '##' Makefile

run: venv-run assets ## Set up what is needed and start a commune of virtual speakers (ARGS="--duration 90")
	@exec $(BIN)/loa demo $(ARGS)

demo: run ## The same as `make run`

test: packages venv-test assets check ## Check the code, then run every test
	@# Both parts are always run: who mends one failure wants to know of the others.
	@$(BIN)/pytest -n 2 --dist loadfile --ignore tests/system $(PYTEST_ARGS); rooms=$$?; \
	$(BIN)/pytest -n 2 --dist loadgroup tests/system $(PYTEST_ARGS) && exit $$rooms

check: venv-test ## Lint, formatting, types and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

repeat: packages venv-test ## Run the player's tests again and again: TIMES=200, or TESTS=some/test.py
	$(BIN)/pytest -n 2 --count $(TIMES) --repeat-scope session $(TESTS)

bench: venv-test assets ## Measure: all of bench/, or one with NAME=x; one JSON object a line
	@for file in bench/$(NAME).py; do $(BIN)/python -m "bench.$$(basename "$$file" .py)" || exit 1; done

wheel: venv-run assets ## Build dist/loa-*.whl, the pages included, for real machines
	rm -rf build dist && $(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir dist . && rm -rf build
	@ls dist/*.whl

clean: ## Remove what was set up and built; the demo's data stays in data/
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf controller/web/static/dist
	find . -name node_modules -prune -exec rm -rf {} +

packages:
	@sh .ci/packages

assets: # builds only when its inputs changed
	@$(BIN)/python -m controller.web.build

venv-run: $(VENV)/.run-$(KEY)
venv-test: $(VENV)/.test-$(KEY)

# A virtual environment of another Python is made anew; one of the same Python is kept.
$(VENV)/.python-$(VERSION):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Loa needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $(VERSION). Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) \
	  || { echo "The venv module is missing. On Debian: sudo apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.run-$(KEY): $(VENV)/.python-$(VERSION)
	@echo "Setting up Python packages in $(VENV) (a few minutes the first time) …" >&2
	$(PIP) --editable '.[demo,build]'
	@rm -f $(VENV)/.run-* && touch $@

$(VENV)/.test-$(KEY): $(VENV)/.python-$(VERSION)
	@echo "Setting up Python packages for the tests in $(VENV) …" >&2
	$(PIP) --editable '.[dev]'
	@rm -f $(VENV)/.run-* $(VENV)/.test-* && touch $@ $(VENV)/.run-$(KEY)
