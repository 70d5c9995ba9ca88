.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
DEVELOPMENT := env DEBUG=1 ENV_FILE= DATA_DIR=var/check
PRODUCTION := env ENV_FILE= DEBUG=0 DATA_DIR=var/check ALLOWED_HOSTS=example.com \
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(40))') EMAIL_URL=smtp+tls://localhost:587

# A run starts dozens of programs of the same code, which only the first of them should have to compile.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check types lint layers templates migrations deployment bench bench-scale pictures format

help:
	@echo "make run     start the site with its demo on http://localhost:$${PORT:-8000}"
	@echo "make test    run the tests"
	@echo "make check   formatting, lint, types, layers, templates, migrations, settings, tests"
	@echo "make bench   the benchmarks, each against its reference in the same run"
	@echo "make bench-scale SCALE=small|tenth|full   whether a large site costs more than a small one"
	@echo "make pictures  the main pages at two widths, light and dark, into var/pictures"
	@echo "make format  format the code"

# Whether it is development is the environment's or .env's word; said nowhere, it is.
run: .venv/.installed
	@if [ -z "$${DEBUG:-}" ] && ! grep -qsE '^(export +)?DEBUG=' "$${ENV_FILE-.env}"; then export DEBUG=1; fi; \
	exec $(BIN)/python manage.py up --demo

test: .venv/.installed-dev
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/.installed-dev
	@$(MAKE) --no-print-directory --jobs=2 types lint layers templates migrations deployment
	@$(MAKE) --no-print-directory test

types:
	$(DEVELOPMENT) $(BIN)/mypy

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

layers:
	$(DEVELOPMENT) $(BIN)/lint-imports

templates:
	$(BIN)/djlint templates --lint --quiet

migrations:
	$(DEVELOPMENT) $(BIN)/python manage.py makemigrations --check --dry-run

deployment:
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

bench: .venv/.installed
	@$(BIN)/python -m benchmarks

SCALE ?= tenth
bench-scale: .venv/.installed-dev
	@$(BIN)/python -m benchmarks.scale $(SCALE)

pictures: .venv/.installed-dev
	@$(BIN)/python -m benchmarks.pictures

format: .venv/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $< && touch $@

.venv/.installed: requirements.txt | $(BIN)/python
	@echo "Installing $< ..."
	@$(INSTALL)

.venv/.installed-dev: requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "Installing $< ..."
	@$(INSTALL)

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or later is needed and was not found; PYTHON=/path/to/python3.11 names one." >&2; exit 1; fi
	$(PYTHON) -m venv .venv
