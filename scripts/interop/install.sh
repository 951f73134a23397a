#!/usr/bin/env bash
# Installs the programs by other hands that run.sh tries against `winevt serve`:
#   install.sh FOLDER
# Python packages go into virtual environments below FOLDER; Debian's packages are installed where apt-get and root are there.
# WITH_CONTROLLER=1 installs Samba's domain controller, too; WITH_RUST=1 builds the client in rust/, which takes a minute of two
# processors. What cannot be installed is said and left out; the exit status tells only of a wrong call.
set -u

[ $# -eq 1 ] || { echo 'usage: install.sh FOLDER' >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && folder=$(cd "$1" && pwd) || exit 2

environment() {
  local name=$1 start=$SECONDS
  shift
  if [ "$(cat "$folder/$name/.done" 2>/dev/null)" != "$*" ]; then
    rm -rf "${folder:?}/$name"
    if python3 -m venv "$folder/$name" && "$folder/$name/bin/pip" -q --disable-pip-version-check install "$@"; then
      echo "$*" >"$folder/$name/.done"
    else
      echo "$name: could not be installed"
      return
    fi
  fi
  echo "$name: $((SECONDS - start)) s"
}

# What does not depend on each other is installed at the same time; Debian's packages first, since the others need some of them.
packages=()
python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
/usr/bin/python3 -c 'import samba.tests' 2>/dev/null || packages+=(python3-samba)
command -v tshark >/dev/null || packages+=(tshark)
command -v unshare >/dev/null || packages+=(util-linux)
command -v ip >/dev/null || packages+=(iproute2)
controller=()
[ -z "${WITH_CONTROLLER:-}" ] || command -v samba >/dev/null ||
  controller=(samba samba-common-bin samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind)

debian() {
  local start=$SECONDS
  [ $# -gt 0 ] || return
  if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] && apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1; then
    echo "$*: $((SECONDS - start)) s"
  else
    echo "$*: could not be installed"
  fi
}
debian "${packages[@]}"
debian "${controller[@]}" &

# impacket 0.10.0 asks for pkg_resources, which newer setuptools no longer has.
environment impacket-0.10.0 impacket==0.10.0 'setuptools<80' &
environment impacket impacket==0.13.1 &
environment aiosmb aiosmb==0.4.14 &
# foreign_server.py needs impacket beside it.
environment pyspnego pyspnego==0.12.4 dpapi-ng impacket==0.13.1 &

rust() {
  local start=$SECONDS
  if ! command -v cargo >/dev/null; then
    echo 'rust: cargo is not installed'
  elif CARGO_TARGET_DIR=$folder/rust cargo build -q --locked --manifest-path "$here/rust/Cargo.toml"; then
    echo "rust: $((SECONDS - start)) s"
  else
    echo 'rust: could not be built'
  fi
}
[ -z "${WITH_RUST:-}" ] || rust &
wait
