#!/bin/sh
# Debian starts a service when it is installed; those here are started privately, by whoever wants one.
#   without_services.sh COMMAND [ARGUMENT…]   runs it, as root, and no package it installs starts one
set -eu

policy=/usr/sbin/policy-rc.d
made_policy=
trap '[ -z "$made_policy" ] || rm -f "$policy"' EXIT
if [ ! -e "$policy" ]; then
	made_policy=yes
	printf '#!/bin/sh\nexit 101\n' > "$policy"
	chmod 0755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
"$@"
