#!/bin/sh
# A MariaDB for tests: on a free loopback port, with its data in DIR, as durable as in production.
#   mariadb.sh start DIR [mariadbd options…]   prints port=, socket= and pid= once it answers
#   mariadb.sh stop DIR                        ends that one and waits
# From 127.0.0.1 the user pintle with the password pintle may do anything; root has the socket.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/private_server.sh"
PATH=$PATH:/usr/sbin

# The log's size stands here because the template must have the one the server is started with.
small='--innodb-buffer-pool-size=32M --innodb-log-file-size=16M --innodb-log-buffer-size=2M
 --key-buffer-size=1M --aria-pagecache-buffer-size=2M --performance-schema=OFF'

template_sql() {
	cat <<-'SQL'
	FLUSH PRIVILEGES;
	CREATE USER 'pintle'@'127.0.0.1' IDENTIFIED BY 'pintle';
	GRANT ALL ON *.* TO 'pintle'@'127.0.0.1' WITH GRANT OPTION;
	SQL
}

# make_template PATH: mariadb-install-db takes seconds, a copy of what it made does not.
make_template() {
	new=$(mktemp -d "$1.XXXXXX")
	template_sql > "$new/users.sql"
	mariadb-install-db --no-defaults --datadir="$new/data" --auth-root-authentication-method=normal \
		--skip-test-db --extra-file="$new/users.sql" $small ${user:+"$user"} > "$new/log" 2>&1 ||
		{ cat "$new/log" >&2; fail "mariadb-install-db failed"; }
	mv -T "$new" "$1"
}

# Prints the folder of a template made by this script and this server; concurrent starts make one.
template() {
	made=$root/${BUILD:-build}/mariadb
	mkdir -p "$made"
	made=$made/$( (mariadbd --version; cat "$0") | cksum | cut -d ' ' -f 1)
	(
		flock 9
		[ -d "$made" ] || make_template "$made"
	) 9>"$made.lock" || exit 1
	echo "$made/data"
}

# Of each option the last counts, of --user the first.
launch() {
	exec setsid mariadbd --no-defaults --datadir="$dir/data" --socket="$dir/socket" --port="$1" \
		--bind-address=127.0.0.1 --skip-name-resolve --pid-file="$dir/mariadbd.pid" \
		--tmpdir="$dir" --max-connections=400 --innodb-flush-log-at-trx-commit=1 \
		$small $options ${user:+"$user"}
}

is_ready() {
	mariadb --no-defaults --user=root --socket="$dir/socket" --execute='SELECT 1' >/dev/null 2>&1
}

user=
[ "$(id -u)" -ne 0 ] || user=--user=root
action=${1:-}
dir=$(folder_of "${2:-}")
case "$action" in
start)
	shift 2
	options=$*
	if [ ! -d "$dir/data" ]; then
		template=$(template)
		cp -a --reflink=auto "$template" "$dir/data"
	fi
	start_private "$dir" launch is_ready
	;;
stop) stop_private "$dir" ;;
*) fail "usage: mariadb.sh start DIR [option…] | stop DIR" ;;
esac
