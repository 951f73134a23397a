#!/usr/bin/env bash
# Tries clients by other hands against `winevt serve`, built in dist/, and winevt as a client of servers by other hands:
#   run.sh [FOLDER]
# FOLDER is where install.sh put the programs. Each client reads, awaits, cancels, clears and exports through the server as far as it
# can; a table says what held. Exits 0 if nothing failed and something was checked. What is not installed is named as left out.
# WITH_CONTROLLER=1 asks for Samba's domain controller as a server, WITH_RUST=1 for the client in rust/: they take longest.
#
# The server gets a network of its own where that is allowed (unshare), and there the endpoint mapper's port 135; elsewhere it
# listens on loopback, on 135 where that may be and is free, and on another port where not. KEEP_OUTPUT=DIR keeps what every program
# printed. docs/interop.md says what is known of each.
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
winevt=(node "$root/dist/cli/main.js")
installed=$([ $# -eq 0 ] || (cd "$1" 2>/dev/null && pwd))

if [ -z "${INTEROP_INSIDE:-}" ]; then
  [ -f "$root/dist/cli/main.js" ] || { echo 'run.sh: build first (npm run build)' >&2; exit 2; }
  map=$([ "$(id -u)" -eq 0 ] || echo -r)
  if unshare $map -n ip link set lo up 2>/dev/null; then
    # shellcheck disable=SC2086  an empty $map must vanish
    INTEROP_INSIDE=own exec unshare $map -n bash "$0" "$@"
  fi
  INTEROP_INSIDE=shared exec bash "$0" "$@"
fi
[ "$INTEROP_INSIDE" = shared ] || ip link set lo up

folder=$(mktemp -d)
output=${KEEP_OUTPUT:-$folder/output}
mkdir -p "$output" "$folder/store" "$folder/export"
server=''
child=''
stop() {
  [ -z "$child" ] || kill "$child" 2>/dev/null
  [ -z "$child" ] || wait "$child" 2>/dev/null
  stop_server
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

# Events with values that differ in length, so that records do, and with some that need care: quotes, brackets, other alphabets.
events() {
  node -e '
    const texts = ["", "a", "größer", "<&>\"", "日本語", "x".repeat(300)];
    for (let i = 1; i <= Number(process.argv[1]); i += 1) {
      console.log(JSON.stringify({ provider: `Provider-${i % 7}`, id: 1000 + (i % 50), level: (i % 5) + 1,
        data: { Number: String(i), Text: texts[i % texts.length] } }));
    }' "$1"
}
count=1200
few=40
user=alice
password="Secret-$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')"
export WINEVT_STORE=$folder/store WINEVT_PASSWORD=$password
events "$count" | "${winevt[@]}" write Application --json --quiet || exit 1
events "$few" | "${winevt[@]}" write Few --json --quiet || exit 1
events 1 | "${winevt[@]}" write Live --json --quiet || exit 1

"${winevt[@]}" serve --add-user "$user" --rights read,write,clear --administrator --users "$folder/users.json" </dev/null \
  >"$output/add-user" 2>&1 || {
  echo 'run.sh: no user could be added:' >&2
  cat "$output/add-user" >&2
  exit 1
}
if [ "$INTEROP_INSIDE" = own ]; then
  port=49670 mapper=135
else
  port=$((40000 + RANDOM % 10000)) mapper=$((50000 + RANDOM % 10000))
  [ "$(id -u)" -ne 0 ] || (exec 3<>/dev/tcp/127.0.0.1/135) 2>/dev/null || mapper=135
fi

stop_server() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null
  wait "$server" 2>/dev/null
  server=''
}
# serve COMMAND…: starts a server in the background, and returns when both ports answer.
serve() {
  stop_server
  "$@" >>"$output/server" 2>&1 </dev/null &
  server=$!
  local try
  for try in $(seq 150); do
    (exec 3<>"/dev/tcp/127.0.0.1/$mapper") 2>/dev/null && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  echo 'run.sh: the server does not answer:' >&2
  tail -n 5 "$output/server" >&2
  exit 1
}
# Every client gets a new server: one that has been given many wrong passwords keeps the address out for a while.
start_server() {
  serve "${winevt[@]}" serve --store "$folder/store" --listen 127.0.0.1 --port "$port" --epm-port "$mapper" \
    --users "$folder/users.json" --export-folder "$folder/export"
}
# A program that a signal to this script ends as well.
attended() {
  timeout 300 "$@" &
  child=$!
  wait "$child"
  local status=$?
  child=''
  return "$status"
}

rows=()
failures=0
checks=0
add_row() {
  rows+=("$(printf '%-34s %8s %8s %8s %7s' "$@")")
}
left_out() {
  rows+=("$(printf '%-34s left out: %s' "$1" "$2")")
}
# client NAME COMMAND…: runs it against a new server.
client() {
  start_server
  checked "$@"
}
# checked NAME COMMAND…: runs it, with the version from its first line and the counts from its last one.
checked() {
  local name=$1 start=$SECONDS line
  shift
  local file=$output/${name// /-}
  attended "$@" >"$file" 2>"$file.err"
  local status=$?
  [ -z "$server" ] || kill -0 "$server" 2>/dev/null || { echo "$name: the server ended" >>"$file.err"; status=1; }
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$file" | tail -n 1)
  if [ "$status" -eq 77 ]; then
    left_out "$name" "$(tail -n 1 "$file.err")"
    return
  fi
  if [ -z "$line" ]; then
    line='0 passed, 1 failed, 0 skipped'
    tail -n 3 "$file.err" | sed "s/^/$name: /"
  fi
  # shellcheck disable=SC2086
  set -- $line
  checks=$((checks + $1))
  if [ "$status" -ne 0 ]; then
    failures=$((failures + 1))
    grep -E '^(FAIL|ERROR|malformed)' "$file" | sed "s/^/$name: /"
  fi
  add_row "$name ($(head -n 1 "$file" | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1))" "$1" "$3" "${5:-0}" "$((SECONDS - start)) s"
}
has() { [ -n "$installed" ] && [ -e "$installed/$1/.done" ]; }

login=(127.0.0.1 --port "$port" --epm-port "$mapper" --user "$user" --password "$password" --domain EVT)
whole=(--channel Application --count "$count")
one_event="'${winevt[0]}' '${winevt[1]}' write Live --provider Interop --id 1 --quiet"
changing() {
  events 5 | "${winevt[@]}" write "Clear-$1" --json --quiet
  printf '%s\n' --write "$one_event" --clear "Clear-$1" --export "$1.evtx"
}

for name in impacket-0.10.0 impacket; do
  if has "$name"; then
    mapfile -t changes < <(changing "$name")
    client "$name" "$installed/$name/bin/python" "$here/impacket_client.py" "${login[@]}" "${whole[@]}" "${changes[@]}"
  else
    left_out "$name" 'not installed'
  fi
done
if has aiosmb; then
  client aiosmb "$installed/aiosmb/bin/python" "$here/aiosmb_client.py" "${login[@]}" "${whole[@]}"
else
  left_out aiosmb 'not installed'
fi
if has pyspnego; then
  client pyspnego "$installed/pyspnego/bin/python" "$here/pyspnego_client.py" "${login[@]}" "${whole[@]}"
else
  left_out pyspnego 'not installed'
fi
samba_python=${SAMBA_PYTHON:-/usr/bin/python3}
if "$samba_python" -c 'import samba.gensec' 2>/dev/null; then
  client 'Samba libraries' "$samba_python" "$here/gensec_client.py" "${login[@]}" "${whole[@]}"
else
  left_out 'Samba libraries' 'not installed'
fi
if [ -z "${WITH_RUST:-}" ]; then
  left_out 'Rust crates' 'building them takes a minute; WITH_RUST=1 tries them'
elif [ -x "$installed/rust/debug/even6-interop" ]; then
  mapfile -t changes < <(changing rust)
  client 'Rust crates' "$installed/rust/debug/even6-interop" 127.0.0.1 "$port" "$mapper" "$user" "$password" EVT \
    Application "$count" Live "$one_event" Clear-rust rust.evtx
else
  left_out 'Rust crates' 'not built'
fi

# Tests that speak to Netlogon, which winevt does not serve: they try fragments and flags, on the same runtime.
netlogon='(first|last|none|2nd)_\w*requests$|mix_requests|fragmented_requests'
# raw_part: runs a part of Samba's suite against the server that has been started.
raw_part() {
  RAW_OUTPUT=$output/raw-output PYTHON=$samba_python attended "$here/samba_raw.sh" 127.0.0.1 "$user" "$password" EVT \
    >"$output/raw-part" 2>&1
  read -r passed _ failed _ < <(tail -n 1 "$output/raw-part" | grep passed) || { passed=0 failed=1; cat "$output/raw-part"; }
  raw_passed=$((raw_passed + passed)) raw_failed=$((raw_failed + failed))
  grep -E '^(FAIL|ERROR) ' "$output/raw-part" >>"$output/raw-failed"
}
if [ "$mapper" -ne 135 ]; then
  left_out "Samba's raw RPC tests" 'they need port 135, which is not to be had here'
elif "$samba_python" -c 'import samba.tests.dcerpc.raw_protocol' 2>/dev/null; then
  start=$SECONDS raw_passed=0 raw_failed=0
  : >"$output/raw-failed"
  # Ten parts, with a new server each: see start_server.
  for part in $(seq 0 9); do
    start_server
    PART=$part/10 EXCEPT=$netlogon raw_part
  done
  serve node "$here/netlogon_beside.mjs" 127.0.0.1 "$port" "$mapper"
  ONLY=$netlogon raw_part
  # Those that cannot pass, or are not meant to, are listed with their reasons; any other failure counts.
  sed 's/#.*//; s/ .*//; /^$/d' "$here/raw_unmet.txt" | sort >"$folder/unmet"
  sed 's/^[A-Z]* //' "$output/raw-failed" | sort >"$folder/failed"
  unmet=$(comm -12 "$folder/unmet" "$folder/failed" | grep -c .)
  add_row "Samba's raw RPC tests" "$raw_passed" "$((raw_failed - unmet))" "$unmet" "$((SECONDS - start)) s"
  comm -13 "$folder/unmet" "$folder/failed" | sed "s/^/Samba's raw RPC tests: FAIL /"
  comm -23 "$folder/unmet" "$folder/failed" | sed "s/^/Samba's raw RPC tests: passes, and is listed as unmet: /"
  checks=$((checks + raw_passed))
  [ "$raw_failed" -eq "$unmet" ] || failures=$((failures + 1))
else
  left_out "Samba's raw RPC tests" 'not installed'
fi
if ! command -v tshark >/dev/null; then
  left_out 'tshark' 'not installed'
elif has impacket && has pyspnego; then
  mapfile -t changes < <(changing capture)
  client tshark "$here/capture.sh" "$mapper,$port" "$password" bash -c '
    tshark --version | head -n 1
    "$1/impacket/bin/python" "$2/impacket_client.py" "${@:3}"; first=$?
    "$1/pyspnego/bin/python" "$2/pyspnego_client.py" "${@:3}" && exit "$first"' \
    capture "$installed" "$here" "${login[@]}" --channel Few --count "$few" "${changes[@]}"
else
  left_out tshark 'nothing to record without impacket and pyspnego'
fi


if has pyspnego; then
  serve "$installed/pyspnego/bin/python" "$here/foreign_server.py" --port "$port" --epm-port "$mapper" --user "$user" \
    --password "$password" --domain EVT
  checked 'winevt, at the foreign server' node "$here/foreign_client.mjs" 127.0.0.1 "$port" "$mapper" "$user" "$password" EVT
else
  left_out 'winevt, at the foreign server' 'not installed'
fi
stop_server
if [ -z "${WITH_CONTROLLER:-}" ]; then
  left_out "winevt, at Samba's controller" 'WITH_CONTROLLER=1 tries it'
else
  checked "winevt, at Samba's controller" "$here/samba_dc.sh" node "$here/controller_client.mjs" "$(samba --version 2>&1)"
fi

if grep -i 'internal error' "$output/server"; then
  failures=$((failures + 1))
fi
printf '\n%-34s %8s %8s %8s %7s\n' client passed failed skipped time
printf '%s\n' "${rows[@]}"
[ "$failures" -eq 0 ] && [ "$checks" -gt 0 ]
