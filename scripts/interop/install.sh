#!/usr/bin/env bash
# Installs the programs by other hands that run.sh tries against `winevt serve`:
#   install.sh FOLDER
# Python packages go into virtual environments below FOLDER; Debian's packages are installed where apt-get and root are there.
# What cannot be installed is said and left out; the exit status tells only of a wrong call.
set -u

[ $# -eq 1 ] || { echo 'usage: install.sh FOLDER' >&2; exit 2; }
mkdir -p "$1" && folder=$(cd "$1" && pwd) || exit 2

environment() {
  local name=$1 start=$SECONDS
  shift
  if [ ! -e "$folder/$name/.done" ]; then
    rm -rf "${folder:?}/$name"
    if python3 -m venv "$folder/$name" && "$folder/$name/bin/pip" -q --disable-pip-version-check install "$@"; then
      touch "$folder/$name/.done"
    else
      echo "$name: could not be installed"
      return
    fi
  fi
  echo "$name: $((SECONDS - start)) s"
}

# impacket 0.10.0 asks for pkg_resources, which newer setuptools no longer has.
environment impacket-0.10.0 impacket==0.10.0 'setuptools<80'
environment impacket impacket
environment aiosmb aiosmb
# foreign_server.py needs impacket beside it.
environment pyspnego dpapi-ng impacket

packages=()
/usr/bin/python3 -c 'import samba.tests' 2>/dev/null || packages+=(python3-samba)
command -v tshark >/dev/null || packages+=(tshark)
command -v unshare >/dev/null || packages+=(util-linux)
command -v ip >/dev/null || packages+=(iproute2)
[ -z "${WITH_CONTROLLER:-}" ] || command -v samba >/dev/null ||
  packages+=(samba samba-common-bin samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind)
if [ ${#packages[@]} -gt 0 ]; then
  start=$SECONDS
  if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] && apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null 2>&1; then
    echo "${packages[*]}: $((SECONDS - start)) s"
  else
    echo "${packages[*]}: could not be installed"
  fi
fi
