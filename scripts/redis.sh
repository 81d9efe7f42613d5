#!/bin/sh
# A Redis for tests: on a free loopback port, with its files in DIR.
#   redis.sh start DIR [redis-server options…]   prints port=, socket= and pid= once it answers
#   redis.sh stop DIR                            ends that one and waits
# Nothing is kept over a restart unless the options ask for it (--appendonly yes). A file DIR/redis.conf
# is read first; with --sentinel among the options it is a Sentinel, and that file tells what to watch.
set -eu
. "$(dirname "$0")/private_server.sh"

launch() {
	port=$1
	set -- --port "$port" --bind 127.0.0.1 --unixsocket "$dir/socket" --dir "$dir"
	case " $options " in
	*' --sentinel '*) ;;
	*) set -- "$@" --save '' ;;
	esac
	[ ! -f "$dir/redis.conf" ] || set -- "$dir/redis.conf" "$@"
	exec setsid redis-server "$@" $options
}

# A server that wants a password is ready too; one that reads its data is not.
is_ready() {
	case $(redis-cli -s "$dir/socket" PING 2>&1) in
	PONG | NOAUTH*) true ;;
	*) false ;;
	esac
}

action=${1:-}
dir=$(folder_of "${2:-}")
case "$action" in
start)
	shift 2
	options=$*
	start_private "$dir" launch is_ready
	;;
stop) stop_private "$dir" ;;
*) fail "usage: redis.sh start DIR [option…] | stop DIR" ;;
esac
