# Two commands do everything: `make propose` and `make test`. Neither needs root.
#   make propose   environment, then the main job on the store in corpus/ (no Go, no nsc)
#   make test      lint, types, layers, and every test; builds the pinned nsc, nats-servers and natscli
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TOOLS  := .build/bin
STORE  ?= corpus/acme

.PHONY: propose test long lint tools promtool golden docs notebooks bench clean

propose: $(VENV)/.installed
	@$(BIN)/permopt propose $(STORE)
	@command -v permopt >/dev/null || echo "  (permopt is $(BIN)/permopt here)"

test: $(VENV)/.tested
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/test.sh

# The same tests with the budgets that are too long for every run.
long: $(VENV)/.tested
	@PATH="$(CURDIR)/$(BIN):$$PATH" PERMOPT_BUDGET=long sh tools/test.sh

lint: $(VENV)/.tested
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh tools/lint.sh

tools:
	@sh tools/build.sh

# For the tests of docs/prometheus, where neither PATH nor Debian has it: built by Go, which takes its time.
promtool:
	@sh tools/promtool.sh build

# Writes the golden files again; read the difference before you commit it.
golden: $(VENV)/.tested
	@PERMOPT_GOLDEN=write $(BIN)/python -m pytest -q tests/golden
	@git --no-pager diff --stat -- tests/golden

# Writes the rules' pages of docs/rules again, from the rules themselves, and the answers in docs/by-hand.md.
docs: $(VENV)/.tested tools
	@PERMOPT_GOLDEN=write $(BIN)/python -m pytest -q tests/docs/test_rule_pages.py
	@PERMOPT_GOLDEN=write $(BIN)/python -m pytest -q tests/docs/test_by_hand.py -k answers_are_written

# Runs the notebooks and writes their outputs again; read the difference before you commit it.
notebooks: $(VENV)/.tested
	@PERMOPT_GOLDEN=write $(BIN)/python -m pytest -q tests/docs/test_notebooks.py
	@git --no-pager diff --stat -- notebooks

bench: $(VENV)/.tested
	@PATH="$(CURDIR)/$(BIN):$(CURDIR)/$(TOOLS):$$PATH" $(BIN)/python benchmarks/run.py

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("permopt needs Python 3.11 or later; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@$(BIN)/python -m compileall -q optimizer
	@touch $@

$(VENV)/.tested: pyproject.toml $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) .build
