#!/bin/sh
# The end-to-end tests on every pair of stores, each with one worker and with two, and the core stories on
# two hosts. A line for each: what failed is shown, and the others still run.
#   matrix.sh LOGS COMMAND…   COMMAND runs pytest; what it said is in LOGS
set -u
logs=$1
shift
mkdir -p "$logs"
n_failed=0

# From "1 failed, 398 passed, 2 skipped, 1 error in 45.06s (0:00:45)".
counts() {
	awk -F '[, ]+' '/ in [0-9.]+s/ {
		for (i = 2; i <= NF; i++)
			n[$i] = $(i - 1)
		for (i = 2; i <= NF; i++)
			if ($(i - 1) == "in")
				s = $i
	}
	END {
		printf "%d passed, %d failed, %d skipped, %d s", n["passed"],
			n["failed"] + n["error"] + n["errors"], n["skipped"], s
	}' "$1"
}

# run NAME COMMAND…
run() {
	log=$logs/$1.log
	name=$1
	shift
	if "$@" > "$log" 2>&1; then
		echo "$name: $(counts "$log")"
		return
	fi
	n_failed=$((n_failed + 1))
	grep -E '^(FAILED|ERROR|(INTERNALERROR> )?E  )' "$log" | tail -n 100 | grep . || tail -n 20 "$log"
	echo "$name: $(counts "$log"), see $log"
}

for pair in sqlite+lmdb mysql+redis mysql+lmdb sqlite+redis; do
	run "$pair" env PINTLE_STORES=$pair "$@"
done
run 'mysql+redis on 2 hosts' env PINTLE_STORES=mysql+redis PINTLE_HOSTS=2 "$@" -m core
[ "$n_failed" -eq 0 ]
