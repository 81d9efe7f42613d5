#!/bin/sh
# A server for pintle-check: `server.sh start DIR` prints the section that leads to it, `server.sh stop DIR`
# ends it.
set -eu
case $1 in
start)
	told=$(sh scripts/smtp.sh start "$2")
	printf '[mail_smtp]\nhost = localhost\nport = %s\ntls_ca = %s/ca.pem\n' \
		"$(echo "$told" | sed -n 's/^port=//p')" "$2"
	printf 'user = pintle\npassword = pintle\nfrom = noreply@example.com\n'
	;;
stop) sh scripts/smtp.sh stop "$2" ;;
esac
