#!/bin/sh
# A server for pintle-check: `server.sh start DIR` prints the section that leads to it, `server.sh stop DIR`
# ends it.
set -eu
case $1 in
start)
	told=$(sh scripts/mariadb.sh start "$2")
	mariadb --no-defaults --user=root --socket="$2/socket" \
		--execute='CREATE DATABASE IF NOT EXISTS pintle CHARACTER SET utf8mb4 COLLATE utf8mb4_bin'
	printf '[db_mysql]\nhost = 127.0.0.1\n%s\nuser = pintle\npassword = pintle\n' \
		"$(echo "$told" | grep '^port=')"
	;;
stop) sh scripts/mariadb.sh stop "$2" ;;
esac
