# A newcomer needs three of these: `make demo`, `make check`, `make test`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
BUILT := .venv/.built
ARGS ?=

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; \
		do printf '  make %-8s %s\n' "$$name" "$$what"; done

.PHONY: venv
venv: $(BUILT) ## build .venv with .venv/bin/reviewdue; nothing when it is up to date

$(BUILT): requirements/build.txt requirements/test.txt requirements/venv.sh pyproject.toml
	@bash requirements/venv.sh
	@touch $@

.PHONY: demo
demo: venv ## the whole story in the terminal, against the embedded EHR; ends by itself
	@$(BIN)/reviewdue demo $(ARGS)

.PHONY: serve
serve: venv ## the same, then the inbox stays up until Ctrl-C
	@$(BIN)/reviewdue demo --serve $(ARGS)

.PHONY: test
test: venv ## every test; as root it installs the Java, Maven and PostgreSQL that they need
	@bash tests/hapi/install.sh
	@bash tests/postgres/install.sh
	@$(BIN)/pytest -n 2 $(ARGS)

.PHONY: check
check: venv ## lint, format, types, import contract, house rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/house

.PHONY: fix
fix: venv ## what lint and format can repair by themselves
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: bench
bench: venv ## speed and memory of `assess`, requests of a cycle
	@$(BIN)/python -m bench $(ARGS)

.PHONY: faults
faults: venv ## the long fault runs: real processes killed, stopped and cut off, on both databases
	@bash tests/postgres/install.sh
	@FAULTS=long $(BIN)/pytest -m faults -s $(ARGS)

.PHONY: mutation
mutation: venv ## small changes to the rules: does a test notice each? (docs/quality/mutation.md)
	@$(BIN)/python -m tests.mutation $(ARGS)

.PHONY: lock
lock: ## write requirements/*.txt anew from pyproject.toml; UPGRADE=1 takes the newest
	@bash requirements/lock.sh
