# `make demo` and `make test` need Python 3.11 or newer, git and make; uv is used from PATH or put into .tools.

PYTHON ?= python3
DIR ?= demo
PORT ?= 8000
ANSWERS ?=
ALL ?=
OWN ?=
IDS ?=
QUICK ?=
LANDED ?=
SHARD ?=

UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := $(CURDIR)/.tools/bin/uv
endif
RUN = $(UV) run --frozen --no-sync

.DEFAULT_GOAL := help
.PHONY: help install demo lint types test test-fast test-one test-all test-pythons bench bench-sessions outages bench-tools manifest faults coverage mutants asvs reference docs lock test-docs test-updates release image

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 15

$(CURDIR)/.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

install: $(UV) ## make .venv from uv.lock
	@$(UV) sync --frozen --quiet

demo: install ## render a service into DIR, install it and start it on PORT
	@$(RUN) python -m tools.demo --uv "$(UV)" --directory "$(DIR)" --port "$(PORT)"

lint: install ## ruff on everything that lies here, template included
	@$(RUN) ruff check && $(RUN) ruff format --check

types: install ## mypy --strict on the tools and tests
	@$(RUN) mypy

test: install ## render every combination, check it, and run its tests
	@$(RUN) python -m tests.matrix --uv "$(UV)"

test-fast: install ## the template's own tests only: questions, rendering, budgets
	@$(RUN) pytest -q -m "not heavy"

test-one: install ## one combination: ANSWERS="jwt_algorithm=HS256" [ALL=1: slow too] [OWN=3.12: own environment]
	@$(RUN) python -m tests.matrix --uv "$(UV)" $(if $(ALL),--all) $(if $(OWN),--own $(OWN)) --one $(ANSWERS)

test-all: install ## everything everywhere: the slow promises in every tree (nightly) [SHARD=1/4]
	@$(RUN) python -m tests.matrix --uv "$(UV)" --all $(if $(SHARD),--shard $(SHARD))

test-pythons: install ## pairwise combinations and the defaults on the other Python versions
	@$(RUN) python -m tests.matrix --uv "$(UV)" --pythons 3.12 3.13 3.14

test-docs: install ## the documentation: its commands, links and generated pages
	@$(RUN) pytest -q tests/docs

test-updates: install ## updates of changed services, from every release to this tree
	@$(RUN) pytest -q tests/updates

release: install ## check, test and tag this commit: VERSION=0.2.0 [LANDED=1: CI has tested it]
	@$(RUN) python -m tools.release $(VERSION) $(if $(LANDED),--landed)

image: install ## build the image without a Docker daemon, run it, replace it under load
	@$(RUN) python -m tests.deploy.image --uv "$(UV)"

bench: install ## requests a second beside other ways to authenticate [QUICK=1]; writes docs/explanation/speed.md
	@$(RUN) python -m benchmarks.speed --uv "$(UV)" $(if $(QUICK),--quick --no-docs)

outages: install ## 10,000 logouts under load while Redis fails; writes docs/explanation/revocation-lease.md
	@$(RUN) python -m benchmarks.outages

bench-sessions: install ## logout, login under a flood, refresh: percentiles [QUICK=1]; writes docs/explanation/speed.md
	@$(RUN) python -m benchmarks.sessions --uv "$(UV)" $(if $(QUICK),--quick)

bench-tools: install ## how fast combinations render, what a matrix run costs, and what an API key costs
	@$(RUN) python -m benchmarks.rendering
	@$(RUN) python -m benchmarks.updating
	@$(RUN) python -m benchmarks.api_keys

manifest: install ## write template/ownership.toml.jinja anew after a change in template/
	@$(RUN) python -m tools.manifest

faults: install ## plant the faults whose tests must fail [IDS="..." ALL=1]; write docs/security/promises.md
	@$(RUN) python -m tests.planting $(if $(ALL),--all) $(IDS)

coverage: install ## branches of app/auth and app/core that the services' own tests come by
	@$(RUN) python -m tests.branches

mutants: install ## break what decides about security, one spot at a time [SHARE=100 MINUTES=30]; write docs/security/mutants.md
	@$(RUN) python -m tools.mutation $(if $(SHARE),--share $(SHARE)) $(if $(MINUTES),--minutes $(MINUTES))

asvs: install ## write the ASVS tables of SECURITY.md anew after a change in docs/security/asvs.toml
	@$(RUN) python -m tools.asvs

reference: install ## write the generated pages of docs/reference anew, from the template
	@$(RUN) python -m tools.reference

docs: $(UV) ## build the documentation into reports/docs; a warning or a dead link is an error
	@$(UV) run --frozen --isolated --only-group docs sphinx-build -b html -n -W --keep-going -q -E -d reports/doctrees docs reports/docs
	@echo "reports/docs/index.html"

lock: $(UV) ## lock the tools, and the seed lock of the services, anew
	@$(UV) lock && $(UV) sync --frozen --quiet && $(RUN) python -m tools.seed_lock --uv "$(UV)"
