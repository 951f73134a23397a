#!/usr/bin/env bash
# Runs a command while tshark records the loopback interface, then lets tshark dissect and decrypt what was said:
#   capture.sh PORTS PASSWORD COMMAND [ARGUMENT]...
# PORTS are TCP ports with commas between (the mapper's first); PASSWORD decrypts NTLM-sealed stubs. KEEP_CAPTURE=FILE keeps the
# recording. Prints the command's output, then a line per malformed PDU, then the counts. Exits with the command's status, or 1
# if a PDU is malformed or none was seen; 77 if tshark is missing.
set -u

[ $# -ge 3 ] || { echo 'usage: capture.sh PORTS PASSWORD COMMAND [ARGUMENT]...' >&2; exit 2; }
command -v tshark >/dev/null || { echo 'capture.sh: tshark is not installed' >&2; exit 77; }
ports=$1
password=$2
shift 2

folder=$(mktemp -d)
recorder=''
cleanup() {
  [ -z "$recorder" ] || kill "$recorder" 2>/dev/null
  rm -rf "$folder"
}
trap cleanup EXIT
file=${KEEP_CAPTURE:-$folder/capture.pcapng}
filter="tcp port ${ports//,/ or tcp port }"

tshark -q -i lo -B 64 -f "$filter" -w "$file" >"$folder/tshark.log" 2>&1 &
recorder=$!
for _ in $(seq 100); do
  grep -q 'Capturing on' "$folder/tshark.log" && [ -s "$file" ] && break
  kill -0 "$recorder" 2>/dev/null || { cat "$folder/tshark.log" >&2; exit 1; }
  sleep 0.1
done

"$@"
status=$?
# The last packets lie in a buffer that tshark empties about once a second.
sleep 1.5
kill -INT "$recorder" 2>/dev/null
wait "$recorder" 2>/dev/null
recorder=''

decode=()
for port in ${ports//,/ }; do
  decode+=(-d "tcp.port==$port,dcerpc")
done
dissect() {
  tshark -r "$file" "${decode[@]}" -o "ntlmssp.nt_password:$password" "$@" 2>/dev/null
}
# tshark 4.0 looks for a verification trailer of eight bytes in every stub it has decrypted, and calls shorter stubs malformed,
# whoever has sent them: those are counted apart.
dissect -Y '_ws.malformed and dcerpc' -T fields -E occurrence=f -E separator=' ' -e dcerpc.cn_frag_len -e dcerpc.auth_level \
  -e dcerpc.auth_pad_len -e frame.number -e tcp.srcport -e dcerpc.pkt_type -e dcerpc.cn_call_id |
  awk '{ print ($2 == 6 && $1 - 48 - $3 < 8 ? "short" : "malformed"), "frame " $4 ", from port " $5 ", PDU type " $6 ", call " $7 }' \
    >"$folder/malformed"
grep '^malformed' "$folder/malformed" | sed 's/^malformed/malformed:/' | head -n 20
malformed=$(grep -c '^malformed' "$folder/malformed")
short=$(grep -c '^short' "$folder/malformed")
pdus=$(dissect -Y dcerpc -T fields -e dcerpc.pkt_type | tr ',' '\n' | grep -c .)
sealed=$(dissect -Y dcerpc -T fields -e dcerpc.encrypted_stub_data | tr ',' '\n' | grep -c .)
decrypted=$(dissect -Y dcerpc -T fields -e dcerpc.decrypted_stub_data | tr ',' '\n' | grep -c .)
dropped=$(sed -nE 's/^([0-9]+) packets? dropped.*/\1/p' "$folder/tshark.log")
echo "capture: $pdus PDUs, $sealed sealed stubs, of which $decrypted were decrypted and $short are too short for tshark;" \
  "$malformed malformed, ${dropped:-0} packets dropped"
echo "$((pdus - malformed)) passed, $malformed failed, 0 skipped"
[ "$status" -eq 0 ] || exit "$status"
[ "$malformed" -eq 0 ] && [ "$pdus" -gt 0 ]
