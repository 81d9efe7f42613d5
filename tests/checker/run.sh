#!/bin/sh
# Holds the checker to its word: each numbered plugin breaks the rule that `expected` names, and its
# twin, the same source with FIXED, breaks none. BUILD is the build folder, ONLY one number.
set -u
BUILD=${BUILD:-build}
CC=${CC:-cc}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir "$out/defect" "$out/twin"
failed=0
n=0

# A sanitizer has the allocator for itself: allocation rules are skipped there.
skips() {
	case ${SANFLAGS:-} in *sanitize*) ;; *) return 1 ;; esac
	case $1 in F02 | F04 | M02 | L03) return 0 ;; esac
	return 1
}

build() { # number, folder, flags
	number=$1 folder=$2
	shift 2
	flags=
	[ ! -f "tests/checker/$number.flags" ] || flags=$(cat "tests/checker/$number.flags")
	$CC -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra ${SANFLAGS:-} -fPIC -shared -fvisibility=hidden \
		-fstack-protector-strong "$@" -DNAME="\"$number\"" -Isdk/include -Itests/checker \
		-o "$out/$folder/$number.so" "tests/checker/$number.c" $flags -lpthread || exit 1
	chmod go-w "$out/$folder" "$out/$folder/$number.so"
}

complain() { # what, output
	echo "FAIL checker: $1"
	printf '%s\n' "$2" | sed 's/^/     /'
	failed=$((failed + 1))
}

while read -r number rule; do
	case $number in '#' | '') continue ;; esac
	[ -z "${ONLY:-}" ] || [ "$ONLY" = "$number" ] || continue
	cases="--cases tests/checker/cases"
	[ ! -f "tests/checker/$number.cases" ] || cases="--cases tests/checker/$number.cases"
	case $rule in K* | B*) cases= ;; esac
	build "$number" twin -DFIXED
	build "$number" defect
	n=$((n + 1))
	if ! output=$("$BUILD/pintle-check" $cases "$out/twin/$number.so"); then
		complain "$number, the twin, is refused" "$output"
	fi
	skips "$rule" && continue
	output=$("$BUILD/pintle-check" $cases "$out/defect/$number.so")
	if ! printf '%s\n' "$output" | grep -q "^FAIL $rule "; then
		complain "$number does not break $rule" "$output"
	fi
done < tests/checker/expected

echo "checker: $n plugins with a defect and their twins, $failed failed"
[ "$failed" -eq 0 ] && [ "$n" -gt 0 ]
