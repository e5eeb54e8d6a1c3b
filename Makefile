# Everything a person or CI starts. The first command in a fresh clone makes .venv from the hashed lock.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q install --retries 10 --timeout 60
STAMP := .venv/.installed
TEST_PROCESSES ?= 3

.PHONY: run test demo lint format bench openapi image-check
.DEFAULT_GOAL := run

# Compiled modules are kept whatever the environment says: everything here starts many processes.
export PYTHONDONTWRITEBYTECODE =

run: $(STAMP)
	@exec $(BIN)/plugosync dev

demo: $(STAMP)
	@exec $(BIN)/plugosync demo

# Three at a time, for each waits a third of its time, and each with servers of its own; a file stays with one, because
# some tell a story in order.
test: $(STAMP)
	@exec $(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	$(BIN)/ruff format --check app tests
	$(BIN)/ruff check app tests
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format app tests
	$(BIN)/ruff check --fix app tests

bench: $(STAMP)
	@exec $(BIN)/python -m tests.bench

openapi: $(STAMP)
	@exec $(BIN)/plugosync openapi

image-check: $(STAMP)
	@exec $(BIN)/python -m tests.dev.image

# The stamp is written last: an interrupted installation is made anew.
$(STAMP): requirements-dev.txt pyproject.toml
	@echo "Installing into .venv (about a minute, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes -r requirements-dev.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $(STAMP)
