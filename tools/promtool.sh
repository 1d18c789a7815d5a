#!/bin/sh
# Have promtool, for the tests of docs/prometheus: the one on PATH or in .build/bin; else the one in Debian's package,
# unpacked without root (19 MB, seconds); else, with `build`, built from tools/promtool with its checksums (three
# minutes of CPU time and 900 MB of modules, for it links the clients of every cloud).
# Status 1 where there is none; the last line says what to do.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
if [ -x .build/bin/promtool ] || command -v promtool >/dev/null 2>&1; then exit 0; fi
mkdir -p .build/bin
if command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1; then
    echo "unpacking promtool from Debian's package" >&2
    place=$(mktemp -d)
    trap 'rm -rf "$place"' EXIT
    if (cd "$place" && apt-get -qq download prometheus && dpkg -x prometheus_*.deb .) >/dev/null 2>&1 &&
        "$place/usr/bin/promtool" --version >/dev/null 2>&1; then
        cp "$place/usr/bin/promtool" .build/bin/promtool
        exit 0
    fi
fi
if [ "${1:-}" = build ] && command -v go >/dev/null 2>&1; then
    echo "building promtool" >&2
    cd tools/promtool
    # The tag leaves the service discoveries out, which no test of a rule asks.
    go build -mod=readonly -trimpath -tags remove_all_sd -ldflags=-s -o "$root/.build/bin/promtool" \
        github.com/prometheus/prometheus/cmd/promtool
    exit 0
fi
echo "tools/promtool.sh: no promtool; install Debian's package prometheus, or run \`make promtool\` (needs Go)" >&2
exit 1
