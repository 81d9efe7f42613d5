# Shared by the scripts that start a server of a test's own (mariadb.sh, redis.sh, smtp.sh); sourced, not run.
# A folder is one server: its data, log, pid and port. Started again on the same folder, a server has
# the same data and the same port. With PRIVATE_OWNER=PID the server ends when that process has gone,
# so that a test that is killed leaves nothing behind.

READY_TRIES=3000 # of 20 ms: a minute, for a machine busy with a whole suite
PORT_TRIES=20

fail() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# A zombie without living threads counts as gone: what is PID 1 of a container may reap late.
is_alive() {
	cat /proc/"$1"/task/*/stat 2>/dev/null | grep -qv '^[0-9]* (.*) [ZX]'
}

# A pid written down may belong to somebody else by now; each server works in its folder.
is_ours() {
	case $(readlink "/proc/$1/cwd") in
	"$2" | "$2"/*) is_alive "$1" ;;
	*) false ;;
	esac
}

# folder_of DIR: absolute, made if missing. A Unix socket's path has 107 bytes.
folder_of() {
	[ -n "$1" ] || fail "no folder"
	mkdir -p "$1"
	folder=$(cd "$1" && pwd)
	[ "${#folder}" -le 90 ] || fail "$folder: too long for the path of a socket"
	echo "$folder"
}

# wait_ready PID COMMAND…: 0 when COMMAND succeeds, 1 when the process has gone.
wait_ready() {
	ready_pid=$1
	shift
	tries=0
	while ! "$@"; do
		is_alive "$ready_pid" || return 1
		tries=$((tries + 1))
		[ "$tries" -lt "$READY_TRIES" ] || fail "pid $ready_pid is not ready after a minute"
		sleep 0.02
	done
}

# watch_owner PID: ends the server PID with its owner.
watch_owner() {
	[ -n "${PRIVATE_OWNER:-}" ] || return 0
	setsid sh -c 'while kill -0 "$1"; do kill -0 "$2" || exit 0; sleep 1; done; kill "$2"' \
		sh "$PRIVATE_OWNER" "$1" </dev/null >/dev/null 2>&1 &
}

# start_private DIR LAUNCH IS_READY: LAUNCH PORT starts the server in the background, IS_READY asks it.
# The port is below those the kernel gives to clients; one that is taken makes the server exit before
# it makes its socket, so who answers there is the one started.
start_private() {
	dir=$1
	if [ -f "$dir/pid" ] && is_ours "$(cat "$dir/pid")" "$dir"; then
		fail "$dir: runs already, pid $(cat "$dir/pid")"
	fi
	tries_left=$PORT_TRIES
	while [ "$tries_left" -gt 0 ]; do
		port=$(cat "$dir/port" 2>/dev/null || shuf -i 10000-32000 -n 1)
		rm -f "$dir/socket"
		: > "$dir/log"
		"$2" "$port" </dev/null >>"$dir/log" 2>&1 &
		pid=$!
		if wait_ready "$pid" "$3"; then
			echo "$port" > "$dir/port"
			echo "$pid" > "$dir/pid"
			watch_owner "$pid"
			printf 'port=%s\nsocket=%s\npid=%s\n' "$port" "$dir/socket" "$pid"
			return
		fi
		tries_left=$((tries_left - 1))
		grep -qi 'address already in use' "$dir/log" || break
		sleep 0.1
	done
	tail -20 "$dir/log" >&2
	fail "$dir: the server does not start"
}

# stop_private DIR: asks the server to end and waits; one that has gone already is no error.
stop_private() {
	[ -f "$1/pid" ] || return 0
	pid=$(cat "$1/pid")
	if is_ours "$pid" "$1"; then
		kill -TERM "$pid" 2>/dev/null || true
		tries=0
		while is_alive "$pid"; do
			tries=$((tries + 1))
			[ "$tries" -lt "$READY_TRIES" ] || kill -KILL "$pid"
			sleep 0.02
		done
	fi
	rm -f "$1/pid"
}
