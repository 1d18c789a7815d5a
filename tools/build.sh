#!/bin/sh
# Build the pinned nsc, nats-servers, natscli and actionlint from tools/*/go.mod with their checksums, into .build/bin.
# A tool whose files did not change since its last build is left as it is.
set -eu
cd "$(dirname "$0")/.."
command -v go >/dev/null 2>&1 || { echo "tools/build.sh: no go on PATH; install Go 1.25 or later (https://go.dev/dl)" >&2; exit 1; }
mkdir -p .build/bin
root=$(pwd)
build() { # NAME MODULE
    stamp=".build/bin/.$1.sum"
    sum=$(cat "tools/$1"/* | cksum)
    if [ -x ".build/bin/$1" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ]; then return 0; fi
    echo "building $1" >&2
    (cd "tools/$1" && go build -mod=readonly -o "$root/.build/bin/$1" "$2")
    printf '%s\n' "$sum" >"$stamp"
}
build nsc github.com/nats-io/nsc/v2
build nats-server github.com/nats-io/nats-server/v2
build nats-server-2.11 github.com/nats-io/nats-server/v2
build dirstore .
build natscli github.com/nats-io/natscli/nats
build actionlint github.com/rhysd/actionlint/cmd/actionlint
