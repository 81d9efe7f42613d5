#!/bin/sh
# Installs what `make bench` compares with: `deps.sh FOLDER`, where the npm packages go. What cannot be had is
# left out, and its rows say so.
set -u

folder=${1:?usage: deps.sh FOLDER}
todo=
command -v wrk >/dev/null || todo="$todo wrk"
[ -x /usr/sbin/nginx ] || todo="$todo nginx-light"
command -v node >/dev/null || todo="$todo nodejs"
command -v npm >/dev/null || command -v node >/dev/null || todo="$todo npm"
command -v glewlwyd >/dev/null || todo="$todo glewlwyd"
command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || todo="$todo mariadb-server"
command -v redis-server >/dev/null || todo="$todo redis-server"

if [ -n "$todo" ] && [ "$(id -u)" -eq 0 ]; then
	apt-get update -q >/dev/null
	for package in $todo; do
		sh "$(dirname "$0")/../scripts/without_services.sh" \
			apt-get install -qy --no-install-recommends "$package" >/dev/null ||
			echo "not installed: $package" >&2
	done
elif [ -n "$todo" ]; then
	echo "not installed, since this is not root:$todo" >&2
fi

command -v wrk >/dev/null && [ -x /usr/sbin/nginx ] || { echo "the benchmark needs wrk and nginx" >&2; exit 1; }

if command -v npm >/dev/null && [ ! -d "$folder/node_modules/ioredis" ]; then
	npm install --silent --no-audit --no-fund --prefix "$folder" express jsonwebtoken ioredis ||
		echo "not installed: express, jsonwebtoken, ioredis" >&2
fi
exit 0
