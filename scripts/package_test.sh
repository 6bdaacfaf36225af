#!/usr/bin/env bash
# Installs the Debian package on this machine, runs the server as the service would, and removes it again.
# usage, as root: package_test.sh PACKAGE.deb
set -euo pipefail
package=$1

fail() { echo "package test: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "must be root"
[ ! -e /etc/varve ] && [ ! -e /var/lib/varve ] || fail "Varve is installed here: /etc/varve or /var/lib/varve exists"

folder=$(mktemp -d)
server=
user_was_here=$(getent passwd varve || true)
clean_up() {
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  dpkg --purge varve >/dev/null 2>&1 || true
  rm -rf "$folder" /var/lib/varve
  [ -n "$user_was_here" ] || deluser --quiet --system varve 2>/dev/null || true
}
trap clean_up EXIT

apt-get install -y -q --no-install-recommends "$package" >"$folder/install.log" || { cat "$folder/install.log"; fail "installing"; }
[ "$(stat -c %U:%a /var/lib/varve)" = varve:750 ] || fail "/var/lib/varve: $(stat -c %U:%a /var/lib/varve)"
[ "$(stat -c %U:%G:%a /etc/varve/varve.conf)" = root:varve:640 ] || fail "/etc/varve/varve.conf"
dpkg-query --showformat='${Conffiles}' --show varve | grep -q /etc/varve/varve.conf || fail "no conffile"
for page in "8 varved" "1 varve" "5 varve.conf"; do
  # shellcheck disable=SC2086
  man -w $page >/dev/null || fail "no manual page $page"
done
if command -v systemd-analyze >/dev/null; then
  systemd-analyze verify /lib/systemd/system/varved.service || fail "varved.service"
fi

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export VARVE_HOST=127.0.0.1:$port
start() {
  VARVE_HTTP_BIND_ADDRESS=$VARVE_HOST setpriv --reuid varve --regid varve --clear-groups --no-new-privs \
    /usr/bin/varved --config /etc/varve/varve.conf 2>>"$folder/varved.log" &
  server=$!
  for _ in $(seq 300); do
    varve health >/dev/null 2>&1 && return
    kill -0 "$server" 2>/dev/null || { cat "$folder/varved.log"; fail "the server ended"; }
    sleep 0.1
  done
  fail "the server does not answer"
}
stop() {
  kill -TERM "$server"
  wait "$server" || fail "exit code $? at the stop"
  server=
}

start
echo 'm,host=a v=1 1
m,host=b v=2 2' >"$folder/points.txt"
varve import -d d "$folder/points.txt" >/dev/null
kill -HUP "$server"
stop
start
varve query -d d 'SELECT sum(v) FROM m' | grep -qw 3 || fail "the points are not there"
stop
varve inspect verify /var/lib/varve | grep -q ' 0 damaged' || fail "inspect verify"

echo '# mine' >>/etc/varve/varve.conf
dpkg --remove varve >/dev/null
[ ! -e /usr/bin/varved ] || fail "varved is left"
grep -q '# mine' /etc/varve/varve.conf || fail "the configuration was removed with the package"
apt-get install -y -q --no-install-recommends "$package" >"$folder/install.log" 2>&1 || fail "installing again"
grep -q '# mine' /etc/varve/varve.conf || fail "the configuration was replaced"
[ "$(stat -c %a /etc/varve/varve.conf)" = 640 ] || fail "the configuration lost its mode"
dpkg --purge varve >"$folder/purge.log"
grep -q 'are left there' "$folder/purge.log" || fail "the purge does not tell of the data"
[ -e /var/lib/varve/meta/CATALOG ] || fail "the purge took the data"
[ ! -e /etc/varve ] || fail "/etc/varve is left"
echo "package test: passed"
