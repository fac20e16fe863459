#!/usr/bin/env bash
# PostgreSQL's and Redis' programs, out of Debian's or Ubuntu's packages. The tests start servers of
# their own with them, on private ports; a server that the packages start is left alone.
set -euo pipefail

packages=(postgresql redis-server)

if command -v redis-server >/dev/null && compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
then
  exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]
then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet --quiet
  apt-get install --quiet --quiet --yes --no-install-recommends "${packages[@]}"
  exit 0
fi
echo "The tests of the profile postgres-redis need PostgreSQL's and Redis' programs." >&2
echo "On Debian or Ubuntu: sudo apt-get install ${packages[*]}" >&2
echo "Without them these tests fail, each with this sentence; all others run." >&2
