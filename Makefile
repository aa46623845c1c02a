# One word per task. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready

# Python keeps what it compiled, also where a machine's settings say otherwise: hundreds of processes load the same files.
export PYTHONDONTWRITEBYTECODE :=

OLDER        := .venv-older
OLDER_READY  := $(OLDER)/ready
GRADER       := .venv-grader
GRADER_READY := $(GRADER)/ready

LIGHT       := .venv-light
LIGHT_READY := $(LIGHT)/ready

.PHONY: help torch the-rest book english chinese quick test check-all lock renew older-torch notebooks translations serve pdf zip lab classroom bundle lesson handout exam grader exercises assignment collect grade address publish clean
.DEFAULT_GOAL := help

help: ## list the tasks
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "make %-12s %s\n", $$1, $$2}'

# $(call stale,MARK,FILES) is MARK unless it holds what FILES say now. Times do not count: a checkout sets them anew,
# and an environment may be a link to another one.
stale = $(if $(shell cat $(2) | cmp -s - $(1) && echo same),,$(1))
PINS        := requirements.txt requirements.lock pyproject.toml
LIGHT_PINS  := pyproject.toml
GRADER_PINS := tools/grading/requirements.txt tools/grading/requirements.lock
OLDER_PINS  := tools/older/requirements.txt tools/older/requirements.lock pyproject.toml
.PHONY: $(call stale,$(READY),$(PINS)) $(call stale,$(LIGHT_READY),$(LIGHT_PINS)) $(call stale,$(GRADER_READY),$(GRADER_PINS)) $(call stale,$(OLDER_READY),$(OLDER_PINS))

# Installed once; again only when what these files say changes. pip, not uv: it takes torch from where its settings say.
# Python compiles what it loads; compiling all of torch's files at once takes longer than the book's build.
# An old pip takes half a minute longer. Two processes unpack what the lock names, torch with its GPU libraries and the
# rest, about half of the time each; then pip looks over the whole and adds the book, built with the lock's setuptools.
$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --upgrade pip
	@$(MAKE) --no-print-directory -j 2 torch the-rest
	$(BIN)/python -m pip install --quiet --no-compile -r requirements.txt -c requirements.lock --no-build-isolation
	@cat $(PINS) > $@

TORCH_AND_ITS := ^(torch|triton|nvidia-|cuda-)
UNPACK := $(BIN)/python -m pip install --no-deps --no-compile --quiet -r /dev/stdin
torch:
	grep -E '$(TORCH_AND_ITS)' requirements.lock | $(UNPACK)
the-rest:
	grep -vE '$(TORCH_AND_ITS)' requirements.lock | $(UNPACK)

# English pages have a switch to the Chinese ones only where those are built as well.
book: export BOOK_EDITIONS := both
book: $(READY) ## set up, build the site in both languages, print where to open it
	@$(MAKE) --no-print-directory -j 2 english chinese
	@echo "Open _build/html/index.html in a browser; in Chinese, _build/html/zh/index.html."

english:
	$(BIN)/jupyter-book build . -W -n --keep-going

chinese:
	$(BIN)/python -m tools.translation.site

# The core, the statistics, the contract and what belongs to no chapter. Left out: whatever executes a notebook, builds the
# site, opens a browser, trains, or writes editions, and of these files the tests marked "whole": complete networks and
# long grids that `make test` runs. No network and no Chromium is needed.
QUICK := library/test_blocks library/test_forms library/test_networks library/test_complexity library/test_weights library/test_arguments library/test_statistics library/test_palette studies/test_rows house/test_citation house/test_size house/test_lock chapters/test_contract

