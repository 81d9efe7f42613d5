#!/bin/sh
# Runs each unit test program, under the command in PINTLE_UNDER if there is one; prints its output only when
# it fails, and one closing line. What such a command says of a forked child counts as well.
passed=0
failed=0
for test in "$@"; do
	if output=$(${PINTLE_UNDER:-} "$test" 2>&1) && ! printf '%s\n' "$output" | grep -q '^==[0-9]*== '; then
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
