#!/bin/sh
# Writes the steps DIR/<dialect>/NNN_name.sql as a C array of struct pintle_migration.
# With COUNT the array and its length are exported, for the host; else it is static, for a plugin.
# Usage: embed_schema.sh DIR SYMBOL [COUNT]
set -eu
export LC_ALL=C

dir=$1 symbol=$2 count=${3-}

fail() {
	echo "embed_schema: $1" >&2
	exit 1
}

# A text as C string literals, one a line. '?' is escaped because C11 still has trigraphs.
literals() {
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/?/\\?/g' -e 's/	/\\t/g' \
		-e 's/^/\t\t"/' -e 's/$/\\n"/' "$1"
}

step() {
	file=$1 dialect=$2 expected=$3
	base=$(basename "$file" .sql)
	digits=${base%%_*}
	case $base in
	[0-9][0-9][0-9]_?*) ;;
	*) fail "$file: not named NNN_name.sql" ;;
	esac
	case $base in
	*[!a-z0-9_]*) fail "$file: only a-z, 0-9 and _ in a name" ;;
	esac
	[ "$digits" = "$(printf '%03d' "$expected")" ] || fail "$file: expected number $expected"
	[ -s "$file" ] || fail "$file: empty"
	printf '\t{ "%s", %d, 0, "%s",\n' "$dialect" "$expected" "${base#*_}"
	literals "$file"
	printf '\t},\n'
}

if [ -n "$count" ]; then
	printf '#include "migrate.h"\n\nconst struct pintle_migration %s[] = {\n' "$symbol"
else
	printf '#include <pintle/plugin.h>\n\nstatic const struct pintle_migration %s[] = {\n' "$symbol"
fi
total=0
for folder in "$dir"/*/; do
	[ -d "$folder" ] || continue
	n=0
	for file in "$folder"*.sql; do
		[ -f "$file" ] || continue
		n=$((n + 1))
		step "$file" "$(basename "$folder")" "$n"
	done
	total=$((total + n))
done
# C has no empty arrays.
[ "$total" -gt 0 ] || printf '\t{ 0 },\n'
printf '};\n'
[ -z "$count" ] || printf 'const size_t %s = %d;\n' "$count" "$total"
