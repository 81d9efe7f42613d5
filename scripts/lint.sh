#!/bin/sh
# Format, static analysis and the rules of the house that a tool can see.
set -u
failed=0
complain() {
	echo "lint: $*" >&2
	failed=1
}

sources=$(git ls-files 'host/*.[ch]' 'sdk/*.[ch]' 'plugins/*.[ch]' 'ctl/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]')
clang-format --dry-run -Werror $sources || complain "clang-format: run clang-format -i on the files above"

# The host knows no login method.
words='password|sms|wechat|qrcode|totp|google|github|oauth2|twilio|aliyun|tencent'
if grep -nEi "$words" $(git ls-files 'host/*.[ch]'); then
	complain "a login method stands in host/"
fi
# A plugin uses the SDK and its own libraries.
for plugin in plugins/*/; do
	for header in $(sed -n 's/^#include "\(.*\)"/\1/p' "$plugin"*.c "$plugin"*.h 2>/dev/null | sort -u); do
		[ -e "$plugin$header" ] || [ "$header" = schema.h ] || complain "$plugin includes $header"
	done
done
if grep -nE '\<(TODO|FIXME|XXX)\>' $sources; then
	complain "unfinished work without an issue"
fi

# jansson's loops and _Noreturn are nothing to cppcheck 2.10 unless it is told.
cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --suppressions-list=.cppcheck \
	--enable=warning,portability,performance --library=posix,gnu,openssl,sqlite3,libcurl \
	-D_GNU_SOURCE '-D_Noreturn=__attribute__((noreturn))' --include=/usr/include/jansson.h \
	-Isdk/include -Ihost $(git ls-files 'host/*.c' 'plugins/*.c' 'ctl/*.c' 'sdk/*.c') ||
	complain "cppcheck"

# Those of tests/checker have their defects on purpose.
git ls-files 'host/*.c' 'plugins/*.c' 'ctl/*.c' 'sdk/*.c' 'tests/*.c' ':!tests/checker/*' | xargs -P 2 -n 1 sh scripts/tidy.sh ||
	complain "clang-tidy"

[ "$failed" -eq 0 ] && echo "lint: clean"
exit "$failed"
