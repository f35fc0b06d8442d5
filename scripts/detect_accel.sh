#!/usr/bin/env bash
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
#
# Prints the jax build this machine wants: cuda12, tpu or cpu.
set -euo pipefail

exists() { [ -e "$1" ]; } # given a glob, looks at its first match

if nvidia-smi -L >/dev/null 2>&1 || exists /dev/nvidia0; then
    echo cuda12
# Numbered files only: the folder /dev/accel belongs to other vendors' devices.
elif exists /dev/accel[0-9]*; then
    echo tpu
# Newer TPUs are passed through as vfio, which other machines have too: ask for a TPU's settings.
elif exists /dev/vfio && [ -n "${TPU_NAME:-}${TPU_WORKER_ID:-}${TPU_ACCELERATOR_TYPE:-}" ]; then
    echo tpu
else
    echo cpu
fi
