# Everything runs through .venv/bin/python: nothing has to be activated.
# `make setup PYTHON=python3.12` chooses the interpreter; `TORCH_INDEX=<url>` adds an index for another torch build.

PYTHON ?= python3
TORCH_INDEX ?=
MMAGIC = mmagic==1.2.0

VENV = .venv
VENV_PYTHON = $(VENV)/bin/python
LOG = $(VENV)/setup.log
STAMP = $(VENV)/.setup-complete
PIP_INSTALL = $(VENV_PYTHON) -m pip install $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_NO_INPUT = 1

.DEFAULT_GOAL = help
.PHONY: help setup test test-slow test-browser test-labelstudio lint demo bench doctor dist docs clean

# $(call step,title,command,what to do when it fails): one line of output; pip's own goes to the log.
define step
@printf '%-38s ' '$(1)'; start=$$(date +%s); echo '== $(1)' >>$(LOG); \
if { $(2); } >>$(LOG) 2>&1 </dev/null; then echo "ok, $$(($$(date +%s) - start)) s"; \
else echo 'FAILED'; grep -v 'Ignoring \|is ignored:\|already satisfied' $(LOG) | tail -n 10; echo 'Whole log: $(LOG)'; echo 'Fix: $(3)'; exit 1; fi
endef

help:
	@echo 'make setup      create .venv with the tested versions (PYTHON=python3.12, TORCH_INDEX=<url>)'
	@echo 'make demo       train on generated street scenes and show what each method gains'
	@echo 'make doctor     check the environment and the data folders'
	@echo 'make test       run the tests'
	@echo 'make test-slow  run the slow tests, which make test leaves out'
	@echo 'make test-browser  look at a report in a headless Chromium; skipped without a browser'
	@echo 'make test-labelstudio  install Label Studio to build/, start it, and label a round through its API'
	@echo 'make lint       run ruff, mypy and import-linter'
	@echo 'make bench      run the benchmarks'
	@echo 'make docs       build the documentation as a site in build/site'
	@echo 'make dist       build the sdist and the wheel in dist/'
	@echo 'make clean      delete build products and caches; .venv stays'

setup: $(STAMP)
	@echo '$(VENV) is ready: make demo, make test, make doctor'

$(STAMP): requirements.txt setup.py pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { \
	echo "$(PYTHON) is missing or older than Python 3.9. Fix: make setup PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "$(PYTHON) cannot create virtual environments. Fix: apt-get install python3-venv"; exit 1; }
	@rm -f $(STAMP)
	@$(VENV_PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@: >$(LOG)
# A killed pip can leave a package that is not wholly there but looks installed: its RECORD is written last.
	@for info in $(VENV)/lib/python*/site-packages/*.dist-info; do \
	if [ -d "$$info" ] && [ ! -s "$$info/RECORD" ]; then rm -rf "$$info"; fi; done
	$(call step,tested versions (requirements.txt),$(PIP_INSTALL) -r requirements.txt,read the lines above; often the network or a full disk. Then call make setup again.)
	$(call step,$(MMAGIC) without its dependencies,$(PIP_INSTALL) --no-deps $(MMAGIC),check the network and call make setup again.)
	$(call step,udas_mmseg (editable),$(PIP_INSTALL) --no-deps --no-build-isolation -e .,delete $(VENV) and call make setup again.)
	$(call step,import check,$(VENV_PYTHON) -c 'import torch; import mmengine; import mmcv; import mmseg',delete $(VENV) and call make setup again.)
	@touch $(STAMP)

# One test on each core; what a test computes then has one thread.
PYTEST = OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest -n auto --maxprocesses 8 --dist worksteal

test: $(STAMP)
	@$(PYTEST)

test-slow: $(STAMP)
	@$(PYTEST) -m slow

# axe-core checks the accessibility of the page. Without npm or a network, this check is skipped.
AXE = build/browser/node_modules/axe-core/axe.min.js

$(AXE):
	@mkdir -p build/browser
	-@npm install --silent --no-audit --no-fund --prefix build/browser axe-core@4.11.1 >/dev/null 2>&1 || echo 'axe-core cannot be installed: the check of the accessibility is skipped'

test-browser: $(STAMP) $(AXE)
	@OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest -m browser tests/test_run_report/test_browser.py

# In an environment of its own: it needs other versions of packages of this project.
test-labelstudio: $(STAMP)
	@$(VENV_PYTHON) tests/labelstudio/check.py

lint: $(STAMP)
	@$(VENV_PYTHON) -m ruff check --output-format concise .
	@$(VENV_PYTHON) -m mypy
	@output=$$($(VENV)/bin/lint-imports --no-logo --no-cache 2>&1) || { echo "$$output"; exit 1; }
	@echo 'Imports: no arrow upwards, no cycles.'

demo: $(STAMP)
	@$(VENV_PYTHON) tools/demo.py

bench: $(STAMP)
	@$(VENV_PYTHON) benchmarks/run.py

doctor: $(STAMP)
	@$(VENV_PYTHON) tools/doctor.py

# In an environment of its own: MkDocs reads the sources, and imports none of them.
DOCS_VENV = build/docs
DOCS_STAMP = $(DOCS_VENV)/.complete

docs: $(DOCS_STAMP)
	@NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --quiet --strict
	@echo 'build/site/index.html'

$(DOCS_STAMP): docs/.site/requirements.txt
	@$(PYTHON) -m venv --clear $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python -m pip install --quiet -r $<
	@touch $@

# The wheel is built from the sdist, and so shows that the sdist is complete.
dist: $(STAMP)
	@rm -rf dist
	@$(VENV_PYTHON) -c 'from setuptools import build_meta; build_meta.build_sdist("dist")' >/dev/null
	@$(VENV_PYTHON) -m pip wheel -q --no-deps --no-build-isolation -w dist dist/*.tar.gz
	@ls -1 dist/*

clean:
	@rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
