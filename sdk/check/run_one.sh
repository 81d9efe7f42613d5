#!/bin/sh
# Checks one plugin of the tree with the cases beside it; prints all only when it fails. A plugin that
# needs a server brings server.sh, which starts one of its own.
# Usage: run_one.sh BUILD NAME
set -u
folder=plugins/$2
if [ ! -f "$folder/cases" ]; then
	echo "FAIL $2: it has no $folder/cases"
	exit 1
fi
set -- "$1" "$2" --cases "$folder/cases"
if [ -f "$folder/server.sh" ]; then
	scratch=$(mktemp -d)
	trap 'sh "$folder/server.sh" stop "$scratch"; rm -rf "$scratch"' EXIT
	if ! sh "$folder/server.sh" start "$scratch" > "$scratch/conf"; then
		echo "FAIL $2: $folder/server.sh starts nothing"
		exit 1
	fi
	set -- "$@" --conf "$scratch/conf"
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
