#!/usr/bin/env bash
# Makes sure that a JDK (17 or newer) and Maven are here for the FHIR server of the tests.
#
# Does nothing when they are.  As root on Debian or Ubuntu it installs what is missing; otherwise it
# says what to install and fails, because a test run without its FHIR server has not tested delivery.
set -euo pipefail

jdk_is_new_enough() {
    local version
    version="$(javac -version 2>&1)" || return 1      # "javac 17.0.15"
    version="${version#javac }"
    [[ "${version%%[.-]*}" =~ ^[0-9]+$ ]] && [ "${version%%[.-]*}" -ge 17 ]
}

missing=()
jdk_is_new_enough || missing+=(jdk)
command -v mvn >/dev/null || missing+=(maven)
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "tests/hapi: install first: ${missing[*]} (JDK 17 or newer, Maven 3.8 or newer)" >&2
    echo "  Debian, Ubuntu: sudo apt-get install openjdk-17-jdk-headless maven" >&2
    exit 1
fi

apt-get update -qq
for i in "${!missing[@]}"; do
    [ "${missing[i]}" = jdk ] || continue
    missing[i]=openjdk-17-jdk-headless
    apt-cache show "${missing[i]}" >/dev/null 2>&1 || missing[i]=default-jdk-headless
done
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
jdk_is_new_enough || { echo "tests/hapi: javac on the PATH is older than 17" >&2; exit 1; }
