# Every target does its own set-up; the second call of any is quick. `make` lists them.
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/runs
READY := $(VENV)/ready
LOCALE := prep_console/locales/es/LC_MESSAGES/prep_console
ARGS ?=

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help demo test check servers bench proof fuzz texts screenshots wheel lock clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: $(RUNS) $(LOCALE).mo ## a whole station in a scratch folder on loopback (ARGS="--from FILE" for a real final cut)
	@$(BIN)/prep-console demo $(ARGS)

test: servers check ## everything that must hold: set-up, format, lint, types, import contract, tests
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

check: $(READY) $(LOCALE).mo ## format, lint, types and import contract, without the tests
	@echo '-- ruff format' && $(BIN)/ruff format --check --quiet --diff .
	@echo '-- ruff' && $(BIN)/ruff check --quiet .
	@echo '-- mypy' && $(BIN)/mypy --no-error-summary
	@echo '-- import contract' && { told=$$($(BIN)/lint-imports --no-logo) || { echo "$$told"; exit 1; }; }

servers:
	@.ci/servers

bench: servers $(READY) $(LOCALE).mo ## the figures to hold, as ratios measured on this machine
	@$(BIN)/python -m tests.bench $(ARGS)

proof: servers $(READY) $(LOCALE).mo ## kills at every call that writes, power cuts, full disks; a real Apache under load
	@PREP_PROOF_ROUNDS=50 $(BIN)/python -m pytest $(SIDE_BY_SIDE) $(PROOFS) $(ARGS)

SIDE_BY_SIDE := -n 2 --dist loadgroup
PROOFS := tests/proof tests/apache/test_load.py tests/apache/test_actions_under_load.py \
	tests/intake/push/test_push.py::test_killed_at_any_point_a_push_is_never_taken_for_a_whole_one \
	tests/intake/pull/test_sftp.py::test_killed_at_any_point_it_is_resumed_and_never_wrong \
	tests/intake/pull/test_https.py::test_killed_at_any_point_it_is_resumed_and_never_wrong

fuzz: $(READY) $(LOCALE).mo ## ten minutes of coverage-guided fuzzing of the readers (ARGS="--seconds N TARGET")
	@$(BIN)/python -m tests.fuzz $(ARGS)

texts: $(READY) ## bring new sentences into the Spanish catalogue, and the keys into the READMEs
	@$(BIN)/python -m tests.wording.catalogue $(ARGS)
	@$(MAKE) $(LOCALE).mo
	@$(BIN)/python -m tests.wording.keys
	@$(BIN)/python -m tests.wording.alarms

screenshots: servers $(READY) $(LOCALE).mo ## the pictures in screenshots/, from the real console in a real terminal
	@.ci/servers packages-pictures
	@$(BIN)/python screenshots/make.py $(ARGS)

wheel: $(READY) ## what a station installs, in dist/ (see docs/station.md)
	@rm -rf dist && $(BIN)/hatchling build -t wheel >/dev/null 2>&1 && ls dist/*.whl

lock: ## new versions of the dependencies into the lock files
	@python3 -m venv $(VENV)-lock && $(VENV)-lock/bin/python -m pip install --quiet uv
	@$(VENV)-lock/bin/uv pip compile $(LOCK) --upgrade -o requirements.lock pyproject.toml
	@$(VENV)-lock/bin/uv pip compile $(LOCK) --upgrade -o requirements-dev.lock --group dev -c requirements.lock pyproject.toml
	@$(VENV)-lock/bin/uv pip compile $(LOCK) -o requirements-build.lock --group build -c requirements-dev.lock

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

clean: ## remove what the targets above made
	@rm -rf $(VENV) $(VENV)-lock dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find prep_console widgets tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -f prep_console/locales/*/LC_MESSAGES/*.mo

$(RUNS): requirements.lock requirements-build.lock pyproject.toml hatch_build.py .ci/venv
	@.ci/venv demo

$(READY): requirements-dev.lock pyproject.toml hatch_build.py .ci/venv
	@.ci/venv

$(LOCALE).mo: $(LOCALE).po | $(RUNS)
	@$(BIN)/pybabel --quiet compile --domain prep_console --directory prep_console/locales
