#!/bin/sh
# Runs unit test programs, as many at once as there are processors, under the command in PINTLE_UNDER if there
# is one; prints the output of one only when it fails, and a closing line. What such a command says of a forked
# child counts as well. One that is not done after LIMIT_S seconds has failed.
if [ "${1:-}" = --one ]; then
	name=$(basename "$2")
	if output=$(timeout -k 10 "${LIMIT_S:-300}" ${PINTLE_UNDER:-} "$2" 2>&1) && ! printf '%s\n' "$output" | grep -q '^==[0-9]*== '; then
		echo "ok   $name"
	else
		printf '%s\nFAIL %s\n' "$output" "$name"
	fi
	exit
fi
said=$(mktemp)
trap 'rm -f "$said"' EXIT
printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" sh "$0" --one | tee "$said"
passed=$(grep -c '^ok   ' "$said")
echo "$passed passed, $(($# - passed)) failed"
[ "$passed" -eq $# ] && [ "$passed" -gt 0 ]
