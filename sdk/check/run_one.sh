#!/bin/sh
# Checks one plugin of the tree with the cases beside it; prints all only when it fails.
# Usage: run_one.sh BUILD NAME
set -u
cases=plugins/$2/cases
if [ ! -f "$cases" ]; then
	echo "FAIL $2: it has no $cases"
	exit 1
fi
output=$("$1/pintle-check" --cases "$cases" "$1/plugins/$2.so")
status=$?
if [ "$status" -ne 0 ]; then
	printf '%s\n' "$output"
else
	printf '%s\n' "$output" | tail -n 1
fi
exit "$status"
