#!/bin/sh
# Runs each unit test program; prints its output only when it fails, and one closing line.
passed=0
failed=0
for test in "$@"; do
	if output=$("$test" 2>&1); then
		passed=$((passed + 1))
		echo "ok   $(basename "$test")"
	else
		failed=$((failed + 1))
		printf '%s\n' "$output"
		echo "FAIL $(basename "$test")"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
