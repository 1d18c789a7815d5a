#!/bin/sh
# Everything that decides whether this tree is green. Where Go is missing the real tools cannot be built:
# the rest runs, the last lines say what was left out, and under CI=true that is a failure.
set -eu
cd "$(dirname "$0")/.."
sh tools/lint.sh
left_out="" without=""
build=""
if [ "${CI:-}" = true ]; then build=build; fi
if ! sh tools/promtool.sh $build; then without="not promtool"; fi
if command -v go >/dev/null 2>&1; then
    sh tools/build.sh
else
    left_out=yes
    without="${without:+$without and }not nsc and not server"
fi
python -m pytest -q -n 2 --dist loadfile -m "$without"
if [ -n "$left_out" ]; then
    cat <<'END'

********************************************************************************
LEFT OUT: no `go` on PATH, so the pinned nsc and nats-server were not built.
Not run: every test marked `nsc` or `server`, that is, every test that asks the
real tools. Install Go 1.25 or later and run `make test` again.
********************************************************************************
END
fi
case $without in *promtool*)
    cat <<'END'

********************************************************************************
LEFT OUT: no promtool, so the Prometheus rules of docs/prometheus were not
checked. Install Debian's package `prometheus`, or run `make promtool` (Go builds
it, 3 minutes and 900 MB of modules), and run `make test` again.
********************************************************************************
END
    ;;
esac
if [ -n "$without" ] && [ "${CI:-}" = true ]; then exit 1; fi
