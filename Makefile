# Everything that a person or CI does with a clone. Only Python 3.11+, make and a network to PyPI and
# npm are assumed; without an npm on the path, one comes from PyPI.
PYTHON ?= python3
VENV   ?= .venv
PORT   ?= 8000
BIN    := $(VENV)/bin
COMMA  := ,
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
EXTRAS := experiments$(if $(shell command -v npm),,$(COMMA)node)
VENDOR := api/static/vendor/VERSIONS

.PHONY: serve test install embedding lint format bench web clean
.DEFAULT_GOAL := serve

serve: $(VENV)/.runtime $(VENDOR)  ## build the graph from what is bundled, serve it
	$(BIN)/mathgloss refresh core bundled-papers
	$(BIN)/mathgloss serve --port $(PORT)

test: $(VENV)/.dev $(VENDOR)  ## the test suite, offline
	$(BIN)/python -m pytest -n auto --dist loadfile

install: $(VENV)/.dev $(VENDOR)  ## everything but sentence embeddings

embedding: $(VENV)/.embedding  ## PyTorch (pinned), sentence-transformers and a small model

lint: $(VENV)/.dev  ## style, types, dependencies between packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev $(VENDOR)  ## measure; set MATHGLOSS_MIRROR for the real files
	$(BIN)/python -m tests.benchmarks

web: $(VENDOR)  ## front-end libraries from npm

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[$(EXTRAS)]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.runtime
	$(PIP) -e '.[dev]'
	touch $@

# PyTorch goes first: what else needs it would take its newest build
$(VENV)/.embedding: pyproject.toml constraints.txt $(VENV)/.runtime
	$(PIP) torch==2.13.0
	$(PIP) -e '.[embedding]'
	touch $@

$(VENDOR): package-lock.json api/vendor.py | $(VENV)/.runtime
	$(BIN)/python -m api.vendor
	touch $@

clean:
	rm -rf $(VENV) node_modules api/static/vendor dist build
