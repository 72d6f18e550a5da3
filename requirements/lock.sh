#!/usr/bin/env bash
# Writes the pinned requirements anew from pyproject.toml; `make lock` calls it.
#
#   build.txt  what builds the wheel      base.txt  what runs the service      test.txt  base + tests
#
# Pins that still fit are kept; `make lock UPGRADE=1` takes the newest of everything.  The oldest
# Python that we support resolves, because it needs the most packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools="$(mktemp -d)"
trap 'rm -rf "$tools"' EXIT
python3.11 -m venv "$tools/venv"
"$tools/venv/bin/python" -m pip --disable-pip-version-check --quiet install 'pip-tools==7.6.2'

compile() {
    "$tools/venv/bin/pip-compile" --quiet ${UPGRADE:+--upgrade} --generate-hashes --strip-extras --no-header \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options "$@" pyproject.toml
}

compile --extra postgres --extra test --output-file requirements/test.txt
compile --extra postgres --constraint requirements/test.txt --output-file requirements/base.txt
compile --constraint requirements/test.txt --output-file requirements/build.txt \
    --only-build-deps --build-deps-for wheel --build-deps-for editable
