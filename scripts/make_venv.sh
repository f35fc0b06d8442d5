#!/usr/bin/env bash
# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
#
# Makes a virtual environment that has pip:  [PYTHON=python3.11] scripts/make_venv.sh DIR
#
# Debian's python3 comes without ensurepip, so a plain `python3 -m venv` fails there until
# python3-venv is installed, which needs root. Debian also packs pip as one wheel; unpacking
# that package gives pip without root.
set -euo pipefail

say() { echo "make_venv: $*" >&2; }
fail() {
    say "$*"
    exit 2
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
has_pip() { "$1/bin/python" -m pip --version >/dev/null 2>&1; }

# Prints the interpreter to use: $PYTHON, else the first one that runs and is new enough.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" >/dev/null || fail "PYTHON=$PYTHON is not there"
        is_new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11 or newer"
        echo "$PYTHON"
        return
    fi
    local candidate
    for candidate in python3 python3.11 python3.12 python3.13; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer found: install one, or name it with PYTHON=/path/to/python"
}

# Fetches Debian's package of the pip wheel into the current folder. Without package lists (as in
# a slim container) it makes private ones here, which needs no root either.
download_pip_package() {
    # As root, apt would download as a user who cannot write here, and warn about it.
    local get=(apt-get -qq -o APT::Sandbox::User=root)
    "${get[@]}" download python3-pip-whl 2>/dev/null && return
    get+=(-o Dir::State="$PWD/state" -o Dir::Cache="$PWD/cache" -o Debug::NoLocking=1)
    mkdir -p state/lists/partial cache/archives/partial
    "${get[@]}" update && "${get[@]}" download python3-pip-whl
}

# make_without_ensurepip PYTHON DIR TMP
make_without_ensurepip() {
    local wheels=(/usr/share/python-wheels/pip-*.whl)
    if [ ! -e "${wheels[0]}" ]; then
        command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
        (cd "$3" && download_pip_package && dpkg -x python3-pip-whl_*.deb unpacked) >&2 || return 1
        wheels=("$3"/unpacked/usr/share/python-wheels/pip-*.whl)
    fi
    "$1" -m venv --clear --without-pip "$2" &&
        "$2/bin/python" "${wheels[0]}/pip" install --quiet --no-index "${wheels[0]}" &&
        has_pip "$2"
}

# make_as_root PYTHON DIR
make_as_root() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update >/dev/null && apt-get -qq install --yes python3-venv >/dev/null &&
        "$1" -m venv --clear "$2"
}

dir=${1:?usage: make_venv.sh DIR}
if [ -x "$dir/bin/python" ] && is_new_enough "$dir/bin/python" && has_pip "$dir"; then
    exit 0
fi
# --clear empties a folder: only ever a virtual environment.
if [ -e "$dir" ] && [ ! -e "$dir/pyvenv.cfg" ]; then
    fail "$dir exists and is no virtual environment: move it away, or choose another with VENV=DIR"
fi

python=$(find_python)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
say "making $dir with $("$python" --version) ($python)"
if "$python" -m venv --clear "$dir" >"$tmp/log" 2>&1 && has_pip "$dir"; then
    exit 0
fi
say "'$python -m venv' does not work here; taking pip from Debian's package"
make_without_ensurepip "$python" "$dir" "$tmp" && exit 0
say "that failed too; trying to install python3-venv"
make_as_root "$python" "$dir" && has_pip "$dir" && exit 0
rm -rf "$dir" # half a virtual environment would be taken for a whole one
fail "cannot make $dir: run 'apt-get install python3-venv' as root, then try again"
