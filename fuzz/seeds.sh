#!/bin/sh
# Makes the seeds of each target, fuzz/corpus/TARGET/seed-NN, of the fixtures.
set -eu
cd "$(dirname "$0")/.."
cargo test --quiet --test all fuzzed::corpus -- --ignored --exact
ls -d fuzz/corpus/*
