#!/usr/bin/env bash
# Programs that the tests use and pip does not bring, out of Debian's or Ubuntu's packages. The tests
# start servers of their own, on private ports; a server that the packages start is left alone.
set -euo pipefail

# A program, or files that one of must be there, and the package that has it.
needed=(
  'redis-server=redis-server'
  '/usr/lib/postgresql/*/bin/initdb=postgresql'
  'promtool=prometheus'
  'systemd-analyze=systemd'
  'chromium=chromium'
)

missing=()
for pair in "${needed[@]}"
do
  program="${pair%=*}"
  if ! command -v "$program" >/dev/null && ! compgen -G "/${program#/}" >/dev/null
  then
    missing+=("${pair#*=}")
  fi
done

if [ "${#missing[@]}" -eq 0 ]
then
  exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]
then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet --quiet
  apt-get install --quiet --quiet --yes --no-install-recommends "${missing[@]}"
  exit 0
fi
echo "Some tests need programs that are not here." >&2
echo "On Debian or Ubuntu: sudo apt-get install ${missing[*]}" >&2
echo "Without them these tests fail, each with its own sentence; all others run." >&2
