#!/usr/bin/env bash
# Makes sure that PostgreSQL's server programs (15 or newer) are here for the tests.
#
# Does nothing when they are.  As root on Debian or Ubuntu it installs them; otherwise it says what to
# install and fails, because a test run without PostgreSQL has not tested half of the ledger.  A server
# that the package starts by itself is left alone: the tests run their own, on a socket of its own.
set -euo pipefail

have_server() {
    local initdb version
    for initdb in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
        [ -x "$initdb" ] || continue
        version="$("$initdb" --version)"                # "initdb (PostgreSQL) 15.18 (Debian …)"
        version="${version#*(PostgreSQL) }"
        version="${version%%[!0-9]*}"
        [ "${version:-0}" -ge 15 ] && return 0
    done
    return 1
}

have_server && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests/postgres: install first: PostgreSQL 15 or newer, its server programs (initdb, postgres)" >&2
    echo "  Debian, Ubuntu: sudo apt-get install postgresql" >&2
    exit 1
fi

apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql
have_server || { echo "tests/postgres: the PostgreSQL of this system is older than 15" >&2; exit 1; }
