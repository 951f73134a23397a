#!/usr/bin/env bash
# Runs Samba's suite of raw RPC tests (samba.tests.dcerpc.raw_protocol: bind, fragments, flags, faults, authentication)
# against a server whose endpoint mapper, with the mgmt interface, is on port 135:
#   samba_raw.sh HOST USER PASSWORD [DOMAIN [REALM]]
# PART=I/N runs the I-th of N parts of the suite (0 is the first); ONLY and EXCEPT are patterns (Python's) of tests to run, and not
# to. Prints what did not pass, sorted, and a last line with the counts. Exits 0 if at least MINIMUM tests pass (default 1),
# 77 if Samba's tests are not installed. PYTHON names the interpreter that Samba's bindings belong to.
set -u

[ $# -ge 3 ] || { echo 'usage: samba_raw.sh HOST USER PASSWORD [DOMAIN [REALM]]' >&2; exit 2; }
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import samba.tests.dcerpc.raw_protocol' 2>/dev/null ||
  { echo "samba_raw.sh: $python has no samba.tests (install Samba's Python bindings)" >&2; exit 77; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf '[global]\n' >"$folder/smb.conf"
domain=${4:-}
# The suite's tests by name, every N-th of them.
names=$("$python" - "${PART:-0/1}" "${ONLY:-.}" "${EXCEPT:-^$}" <<'P'
import re, sys, unittest
import samba.tests.dcerpc.raw_protocol as suite
index, parts = map(int, sys.argv[1].split('/'))
only, besides = sys.argv[2:]
def names(tests):
    for test in tests:
        yield from names(test) if isinstance(test, unittest.TestSuite) else [test.id()]
every = [name for name in names(unittest.defaultTestLoader.loadTestsFromModule(suite))
         if re.search(only, name) and not re.search(besides, name)]
print('\n'.join(every[index::parts]))
P
)
# shellcheck disable=SC2086  $names is a list of words
SERVER=$1 TARGET_HOSTNAME=$1 USERNAME=$2 PASSWORD=$3 DOMAIN=$domain REALM=${5:-$domain} \
  SMB_CONF_PATH=${SMB_CONF:-$folder/smb.conf} ALLOW_BIND_AUTH_PAD=1 LEGACY_BIND_NACK_NO_REASON=1 AUTH_LEVEL_CONNECT_LSA=1 \
  timeout "${SECONDS_ALLOWED:-300}" "$python" -m unittest -v $names >"$folder/out" 2>&1
status=$?

# Tracebacks of one kind are many: what a person wants is the list of names, and the rest in RAW_OUTPUT=FILE.
grep -E '^(FAIL|ERROR): test_' "$folder/out" | sed -E 's/^([A-Z]+): (test_[a-zA-Z0-9_]+).*/\1 \2/' | sort
[ -z "${RAW_OUTPUT:-}" ] || cat "$folder/out" >>"$RAW_OUTPUT"
if [ "$status" -eq 124 ]; then
  echo 'samba_raw.sh: stopped, the time was over' >&2
  exit 1
fi
# The tests' own messages stand between name and outcome, so the runner's totals are what can be counted.
number() { tail -n 1 "$folder/out" | grep -oE "$1=[0-9]+" | grep -oE '[0-9]+' || echo 0; }
ran=$(grep -oE '^Ran [0-9]+ tests' "$folder/out" | grep -oE '[0-9]+' || echo 0)
failed=$(($(number failures) + $(number errors)))
skipped=$(number skipped)
passed=$((ran - failed - skipped))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$passed" -ge "${MINIMUM:-1}" ]
