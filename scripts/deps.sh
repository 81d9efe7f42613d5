#!/bin/sh
# Installs what is missing, by Debian package name: `deps.sh run` to build and run, `deps.sh check` to test
# as well. Nothing is asked of the network when all is there.
set -eu

build='gcc libc6-dev make pkg-config libevent-dev libinih-dev libjansson-dev libjwt-dev libcurl4-openssl-dev
 libsqlite3-dev libmariadb-dev liblmdb-dev libhiredis-dev libssl-dev libcrypt-dev libargon2-dev libzxcvbn-dev
 libqrencode-dev libpng-dev libwslay-dev
 python3 python3-yaml curl'
check='g++ clang clang-format clang-tidy cppcheck libclang-rt-14-dev libcmocka-dev python3-pytest
 python3-pytest-xdist python3-requests python3-websocket python3-jwt python3-cryptography python3-jsonschema
 python3-pymysql python3-oauthlib
 mariadb-server redis-server redis-sentinel sqlite3 nginx-light haproxy caddy nodejs procps strace valgrind libc6-dbg
 exim4-daemon-light openssl zbar-tools'
# Its evhttp fixes are not used here, its evbuffer fixes are (CVE-2026-63381).
libevent_min='2.1.12-stable-8+deb12u1'

case "${1:-run}" in
run) wanted=$build ;;
check) wanted="$build $check" ;;
*) echo "usage: deps.sh run|check" >&2; exit 2 ;;
esac

missing() {
	for package in $wanted; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
	done
}

# nodejs may come from elsewhere than Debian.
todo=$(missing)
if command -v node >/dev/null; then
	todo=$(echo "$todo" | grep -vx nodejs || true)
fi
have=$(dpkg-query -W -f '${Version}' libevent-dev 2>/dev/null || echo 0)
if ! dpkg --compare-versions "$have" ge "$libevent_min"; then
	todo="$todo libevent-dev"
fi
[ -n "$(echo $todo)" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "Missing packages:" $todo >&2
	echo "Install them as root: apt-get install --no-install-recommends" $todo >&2
	exit 1
fi

apt-get update -q
# A mail server of this machine's own would have to go for Exim: then nothing is installed.
sh "$(dirname "$0")/without_services.sh" apt-get install -qy --no-install-recommends --no-remove $todo

have=$(dpkg-query -W -f '${Version}' libevent-dev)
if ! dpkg --compare-versions "$have" ge "$libevent_min"; then
	echo "libevent $have is older than $libevent_min, which has security fixes pintle needs" >&2
	exit 1
fi
