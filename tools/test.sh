#!/bin/sh
# Everything that decides whether this tree is green. Where a tool is missing that cannot be built here, what needs it is
# left out, the last lines say so, and under CI=true that is a failure.
set -eu
cd "$(dirname "$0")/.."
sh tools/lint.sh

left_out="" run=""
without() { # MARKERS WHAT: leave the tests out that need what is missing
    left_out="$left_out
$2
"
    for marker in $1; do run="${run:+$run and }not $marker"; done
}

if command -v go >/dev/null 2>&1; then
    sh tools/build.sh
else
    without "nsc server actionlint" "no \`go\` on PATH, so the pinned nsc, nats-server, natscli and actionlint were not
built. Not run: every test marked \`nsc\`, \`server\` or \`actionlint\`, that is, every
test that asks the real tools. Install Go 1.25 or later and run \`make test\` again."
fi
command -v jq >/dev/null 2>&1 || without jq "no \`jq\` on PATH. Not run: every test marked \`jq\`, that is, the commands of
docs/by-hand.md. Install the package \`jq\` and run \`make test\` again."
build=""
if [ "${CI:-}" = true ]; then build=build; fi
sh tools/promtool.sh $build || without promtool "no promtool. Not run: every test marked \`promtool\`, that is, the checks of the
Prometheus rules. Install Debian's package \`prometheus\`, or run \`make promtool\`
(Go builds it, 3 minutes and 900 MB of modules), and run \`make test\` again."

python -m pytest -q -n 2 --dist loadfile -m "$run"

if [ -n "$left_out" ]; then
    line="********************************************************************************"
    printf '\n%s\nLEFT OUT:\n%s%s\n' "$line" "$left_out" "$line"
    if [ "${CI:-}" = true ]; then exit 1; fi
fi
