#!/bin/sh
# clang-tidy on one file as it is compiled; .clang-tidy says what is asked. One file a process, since several
# confuse its analysis of variadic functions.
set -eu
build=${BUILD:-build}
case $1 in
# Tests do wrong things on purpose: hostile texts, null pointers, commands of a shell.
tests/*) without='-clang-analyzer-*,-misc-misleading-bidirectional,-bugprone-suspicious-missing-comma,-cert-env33-c' ;;
*) without= ;;
esac
# What it says of its own progress is no finding.
exec clang-tidy --quiet --checks="$without" "$1" -- -std=c11 -D_GNU_SOURCE -DPINTLE_TEST \
	'-DPINTLE_VERSION=""' '-DPINTLE_PLUGIN_DIR=""' '-DBUILD_DIR=""' -Isdk/include -Isdk/check -Ihost -Iplugins \
	-Itests/unit "-I$build/gen" "-I$build/gen/$(basename "$(dirname "$1")")" \
	$(pkg-config --cflags libevent inih jansson libjwt libcurl openssl) 2>/dev/null
