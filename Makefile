# make fit    build the environment and train on Fashion-MNIST in the terminal
# make test   build it and run the tests
# make check  lint, format, types, import contracts
# make coverage  the library's tests with the lines and branches they miss
# make bench  all benchmarks (half an hour on a quiet machine)
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: fit test check coverage format bench clean
BENCHMARKS := help_time start_up frame_time long_run learner_speed screen_speed screen_cost journal_cost key_press \
  learner_cost loader_speed stats_cost scratch_loader
.DELETE_ON_ERROR:

fit: $(VENV)/.run-ready
	$(BIN)/miniai-tui fit fashion $(ARGS)

test: $(VENV)/.dev-ready
	env -u PYTHONUNBUFFERED $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

coverage: $(VENV)/.dev-ready
	env -u PYTHONUNBUFFERED $(BIN)/python -m pytest -n 2 --dist worksteal tests/miniai \
	  --cov=miniai --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=95 $(ARGS)

check: $(VENV)/.dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests benchmarks scripts
	MYPYPATH=examples $(BIN)/mypy examples
	$(BIN)/lint-imports

format: $(VENV)/.dev-ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev-ready
	for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python benchmarks/$$name.py; done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.dev-ready: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.run-ready
