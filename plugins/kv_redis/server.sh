#!/bin/sh
# A server for pintle-check: `server.sh start DIR` prints the section that leads to it, `server.sh stop DIR`
# ends it.
set -eu
case $1 in
start)
	told=$(sh scripts/redis.sh start "$2")
	printf '[kv_redis]\nhost = 127.0.0.1:%s\n' "$(echo "$told" | sed -n 's/^port=//p')"
	;;
stop) sh scripts/redis.sh stop "$2" ;;
esac
