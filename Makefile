# make fit    build the environment and train on Fashion-MNIST in the terminal
# make test   build it and run the tests
# make check  lint, format, types, import contracts
# make coverage  the library's tests with the lines and branches they miss
# make snapshots  write what every pane draws now as what it should draw; then look at each difference
# make pictures  draw the pictures of docs/panes.md anew
# make soak   kill, stop and resume runs at random, many times (half an hour)
# make bench  all benchmarks (half an hour on a quiet machine)
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: fit test check coverage format snapshots pictures bench soak clean
BENCHMARKS := help_time start_up frame_time long_run learner_speed screen_speed screen_cost journal_cost key_press \
  learner_cost loader_speed stats_cost scratch_loader checkpoint_cost attach_time viewers redraw_time
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

snapshots: $(VENV)/.dev-ready
	RENEW_SNAPSHOTS=1 $(BIN)/python -m pytest -q tests/tui/test_snapshots.py

pictures: $(VENV)/.dev-ready
	$(BIN)/python -m scripts.panes_pictures

soak: $(VENV)/.dev-ready
	MINIAI_EXAMPLES=1000 MINIAI_KILLS=100 $(BIN)/python -m pytest -q --timeout 1800 tests/miniai/test_resume.py \
	  tests/miniai/test_resume_host.py tests/terminal/test_kill.py $(ARGS)

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
