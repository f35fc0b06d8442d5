#!/usr/bin/env bash
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
#
# Build the wheel, install it into an empty environment, and train and evaluate there, away from
# the repository: what an installed package lacks shows here. Usage: check_wheel.sh PYTHON
#
# The dependencies are those of PYTHON's environment, seen through a .pth file: that takes seconds,
# and leaves out the editable install there, because .pth files act in one's own environment alone.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(realpath -s "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# From a copy, because a build leaves folders behind, and takes in what an older one has left.
mkdir "$work/source"
cp -r pyproject.toml README.md LICENSE robomamba_jax "$work/source"
"$python" -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir "$work" \
    "$work/source"
"$python" -m venv --without-pip "$work/venv"
site=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$python" -m pip --disable-pip-version-check --python "$work/venv/bin/python" install --quiet \
    --no-deps "$work"/*.whl
"$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$site/dependencies.pth"

cd "$work"
unset PYTHONPATH
# What is compiled runs for two steps: see tests/compiling.py.
export XLA_FLAGS="--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
export PATH="$work/venv/bin:$PATH"
python -c "import robomamba_jax as rm; assert rm.__file__.startswith('$site'), rm.__file__"
robomamba train --config stage1_1_align --tiny --workdir align --set run.steps=2 \
    --set run.samples=0 --json >train.json
robomamba eval --config eval_pope --tiny --checkpoint align --out pope \
    --set prompt.max_new_tokens=2 --json >eval.json
python - <<'PYTHON'
import json

train, evaluation = (json.load(open(f"{name}.json")) for name in ("train", "eval"))
assert train["step"] == 2, train
assert evaluation["answered"] == evaluation["questions"] > 0, evaluation
print(f"the wheel trains ({train['step']} steps) and evaluates ({evaluation['questions']} questions)")
PYTHON
