#!/usr/bin/env bash
# Builds .venv with the pinned requirements and the command `reviewdue`; `make venv` calls it.
#
# Every download is checked against a hash: the build tools too, so the package itself is built
# without an isolated environment, which would fetch unpinned ones.  PYTHON=… chooses the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stop() {
    printf 'make venv: %s\n' "$*" >&2
    exit 2
}

is_new_enough() {
    "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    stop "needs Python 3.11 or newer (looked for ${PYTHON:-python3.13, python3.12, python3.11, python3})." \
        "On Debian or Ubuntu: apt-get install python3 python3-venv"
}

# Debian splits venv and ensurepip from the interpreter.
ensure_venv_module() {
    if "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        return
    fi
    local package
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        stop "$1 has no venv module. Install it first: apt-get install $package"
    fi
    printf 'make venv: installing %s\n' "$package" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >&2
}

if ! { [ -x .venv/bin/python ] && is_new_enough .venv/bin/python && .venv/bin/python -m pip --version; } >/dev/null 2>&1
then
    python="$(find_python)"
    ensure_venv_module "$python"
    printf 'make venv: building .venv with %s\n' "$("$python" --version)" >&2
    "$python" -m venv --clear .venv
fi

pip() {
    .venv/bin/python -m pip --disable-pip-version-check --no-input --quiet "$@"
}

pip install --require-hashes -r requirements/build.txt -r requirements/test.txt
pip install --no-deps --no-build-isolation --editable .
