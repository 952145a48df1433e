# Everything a newcomer needs: `make run` and `make test`. `make help` lists the rest.

.ONESHELL:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# A target whose recipe failed half-way must not look made.
.DELETE_ON_ERROR:

VENV := .venv
READY := $(VENV)/.ready
PYTHON := $(VENV)/bin/python
DASHBOARD := dashboard/.venv

export PYTHONDONTWRITEBYTECODE :=
# A home folder that cannot be written must not matter: no cache of ours goes there.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.PHONY: help run test test-all test-cluster bench bench-small bench-room same-figures lint types docs clean environment dashboard test-dashboard

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | column -t -s '|'

run: environment ## collect a month: start everything, do the job, stay up (ONCE=1: end; INBOX=folder: your files)
	@arguments=()
	[ -z "$(strip $(ONCE))" ] || [ "$(strip $(ONCE))" = 0 ] || arguments+=(--once)
	if [ -n "$$INBOX" ]; then arguments+=(--inbox "$$INBOX"); fi
	TB_STARTED_BY_MAKE=1 exec $(PYTHON) -m trust_benchmarks_local.run $${arguments[@]+"$${arguments[@]}"}
# By the environment, not by text in a recipe: a folder's name may hold spaces and quotes.
export INBOX ?=

test: environment ## run every test (TESTS="tests/x.py -k y": some of them)
	@# Browser tests take the browser that is there; without one it is fetched once, unless TB_OFFLINE is set.
	if [ -z "$${TB_OFFLINE:-}" ] && ! .ci/browser --look >/dev/null 2>&1; then .ci/browser >/dev/null || true; fi
	exec $(PYTHON) -m pytest -n 3 --dist loadscope --no-loadscope-reorder $(TESTS)

test-all: ## the same in full size, with kills of the whole job and everything that takes minutes
	@TB_TEST_FULL=1 $(MAKE) test

test-cluster: environment ## run docker-compose.yml's services as processes, kill some, compare with LocalExecutor (SHORT=1: smaller)
	@exec $(PYTHON) tests/cluster/run.py $(if $(SHORT),--short)

dashboard: environment $(DASHBOARD)/.ready ## Superset with a ready dashboard over what was published; stays up until Ctrl-C
	@TB_STARTED_BY_MAKE=1 exec $(PYTHON) dashboard/run.py

test-dashboard: environment $(DASHBOARD)/.ready ## set the dashboard up and look at it in a browser (minutes; not in make test)
	@TB_TEST_DASHBOARD=1 exec $(PYTHON) -m pytest tests/dashboard

$(DASHBOARD)/.ready: dashboard/requirements.lock
	@.ci/environment $(DASHBOARD) $<
	touch $@

bench: environment ## measure this pipeline against the plain way (LINES=10000000: more lines)
	@exec $(PYTHON) bench/run.py $(if $(LINES),--lines $(LINES))

bench-small: environment ## a thousand small files from the inbox to published figures
	@exec $(PYTHON) bench/small_files.py

bench-room: environment ## contacts check and send files in the trusts' room (LOAD="--contacts 100 --minutes 6": less)
	@exec $(PYTHON) bench/room_load.py $(LOAD)

same-figures: environment ## compare what is published with another commit's, value for value (BASE=commit; INBOX=folder)
	@exec $(PYTHON) tools/same_figures.py $(BASE) $(if $(strip $(INBOX)),--inbox "$$INBOX")

docs: environment ## build the documentation as a site (build/site)
	@NO_MKDOCS_2_WARNING=1 exec $(PYTHON) -m mkdocs build -q

lint: environment ## ruff on code and format, import-linter on who imports whom, sqlfluff on the ledger's SQL
	@$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/sqlfluff lint --disable-progress-bar include/sql

types: environment ## mypy in strict mode
	@$(PYTHON) -m mypy
	exec $(PYTHON) -m mypy dags plugins

clean: ## remove the local state (.state); the environment stays (make clean-all removes it too)
	@folder="$${TB_STATE:-.state}"
	if [ -e "$$folder/lock" ] && command -v flock >/dev/null && ! flock -n "$$folder/lock" true; then
	    echo "A run holds $$folder. Stop it with Ctrl-C first." >&2; exit 1
	fi
	rm -rf -- "$$folder"

.PHONY: clean-all
clean-all: clean
	@rm -rf -- $(VENV) $(DASHBOARD) include/*.egg-info *.egg-info build

environment: $(READY) ## make the Python environment (.venv) and nothing else
	@:

$(READY): requirements.lock pyproject.toml
	@.ci/environment $(VENV)
	touch $@