# Once the book's environment is there it is used, as it is; without one, the light one of `pip install -e .[dev]`.
$(LIGHT_READY):
	$(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip install --quiet --upgrade pip
	$(LIGHT)/bin/python -m pip install --quiet -e .[dev]
	@cat $(LIGHT_PINS) > $@

QUICK_BIN := $(if $(wildcard $(READY)),$(BIN),$(LIGHT)/bin)
quick: $(if $(wildcard $(READY)),,$(LIGHT_READY)) ## within a minute: the core's units, the contract, the linter
	$(QUICK_BIN)/python -m ruff check .
	$(QUICK_BIN)/python -m ruff format --check .
	$(QUICK_BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow and not whole" --sample $(QUICK:%=tests/%.py)

test: $(READY) ## set up, run the first tier: units, contract, strict nbval, the built site
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" --sample

check-all: $(READY) $(GRADER_READY) ## everything: the first tier, then what takes longer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tools.alterations
	EXAMPLES=1000 $(BIN)/python -m pytest -n 2 --dist loadfile
	$(MAKE) older-torch
	$(BIN)/python -m tools.translation notebooks _build/notebooks-zh
	$(BIN)/python -m pytest -q -n 2 --dist loadfile _build/notebooks-zh/chapters
	$(BIN)/python -m tools.notebooks --check-stable chapters
	$(BIN)/python -m tools.wheel

# The whole set, also what nobody named, for every system and Python: uv resolves for all of them at once, and its output
# holds no addresses. `make lock` keeps each version that still fits; `make renew` takes the newest, for the book alone.
LOCKER := .venv-lock
locked = $(LOCKER)/bin/uv pip compile $(1)requirements.txt --quiet --universal --python-version 3.11 \
	--no-header --no-annotate --no-emit-package resnext-book --output-file $(1)requirements.lock

lock: ## after a change of a requirements.txt: write the requirements.lock beside it
	$(PYTHON) -m venv $(LOCKER)
	$(LOCKER)/bin/python -m pip install --quiet uv==0.13.9
	$(call locked,) $(NEWEST)
	$(call locked,tools/grading/)
	$(call locked,tools/older/)

renew: NEWEST := --upgrade
renew: lock ## write requirements.lock with the newest versions that fit requirements.txt

# About 5 GB; `rm -r .venv-older` gives them back.
$(OLDER_READY):
	$(PYTHON) -m venv $(OLDER)
	$(OLDER)/bin/python -m pip install --quiet --upgrade pip
	$(OLDER)/bin/python -m pip install --quiet -r tools/older/requirements.txt -c tools/older/requirements.lock
	@cat $(OLDER_PINS) > $@

older-torch: $(OLDER_READY) ## run the chapters, asserts on, with the torch that Colab had a year ago
	$(OLDER)/bin/python -m pytest -o addopts= -p no:cacheprovider --nbval-lax --nbval-current-env tools/older chapters

notebooks: $(READY) ## re-execute the chapters in place (accepts intended changes of output)
	$(BIN)/python -m tools.notebooks chapters

translations: $(READY) ## bring the Chinese catalogue up to the English, and count what is missing or stale
	@$(BIN)/python -m tools.translation update

serve: book ## serve the built site at http://localhost:8000
	$(BIN)/python -m http.server --directory _build/html 8000

pdf: book ## print the whole book to _build/resnext-book.pdf (needs Chromium)
	$(BIN)/python -m tools.pdf

zip: book ## pack the site for offline classes into _build/resnext-book.zip
	$(BIN)/python -m tools.offline

lab: $(READY) ## open the chapters in JupyterLab
	$(BIN)/jupyter lab chapters

classroom: $(READY) ## write student edition, solutions and slides to _classroom/
	$(BIN)/python -m tools.classroom


# What is typed after these tasks reaches a program through its environment, as "$$URL": make does not expand it, and no
# shell reads it as code. A variable that happens to be in the environment is not meant.
TYPED := URL BRANCH REMOTE NAME EXERCISES DUE ZIP STUDENT PLAN ANSWERS MIRROR TORCH SEED CHAPTERS QUESTIONS
$(foreach name,$(TYPED),$(eval override $(name) := $$(if $$(filter command,$$(origin $(name))),$$(value $(name)))))
export $(TYPED)

bundle: book ## pack one zip for students into _classroom/: make bundle MIRROR=https://a.mirror.of.pypi/simple
	$(BIN)/python -m tools.bundle $${MIRROR:+"--mirror=$$MIRROR"} $${TORCH:+"--torch=$$TORCH"}

exam: $(READY) ## write exam and key to _classroom/, numbers drawn by a seed: make exam SEED=7 CHAPTERS="4 5"
	$(BIN)/python -m tools.exam $${CHAPTERS:+"--chapters=$$CHAPTERS"} $${QUESTIONS:+"--questions=$$QUESTIONS"} -- "$$SEED"

lesson: $(READY) ## slides, notes and handouts of a plan in teaching/plans.md: make lesson PLAN=50
	$(BIN)/python -m tools.lesson -- "$$PLAN"

handout: $(READY) ## write the handout of two A4 pages to _classroom/; with answers: make handout ANSWERS=1
	$(BIN)/python -m tools.handout $${ANSWERS:+--answers}

# nbgrader has an environment of its own, and runs submissions with the book's Python.
$(GRADER_READY): | $(READY)
	$(PYTHON) -m venv $(GRADER)
	$(GRADER)/bin/python -m pip install --quiet -r tools/grading/requirements.txt -c tools/grading/requirements.lock
	@cat $(GRADER_PINS) > $@

grader: $(GRADER_READY) ## set up grading with nbgrader, apart from the book's environment

exercises: $(READY) ## list all exercises: chapter, name, title, minutes, from scratch or not
	@$(BIN)/python -m tools.grading list

assignment: $(GRADER_READY) ## make an assignment: make assignment NAME=week3 EXERCISES="stage_widths form_a" DUE="2026-12-01 23:59"
	$(BIN)/python -m tools.grading assign $${DUE:+--due "$$DUE"} -- "$$NAME" $$EXERCISES

collect: $(GRADER_READY) ## take hand-ins out of a zip of Moodle's, Canvas's or nbgrader's: make collect ZIP=~/Downloads/week3.zip
	$(BIN)/python -m tools.grading collect $${NAME:+--title="$$NAME"} -- "$$ZIP"

SECONDS ?= 60
grade: $(GRADER_READY) ## grade what was handed in and has changed: make grade NAME=week3 STUDENT=ada
	$(BIN)/python -m tools.grading grade --seconds "$(SECONDS)" $${STUDENT:+--student="$$STUDENT"} -- "$$NAME"

address: $(READY) ## set the public address everywhere: make address URL=https://github.com/you/fork BRANCH=colab
	@$(BIN)/python -m tools.address $${URL:+"$$URL"} $${BRANCH:+"$$BRANCH"}

publish: $(READY) ## after address and book, make the branch that Colab opens: make publish REMOTE=origin
	@$(BIN)/python -m tools.publish $${REMOTE:+"--push=$$REMOTE"}

clean: ## remove the built site and caches (environments and _classroom stay)
	rm -rf _build .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -not -path './.*' -prune -exec rm -rf {} +
