# Every command of the project. Needs Python 3.11 or newer, git and make; brings uv and Python 3.13 where missing.
# Only test-stack needs more: Node 20 with npm, for the SDK for Node.

PORT       ?= 4566
STACK_HOME ?= .local
ENV        ?= staging
# Where `make start-api` listens, and the file that `make invoke-<function>` takes in place of events/<function>/recorded.json
API_PORT   ?= 3000
EVENT      ?=
# Template parameters for `make up` and `make deploy`, for example PARAMETERS="SliceSeconds=5 LeaseSeconds=10"
PARAMETERS ?=
# Options for pytest, for example TEST="-x -k lease"
TEST       ?=
# Options for the storm of make chaos, for example CHAOS="--seed 7 --seconds 60"
CHAOS      ?=

UV         := .local-tools/bin/uv
PYTHON     := .venv/bin/python
VENVS      := .venv/.installed .venv-sam/.installed .venv-emulator/.installed
STACK       = $(PYTHON) ops/local/stack.py $(1) --port $(PORT) --home $(STACK_HOME)
INVOKE     := $(patsubst functions/%/,invoke-%,$(wildcard functions/*/))
SAM_LOCAL   = .venv-sam/bin/python ops/local/sam_local.py $(1) --port $(PORT) --home $(STACK_HOME)

.DEFAULT_GOAL := help
.PHONY: help install up down reset demo import $(INVOKE) start-api record-events
.PHONY: run-status dead-letters redrive pause resume cancel-runs redeliver
.PHONY: test crash mutations test-stack chaos long-run stored-state check lint types format openapi compatibility lock deploy clean
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

help: ## Show this help
	@echo "make <target>, where PORT=$(PORT) STACK_HOME=$(STACK_HOME) MODEL=provider/model ENV=$(ENV) may follow:"
	@awk -F ':.*## ' '/^[a-zA-Z$$()-]+:.*## / { sub(/[$$].INVOKE./, "invoke-NAME", $$1); printf "  %-13s %s\n", $$1, $$2 }' Makefile

# ------------------------------------------------------------------------------------------------------- environments

install: $(VENVS) ## Install uv, Python 3.13 and the three environments

# Three, because the SAM CLI and the embedded AWS pin other releases of botocore and click than the functions use.
.venv/.installed: requirements/development.txt
.venv-sam/.installed: requirements/sam.txt ops/local/tools/pip.txt
.venv-emulator/.installed: requirements/emulator.txt

$(VENVS): | $(UV)
	@echo "install     $(@D)"
	@$(UV) python find --quiet --system 3.13 >/dev/null 2>&1 || { echo "install     Python 3.13"; $(UV) python install --quiet 3.13; }
	@test -x $(@D)/bin/python || $(UV) venv --quiet --python "$$($(UV) python find --system 3.13)" $(@D)
	@$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(@D)/bin/python $^
	@touch $@

$(UV): ops/local/tools/uv.txt
	@echo "install     uv in .local-tools"
	@ops/local/tools/install_uv.sh
	@touch $@

# --------------------------------------------------------------------------------------------------- the stack, locally

up: install ## Start the embedded AWS, build and deploy the stack; shows its URL and key
	@$(call STACK,up) $(addprefix --parameter ,$(PARAMETERS))

down: install ## Stop the embedded AWS and keep its state
	@$(call STACK,down)

reset: install ## Stop the embedded AWS and delete its state
	@$(call STACK,reset)

demo: up ## Run one agent in the background and show what happens; MODEL=openai/... takes a real model
	@$(PYTHON) ops/local/demo.py --home $(STACK_HOME) $(if $(MODEL),--model $(MODEL))

import: install ## Import AGENT_FILE=x.af of a Letta server; MODEL=provider/model replaces its model
	@$(PYTHON) ops/migrate/import_agent_file.py $(AGENT_FILE) --home $(STACK_HOME) $(if $(MODEL),--model $(MODEL))

# ------------------------------------------------------------------------------- one function, in a container of SAM's

$(INVOKE): invoke-%: install ## One function of functions/ in a container, with its recorded event or EVENT=file
	@$(call SAM_LOCAL,invoke $*) $(addprefix --event ,$(EVENT))

start-api: install ## The API's routes at API_PORT=3000, from containers; both speak to the stack of `make up`
	@$(call SAM_LOCAL,start-api) --api-port $(API_PORT)

record-events: install ## Record the event of every function on an embedded AWS of its own, into events/
	@$(PYTHON) ops/local/record_events.py

# ---------------------------------------------------------------------------------------------------------- operating

run-status: install ## Show where RUN is; locally, or where NIGHTSHIFT_URL and NIGHTSHIFT_KEY say
	@$(PYTHON) ops/operate/run_status.py --home $(STACK_HOME) $(RUN)

# STACK_NAME=… names a stack on AWS, else they work on the local one. CONFIRM=yes does what is only shown without it.
OPERATE = PYTHONPATH=layers/nightshift POWERTOOLS_LOG_LEVEL=WARNING \
          $(PYTHON) ops/operate/$(1).py --home $(STACK_HOME) $(addprefix --stack ,$(STACK_NAME))
TENANT ?= default

dead-letters: install ## Show dead letters with age, body, and why if known
	@$(call OPERATE,dead_letters) list

redrive: install ## Ring again for all dead letters of QUEUE=RunDeadLetters or QUEUE=CallbackDeadLetters
	@$(call OPERATE,dead_letters) redrive $(QUEUE)

pause: install ## Pause TENANT=default WHAT=intake|execution; docs/operations.md
	@$(call OPERATE,pause) pause $(TENANT) $(WHAT)

resume: install ## Resume TENANT=default WHAT=intake|execution
	@$(call OPERATE,pause) resume $(TENANT) $(WHAT)

cancel-runs: install ## Cancel active runs of TENANT=default [AGENT=agent-…] [OLDER_THAN=2h] [CONFIRM=yes]
	@$(call OPERATE,cancel_runs) $(TENANT) $(if $(AGENT),--agent $(AGENT)) $(if $(OLDER_THAN),--older-than $(OLDER_THAN)) \
	  $(if $(CONFIRM),--confirm)

redeliver: install ## Send callbacks again: RUN=run-…, or SINCE=… [UNTIL=…] [DELIVERED_TOO=yes] [CONFIRM=yes]
	@$(call OPERATE,redeliver) $(TENANT) $(if $(RUN),--run $(RUN)) $(if $(SINCE),--since $(SINCE)) \
	  $(if $(UNTIL),--until $(UNTIL)) $(if $(DELIVERED_TOO),--delivered-too) $(if $(CONFIRM),--confirm)

# ----------------------------------------------------------------------------------------------------- tests and checks

test: install ## Run all tests that need no stack; those that measure run alone, after the others
	@$(PYTHON) -m pytest --numprocesses auto --dist loadfile --ignore tests/stack --ignore tests/performance $(TEST)
	@$(if $(TEST),,$(PYTHON) -m pytest tests/performance)

crash: install ## Die at every write of every scenario and count what is lost, duplicated or stuck
	@KILL_POINTS=all $(PYTHON) -m pytest --numprocesses auto --dist worksteal tests/crash/test_kill_points.py $(TEST)

mutations: install ## Break promises on purpose, in copies of the tree, and name the test that notices each
	@PYTHONPATH=tests $(PYTHON) -m mutations.check

test-stack: install ## Run the tests on the embedded AWS, two of it side by side
	@$(PYTHON) -m pytest --numprocesses 2 --dist loadfile tests/stack $(TEST)

long-run: install ## Execute a run of 10,000 steps in process and show what a step costs at its begin, middle and end
	@LONG_RUN_STEPS=10000 $(PYTHON) -m pytest --capture=no tests/performance/test_long_run.py

chaos: install ## Kill functions every second and the embedded AWS once under 200 runs; CHAOS="--seed 7" repeats a storm
	@PYTHONPATH=tests $(PYTHON) -m chaos $(CHAOS)

stored-state: install ## Write what version OF=<commit> stores to tests/upgrade/stored/$(AS).json, for tests of upgrades
	@tree=$$(mktemp -d); trap 'rm -rf "$$tree"' EXIT; git archive $(OF) | tar -x -C "$$tree"; cd "$$tree"; \
	  PYTHONPATH=layers/nightshift:functions/tool_sandbox:tests $(CURDIR)/$(PYTHON) \
	  $(CURDIR)/tests/upgrade/write_stored_state.py $(CURDIR)/tests/upgrade/stored/$(AS).json >/dev/null

check: lint types test ## Run every check: style, import contracts, template, API document, types, tests

lint: install
	@echo "check       ruff"; .venv/bin/ruff check --quiet && .venv/bin/ruff format --check --quiet
	@echo "check       import contracts"; PYTHONPATH=layers/nightshift .venv/bin/lint-imports > .lint-imports.log || { cat .lint-imports.log; exit 1; }
	@rm -f .lint-imports.log
	@echo "check       docs/api/openapi.json"; $(PYTHON) ops/api/write_openapi.py --check
	@echo "check       template.yaml"; .venv/bin/cfn-lint template.yaml ops/observability.yaml
	@echo "check       template.yaml expanded"; $(PYTHON) tests/template/expand.py | .venv/bin/cfn-lint

types: install
	@echo "check       types"; $(PYTHON) -m mypy --exclude '^tests/emulator/' layers/nightshift functions ops/api ops/migrate ops/operate tests
	@$(PYTHON) -m mypy --config-file ops/local/mypy.ini ops/local tests/emulator

format: install ## Format the code and mend what can be mended
	@.venv/bin/ruff check --fix --quiet; .venv/bin/ruff format --quiet

# ----------------------------------------------------------------------------------------------- documents of the API

openapi: install ## Write docs/api/openapi.json, made from the operations
	@$(PYTHON) ops/api/write_openapi.py

compatibility: install ## Write docs/api/compatibility.md, made from a test of every SDK method
	@COMPATIBILITY=write $(PYTHON) -m pytest tests/conformance/test_sdk_methods.py

# --------------------------------------------------------------------------------------------- dependencies, deployment

COMPILE := $(UV) pip compile --quiet --python-version 3.13 --generate-hashes --no-annotate --no-header \
           --no-emit-index-url --no-emit-find-links
LAYER   := layers/dependencies/requirements.txt

lock: $(UV) ## Compile the pinned and hashed requirements; UPGRADE=--upgrade takes newer releases
	@echo "lock        $(LAYER)"
	@$(COMPILE) $(UPGRADE) --python-platform linux pyproject.toml -o $(LAYER)
	@echo "lock        requirements/"
	@$(COMPILE) $(UPGRADE) --universal pyproject.toml --group demo --group test --group check -c $(LAYER) \
	  -o requirements/development.txt
	@$(COMPILE) $(UPGRADE) --universal --group sam -o requirements/sam.txt
	@$(COMPILE) $(UPGRADE) --universal --group emulator -o requirements/emulator.txt
	@echo "lock        ops/local/tools/"
	@for tool in uv pip; do echo $$tool | $(COMPILE) $(UPGRADE) --universal - -o ops/local/tools/$$tool.txt || exit 1; done

deploy: install ## Build and deploy to a real AWS account; ENV names the section of samconfig.toml, PARAMETERS win
	@$(PYTHON) ops/local/deploy.py $(ENV) $(addprefix --parameter ,$(PARAMETERS))

.PHONY: credentials
credentials: install ## Address, key and callback secret of the stack of ENV, for TENANT=default; prints secrets
	@$(PYTHON) ops/local/credentials.py $(ENV) $(addprefix --tenant ,$(TENANT))

clean: ## Delete all that is built and installed; the state of the embedded AWS stays
	@rm -rf .aws-sam .venv .venv-sam .venv-emulator .local-tools .mypy_cache .ruff_cache .hypothesis .import_linter_cache
