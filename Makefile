# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
#
# `make` lists the targets. What can be set on the command line or in the environment:
#   ACCEL         auto (default), cpu, cuda12 or tpu: which jax build to install
#   DEMO          standard (20 minutes on two cores), smoke (4), full (hours), gpu, dino or scratch
#   DEMO_DIR      where the demo lies (runs/demo, runs/demo-smoke, ...)
#   PLAN          of make pretrain: full (hours on two cores) or smoke
#   PLAN_DIR      where it lies (runs/pretrain, runs/pretrain-smoke)
#   PYTHON        the interpreter for a new .venv (default: the first python3 from 3.11 on)
#   VENV          where the virtual environment lies (default .venv)
#   PYTEST_ARGS   more arguments for pytest, e.g. PYTEST_ARGS="tests/ops -k scan"
#   TEST_WORKERS  test processes (default 2; 0 runs the tests in one process)
#   XLA_FLAGS     the tests compile quickly, for slow code; XLA_FLAGS= compiles as users do
#   TORCH_SPEC    where torch comes from; only the tests and the benchmark need it. The index's own
#                 Linux wheel may bring gigabytes of CUDA: point pip at a CPU wheel with
#                 PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL, or give a file: TORCH_SPEC=./torch-....whl

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

ACCEL ?= auto
PYTHON ?=
VENV ?= .venv
PYTEST_ARGS ?=
TORCH_SPEC ?= torch==2.13.0
BENCH_ARGS ?= scan
DEMO ?= standard
PLAN ?= full
PLAN_DIR ?= runs/pretrain$(if $(filter-out full,$(PLAN)),-$(PLAN))
DEMO_DIR ?= runs/demo$(if $(filter-out standard,$(DEMO)),-$(DEMO))
ASSETS_ARGS ?=
UV_SPEC := uv==0.13.9

KIND := $(if $(filter-out auto,$(ACCEL)),$(ACCEL),$(shell scripts/detect_accel.sh))
ifeq ($(filter cpu cuda12 tpu,$(KIND)),)
$(error ACCEL=$(ACCEL) is unknown: use ACCEL=auto, cpu, cuda12 or tpu)
endif

comma := ,
DEVICE := $(if $(filter cuda12,$(KIND)),cuda)$(if $(filter tpu,$(KIND)),tpu)
# The demo trains, and does it on the accelerator if there is one, unless JAX_PLATFORMS is given.
DEMO_PLATFORMS := $(or $(JAX_PLATFORMS),$(if $(DEVICE),$(DEVICE)$(comma))cpu)
# A training step on a CPU takes and returns hundreds of megabytes; in huge pages the kernel needs a
# fifth less of all the time. Where glibc does not know it (before 2.35) it says nothing.
MALLOC := GLIBC_TUNABLES=glibc.malloc.hugetlb=1
# Elsewhere the CPU comes first, so that results do not depend on the machine; a test that is marked
# gpu or tpu places its arrays on that device itself. Only one process at a time may hold a TPU.
JAX_PLATFORMS ?= cpu$(if $(DEVICE),$(comma)$(DEVICE))
TEST_WORKERS ?= $(if $(filter tpu,$(KIND)),0,2)

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
STAMP := $(VENV)/.stamp-$(KIND)

.PHONY: help demo pretrain venv install install-test install-bench install-sim vulkan plan-env test-plan lmms-env test-lmms assets test test-fast test-wheel test-all lint format typecheck lock bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
	@echo "  here: ACCEL=$(KIND), VENV=$(VENV); the variables are at the top of the Makefile"

demo: $(STAMP)-sim vulkan $(if $(filter dino,$(DEMO)),assets-dino) ## the whole paper in 20 minutes: data, training, benchmarks, rollouts
	JAX_PLATFORMS=$(DEMO_PLATFORMS) $(MALLOC) $(PY) -m robomamba_jax demo --mode $(DEMO) --out $(DEMO_DIR)

pretrain: $(STAMP)-sim vulkan ## train nano-start, which the demo begins with (nine hours on two cores)
	JAX_PLATFORMS=$(DEMO_PLATFORMS) $(MALLOC) $(PY) -m robomamba_jax pretrain --plan $(PLAN) --out $(PLAN_DIR)

venv: $(VENV)/.stamp-venv ## make the virtual environment
$(VENV)/.stamp-venv:
	@PYTHON="$(PYTHON)" scripts/make_venv.sh "$(VENV)"
	@touch $@

install: $(STAMP)-base ## install the package (editable) and the jax build of ACCEL
install-test: $(STAMP)-test ## the same with all that the tests and the linters need
install-bench: $(STAMP)-bench ## the same with the implementations to compare with
install-sim: $(STAMP)-sim vulkan ## the same with the simulator and a driver that it can draw with

vulkan: $(VENV)/.stamp-venv ## a Vulkan driver for SAPIEN on a CPU, without root; none where one serves
	$(PY) scripts/fetch_vulkan.py

