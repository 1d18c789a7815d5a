#!/bin/sh
# One definition of clean: style, types, layers.
set -eu
cd "$(dirname "$0")/.."
ruff check .
ruff format --check .
mypy
lint-imports --no-cache
