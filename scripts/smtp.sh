#!/bin/sh
# An SMTP server (Exim) for tests: on a free loopback port, with all its files in DIR.
#   smtp.sh start DIR    prints port=, socket= and pid= once it answers; TLS from the start at port + 1
#   smtp.sh stop DIR     ends that one and waits
# It offers STARTTLS and AUTH with a certificate for localhost of its own CA, DIR/ca.pem, and takes mail
# only from the user pintle with the password pintle. What it took is a file each in DIR/mail/new. Addresses
# it refuses: nobody@ (550), full@ (452), busy@ (450), away@ (451).
set -eu
. "$(dirname "$0")/private_server.sh"
PATH=$PATH:/usr/sbin

make_certificates() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=smtp test' -keyout "$dir/ca.key" \
		-out "$dir/ca.pem"
	openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout "$dir/server.key" \
		-out "$dir/server.csr"
	printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' > "$dir/server.ext"
	openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial \
		-days 30 -extfile "$dir/server.ext" -out "$dir/server.pem"
}

configuration() {
	cat <<-EOF
	exim_user = $owner
	exim_group = $(id -gn "$owner")
	exim_path = $dir/exim
	primary_hostname = smtp.test
	spool_directory = $dir/spool
	log_file_path = $dir/%slog
	pid_file_path = $dir/exim.pid
	deliver_drop_privilege = true
	keep_environment =
	daemon_startup_retries = 0
	local_interfaces = <; [127.0.0.1]:$1 ; [127.0.0.1]:$(($1 + 1))
	tls_on_connect_ports = $(($1 + 1))
	tls_advertise_hosts = *
	tls_certificate = $dir/server.pem
	tls_privatekey = $dir/server.key
	rfc1413_query_timeout = 0s
	host_lookup =
	smtp_accept_max = 100
	smtp_accept_queue_per_connection = 0
	acl_smtp_rcpt = check_rcpt
	acl_smtp_data = accept
	begin acl
	check_rcpt:
	  deny message = 5.7.1 sign in first
	       !authenticated = *
	  deny message = 5.1.1 no such mailbox
	       local_parts = nobody
	  defer message = 452 4.2.2 mailbox full
	       local_parts = full
	  defer message = 450 4.2.1 mailbox busy
	       local_parts = busy
	  defer message = 451 4.3.0 come again
	       local_parts = away
	  accept
	begin routers
	all:
	  driver = accept
	  transport = maildir
	begin transports
	maildir:
	  driver = appendfile
	  maildir_format
	  directory = $dir/mail
	  create_directory
	  envelope_to_add
	  return_path_add
	  delivery_date_add = false
	begin authenticators
	plain:
	  driver = plaintext
	  public_name = PLAIN
	  server_prompts = :
	  server_condition = \${if and {{eq{\$auth2}{pintle}}{eq{\$auth3}{pintle}}}}
	  server_set_id = \$auth2
	  server_advertise_condition = \${if def:tls_in_cipher}
	login:
	  driver = plaintext
	  public_name = LOGIN
	  server_prompts = <| Username: | Password:
	  server_condition = \${if and {{eq{\$auth1}{pintle}}{eq{\$auth2}{pintle}}}}
	  server_set_id = \$auth1
	  server_advertise_condition = \${if def:tls_in_cipher}
	EOF
}

# The copy has no setuid bit: it is nobody but its owner, and root needs one that is not root.
launch() {
	configuration "$1" > "$dir/exim.conf"
	rm -f "$dir/exim.pid"
	mkdir -p "$dir/spool"
	if [ "$(id -u)" -eq 0 ]; then
		chown -R "$owner:" "$dir"
		set -- setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups
	else
		set --
	fi
	cd "$dir/spool"
	exec setsid "$@" "$dir/exim" -C "$dir/exim.conf" -bdf -odi -ps
}

# Its own pid file tells that it has both ports.
is_ready() {
	[ -s "$dir/exim.pid" ]
}

owner=$(id -un)
[ "$(id -u)" -ne 0 ] || owner=Debian-exim
action=${1:-}
dir=$(folder_of "${2:-}")
case "$action" in
start)
	[ -f "$dir/ca.pem" ] || make_certificates > "$dir/openssl.log" 2>&1 || fail "no certificates"
	cp "$(command -v exim4)" "$dir/exim"
	chmod 0755 "$dir/exim"
	start_private "$dir" launch is_ready
	;;
stop) stop_private "$dir" ;;
*) fail "usage: smtp.sh start DIR | stop DIR" ;;
esac