# One stamp per set of extras. Stamps of another ACCEL go, so that changing back installs again.
$(STAMP)-%: $(VENV)/.stamp-venv pyproject.toml requirements.lock
	@rm -f $(filter-out $(STAMP)-%,$(wildcard $(VENV)/.stamp-*-*))
	$(PIP) install --editable ".[$(KIND)$(if $(filter-out base,$*),$(comma)$*)]" \
	  $(if $(filter test bench,$*),"$(TORCH_SPEC)") --constraint requirements.lock
	@# timm would pull in torchvision, whose wheel on the index breaks beside a CPU build of torch;
	@# of the other two the scorers alone are wanted, which need none of their packages.
	$(if $(filter test,$*),$(PIP) install --no-deps timm==1.0.31 lmms-eval==0.7.3 pycocoevalcap==1.2)
	@# Without a driver the simulator's tests are skipped by name; its one line says what is missing.
	$(if $(filter test,$*),$(PY) scripts/fetch_vulkan.py || true)
	@touch $@ $(STAMP)-base

# libtpu locks while it is used, and an ordinary program would load it: it gets its own environment.
plan-env: .venv-plan/.stamp ## an environment for robomamba plan with TPU and GPU topologies (their compilers, 1.3 GB)
.venv-plan/.stamp: pyproject.toml requirements.lock
	@PYTHON="$(PYTHON)" scripts/make_venv.sh .venv-plan
	.venv-plan/bin/python -m pip --disable-pip-version-check --no-input install --editable ".[plan]" \
	  --constraint requirements.lock
	@touch $@

test-plan: .venv-plan/.stamp ## plans of the real model for TPUs and GPUs that are not there (twenty minutes)
	JAX_PLATFORMS=cpu .venv-plan/bin/python scripts/check_plans.py
	JAX_PLATFORMS=cpu .venv-plan/bin/python scripts/check_kernels.py
	JAX_PLATFORMS=cpu .venv-plan/bin/python scripts/check_gpus.py

# lmms-eval brings torch, datasets and much more, some of it older than ours: its own environment.
# The index's torchvision does not load beside a CPU build of torch, and lmms-eval can do without.
lmms-env: .venv-lmms/.stamp ## an environment with lmms-eval, which then knows --model robomamba (3 GB)
.venv-lmms/.stamp: pyproject.toml requirements.lock
	@PYTHON="$(PYTHON)" scripts/make_venv.sh .venv-lmms
	.venv-lmms/bin/python -m pip --disable-pip-version-check --no-input install "$(TORCH_SPEC)" \
	  lmms-eval==0.7.3
	.venv-lmms/bin/python -m pip --disable-pip-version-check --no-input install --editable . \
	  --constraint requirements.lock
	@.venv-lmms/bin/python -c "import torchvision" 2>/dev/null || \
	  .venv-lmms/bin/python -m pip --disable-pip-version-check uninstall --yes --quiet torchvision
	@touch $@

test-lmms: $(STAMP)-test .venv-lmms/.stamp ## let lmms-eval ask a checkpoint of ours (a minute)
	JAX_PLATFORMS=cpu $(PY) -m pytest -m harness -n 0

assets: $(VENV)/.stamp-venv ## fetch real inputs: the tokenizer; ASSETS_ARGS=--dino also DINOv2-S (90 MB)
	$(PY) scripts/fetch_assets.py $(ASSETS_ARGS)

.PHONY: assets-dino
assets-dino: $(VENV)/.stamp-venv
	$(PY) scripts/fetch_assets.py --dino

test: $(STAMP)-test ## run all tests (25 minutes of CPU)
	JAX_PLATFORMS=$(JAX_PLATFORMS) $(PY) -m pytest -n $(TEST_WORKERS) $(PYTEST_ARGS)

test-fast: $(STAMP)-test ## run the tests that take less than a second of CPU each (five minutes of CPU)
	JAX_PLATFORMS=$(JAX_PLATFORMS) $(PY) -m pytest -n $(TEST_WORKERS) -m "not slow" $(PYTEST_ARGS)

test-wheel: $(STAMP)-test ## install the wheel into an empty environment, train and evaluate there
	JAX_PLATFORMS=cpu scripts/check_wheel.sh $(PY)

test-all: test test-wheel ## run all tests, and try the wheel

lint: $(STAMP)-test ## look for mistakes and unformatted code
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	@$(PY) scripts/size_hints.py

format: $(STAMP)-test ## format the code and fix what can be fixed
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

typecheck: $(STAMP)-test ## check the types
	$(PY) -m pyright --pythonpath $(PY)

# Accelerator wheels are left out: the pinned jax chooses its own. So is what torch's CUDA build
# adds, and the local part of its version, so that any build of that version satisfies the lock.
lock: $(VENV)/.stamp-venv ## choose all versions anew and write requirements.lock
	$(PIP) install --quiet $(UV_SPEC)
	$(PY) -m uv pip compile --quiet pyproject.toml $(addprefix --extra ,test bench sim video lerobot) \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --no-header --no-annotate \
	  $(addprefix --find-links ,$(PIP_FIND_LINKS)) >$(VENV)/lock.txt
	{ echo "# Every package of the CPU and test sets, written by 'make lock'; used as constraints."; \
	  sed -E '/^(nvidia|cuda|triton)/d; s/^(torch==[0-9.]+)\+.*/\1/' $(VENV)/lock.txt; } >requirements.lock
	@rm $(VENV)/lock.txt

bench: $(STAMP)-bench ## measure speed and memory on this machine
	$(PY) -m robomamba_jax bench $(BENCH_ARGS)

clean: ## remove caches and build files (keeps .venv and runs/)
	rm -rf build dist *.egg-info .cache .hypothesis .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
