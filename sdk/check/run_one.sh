#!/bin/sh
# Checks one plugin of the tree with the cases beside it; prints all only when it fails.
# Usage: run_one.sh BUILD NAME
set -u
cases=plugins/$2/cases
if [ -f "$cases" ]; then
	set -- "$1" "$2" --cases "$cases"
fi
build=$1 name=$2
shift 2
output=$("$build/pintle-check" "$@" "$build/plugins/$name.so")
status=$?
if [ "$status" -ne 0 ]; then
	printf '%s\n' "$output"
else
	printf '%s\n' "$output" | tail -n 1
fi
exit "$status"
