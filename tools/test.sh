#!/bin/sh
# Everything that decides whether this tree is green. Where Go is missing the real tools cannot be built:
# the rest runs, the last lines say what was left out, and under CI=true that is a failure.
set -eu
cd "$(dirname "$0")/.."
sh tools/lint.sh
left_out=""
if command -v go >/dev/null 2>&1; then
    sh tools/build.sh
    python -m pytest -q -n 2 --dist loadfile
else
    left_out=yes
    python -m pytest -q -n 2 --dist loadfile -m "not nsc and not server"
fi
if [ -n "$left_out" ]; then
    cat <<'END'

********************************************************************************
LEFT OUT: no `go` on PATH, so the pinned nsc, nats-server and natscli were not built.
Not run: every test marked `nsc` or `server`, that is, every test that asks the
real tools. Install Go 1.25 or later and run `make test` again.
********************************************************************************
END
    if [ "${CI:-}" = true ]; then exit 1; fi
fi
