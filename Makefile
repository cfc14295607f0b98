# What this project does, by name. `make` alone lists it.
#
# The environment, .venv, is made from requirements.lock on the first call and again whenever that
# file changes. It wants Python 3.11, 3.12 or 3.13; PYTHON=/path/to/python chooses one.

.DEFAULT_GOAL := help
.PHONY: help report test check lab demo-data lock upgrade clean
.DELETE_ON_ERROR:

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | while IFS='	' read -r name what; do \
		printf '  make %-10s %s\n' "$$name" "$$what"; done

report: .venv/.installed ## Run the demo study: its report lands in reports/demo/latest
	.venv/bin/csat run demo

test: .venv/.installed ## Run every test and documented example, with coverage
	.venv/bin/python -m pytest -n 2 --dist loadscope --cov --cov-report=term

check: .venv/.installed ## Lint, format, types and layers, as before each commit
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

lab: .venv/.installed ## Open the notebooks in JupyterLab
	.venv/bin/csat lab

demo-data: .venv/.installed ## Simulate the raw data of the demo study again
	.venv/bin/python -m csat_stats.simulate data/raw/demo

lock: .venv/.installed ## Bring requirements.lock up to what pyproject.toml asks for
	$(LOCK)

upgrade: .venv/.installed ## The same, with the newest version of every package
	$(LOCK) --upgrade

clean: ## Remove .venv and the caches; data and reports stay
	rm -rf .venv .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache .coverage
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One version for all Pythons (fewest), so that a report has the same figures on each of them.
LOCK = .venv/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-header --quiet --output-file requirements.lock

.venv/.installed: .venv/.locked pyproject.toml src/csat_stats/__init__.py
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# A candidate must run (a version manager's shim may be there and fail), be of the right version
# and be able to make an environment.
FITS = import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

.venv/.locked: requirements.lock
	@if [ -n "$${PYTHON:-}" ]; then set -- "$$PYTHON"; \
	else set -- python3.13 python3.12 python3.11 python3; fi; \
	for python do \
		if "$$python" -c '$(FITS)' 2>/dev/null; then \
			echo "Making .venv with $$("$$python" --version); the first time this takes some minutes."; \
			exec "$$python" -m venv --clear .venv; \
		fi; \
	done; \
	echo "Python 3.11, 3.12 or 3.13 with its venv module is needed; tried: $$*." >&2; \
	echo "Install one, or name it: make PYTHON=/path/to/python3.12 (on Debian also: python3-venv)." >&2; \
	exit 1
	.venv/bin/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@touch $@
