#!/bin/sh
# Runs fuzz targets, as many at once as there are processors: run_fuzz.sh FOLDER SECONDS NAME... New inputs go
# to a corpus beside the programs; whoever finds a good one moves it into tests/fuzz/corpus.
set -eu
if [ "$1" = --one ]; then
	folder=$2
	seconds=$3
	name=$4
	mkdir -p "$folder/corpus/$name" "$folder/found"
	log=$folder/$name.log
	if ! "$folder/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 \
		-print_final_stats=1 -artifact_prefix="$folder/found/$name-" \
		"$folder/corpus/$name" "tests/fuzz/corpus/$name" > "$log" 2>&1; then
		grep -E -A 40 -m 1 'ERROR|Assertion|runtime error' "$log" || tail -n 40 "$log"
		echo "FAIL $name: the input is in $folder/found/"
		exit 1
	fi
	echo "ok   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s"
	exit
fi
folder=$1
seconds=$2
shift 2
export ASAN_OPTIONS=detect_stack_use_after_return=1
printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" sh "$0" --one "$folder" "$seconds"
