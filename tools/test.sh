#!/bin/sh
# Everything that decides whether this tree is green. Where Go is missing the real tools cannot be built, and where jq is
# missing the commands of a page cannot be run: the rest runs, the last lines say what was left out, and under CI=true
# that is a failure.
set -eu
cd "$(dirname "$0")/.."
sh tools/lint.sh
left_out=""
run=""
if command -v go >/dev/null 2>&1; then
    sh tools/build.sh
else
    left_out=yes
    run="not nsc and not server and not actionlint"
fi
if ! command -v jq >/dev/null 2>&1; then
    left_out=yes
    run="${run:+$run and }not jq"
fi
python -m pytest -q -n 2 --dist loadfile -m "$run"
if [ -n "$left_out" ]; then
    cat <<'END'

********************************************************************************
LEFT OUT:
END
    case $run in *nsc*) cat <<'END' ;; esac
no `go` on PATH, so the pinned nsc, nats-server, natscli and actionlint were not
built. Not run: every test marked `nsc`, `server` or `actionlint`, that is, every
test that asks the real tools. Install Go 1.25 or later and run `make test` again.
END
    case $run in *jq*) cat <<'END' ;; esac
no `jq` on PATH. Not run: every test marked `jq`, that is, the commands of
docs/by-hand.md. Install the package `jq` and run `make test` again.
END
    cat <<'END'
********************************************************************************
END
    if [ "${CI:-}" = true ]; then exit 1; fi
fi
