#!/usr/bin/env bash
# Runs a command beside a Samba domain controller, whose RPC server was written by others:
#   samba_dc.sh COMMAND [ARGUMENT]...
# The controller has a network of its own (only the command sees it), where its endpoint mapper is 127.0.0.1:135.
# The command finds in its environment SAMBA_HOST, SAMBA_USER, SAMBA_PASSWORD, SAMBA_DOMAIN, SAMBA_REALM and SAMBA_CONF.
# The exit status is the command's; 77 means that something needed is missing (root, samba, unshare), and says what.
# KEEP_FOLDER=DIR keeps the controller's files, and its log samba.log, in DIR.
set -u

if [ -z "${SAMBA_DC_INSIDE:-}" ]; then
  [ $# -gt 0 ] || { echo 'usage: samba_dc.sh COMMAND [ARGUMENT]...' >&2; exit 2; }
  for program in samba samba-tool unshare ip; do
    command -v "$program" >/dev/null || { echo "samba_dc.sh: $program is not installed" >&2; exit 77; }
  done
  # A controller changes the owners of its files, which a user namespace of one user does not allow.
  { [ "$(id -u)" -eq 0 ] && [ "$(awk 'NR == 1 { print $3 }' /proc/self/uid_map)" -gt 65535 ]; } ||
    { echo 'samba_dc.sh: only root can provision a domain controller' >&2; exit 77; }
  unshare -n true 2>/dev/null || { echo 'samba_dc.sh: unshare is not allowed here' >&2; exit 77; }
  SAMBA_DC_INSIDE=1 exec unshare -n bash "$0" "$@"
fi
unset SAMBA_DC_INSIDE

ip link set lo up
if [ -n "${KEEP_FOLDER:-}" ]; then
  folder=$KEEP_FOLDER
  mkdir -p "$folder"
else
  folder=$(mktemp -d)
fi
samba=''
child=''
stop() {
  [ -z "$child" ] || kill "$child" 2>/dev/null
  if [ -n "$samba" ]; then
    kill "$samba" 2>/dev/null
    wait "$samba" 2>/dev/null
  fi
  [ -n "${KEEP_FOLDER:-}" ] || rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

export SAMBA_HOST=127.0.0.1 SAMBA_USER=Administrator SAMBA_DOMAIN=EVT SAMBA_REALM=EVT.TEST SAMBA_CONF=$folder/etc/smb.conf
SAMBA_PASSWORD="Pw1-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"
export SAMBA_PASSWORD

if ! samba-tool domain provision --server-role=dc --use-rfc2307 --dns-backend=NONE --realm="$SAMBA_REALM" \
  --domain="$SAMBA_DOMAIN" --adminpass="$SAMBA_PASSWORD" --targetdir="$folder" --host-name=evtdc --host-ip=127.0.0.1 \
  >"$folder/provision.log" 2>&1; then
  echo 'samba_dc.sh: the domain could not be provisioned:' >&2
  tail -n 5 "$folder/provision.log" >&2
  exit 1
fi

samba -i -M single -s "$SAMBA_CONF" --option='server services=rpc, wrepl, ldap, kdc' >"$folder/samba.log" 2>&1 </dev/null &
samba=$!
for _ in $(seq 150); do
  if (exec 3<>/dev/tcp/127.0.0.1/135) 2>/dev/null; then
    ready=1
    break
  fi
  kill -0 "$samba" 2>/dev/null || break
  sleep 0.2
done
if [ -z "${ready:-}" ]; then
  echo 'samba_dc.sh: the endpoint mapper did not answer:' >&2
  tail -n 5 "$folder/samba.log" >&2
  exit 1
fi

"$@" &
child=$!
wait "$child"
