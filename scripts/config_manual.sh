#!/bin/sh
# Writes the reference of every option as Markdown, from what the programs say of themselves.
# Usage: config_manual.sh BUILD
set -eu
export LC_ALL=C.UTF-8

build=$1

# name (type, default x)
#	help.
table() {
	awk '
	BEGIN { printf "| key | type | default | what |\n| --- | --- | --- | --- |\n" }
	function cell(text) { gsub(/\|/, "\\|", text); return text }
	/^\t/ { printf "| `%s` | %s | %s | %s |\n", name, type, value, cell(substr($0, 2)); next }
	/ \(.*\)$/ {
		name = $1
		type = substr($0, length(name) + 3, length($0) - length(name) - 3)
		value = ""
		at = index(type, ", default ")
		if (at > 0) {
			value = "`" cell(substr(type, at + 10)) "`"
			type = substr(type, 1, at - 1)
		} else if (sub(/, required$/, "", type)) {
			value = "required"
		}
	}'
}

common='/^In every section of a plugin:$/'

cat <<'TEXT'
# Configuration reference

Every option, as `pintled --explain NAME` prints it; [configuration.md](configuration.md) says how they are
written. This page is made by `scripts/config_manual.sh`: change the option tables, not the page.

## Sections of the server
TEXT

for section in server pool storage token session account limits keys log test_numbers group; do
	if [ "$section" = group ]; then
		printf '\n### [group NAME]\n\n'
	else
		printf '\n### [%s]\n\n' "$section"
	fi
	"$build/pintled" --explain "$section" | table
done

printf '\n## Every section of a plugin\n\n'
"$build/pintled" --explain "$(basename "$(ls -d plugins/*/ | head -n 1)")" | sed -n "$common,\$p" | table

printf '\n## Plugins\n'
for folder in plugins/*/; do
	plugin=$(basename "$folder")
	manual=$("$build/pintled" --explain "$plugin")
	printf '\n### %s\n\n%s. [More](../plugins/%s/README.md)\n' "$plugin" \
		"$(printf '%s\n' "$manual" | sed -n '1s/^[^:]*: //p')" "$plugin"
	own=$(printf '%s\n' "$manual" | sed "1d;$common,\$d")
	[ -z "$own" ] || { printf '\n'; printf '%s\n' "$own" | table; }
done
