#!/usr/bin/env bash
# Without Docker: a server with this folder's configuration, a building that feeds it and, where it
# is installed, a Grafana with the dashboards. Ctrl-C stops all three.
#
#   examples/grafana/run.sh [FOLDER]
#
# FOLDER (varve-grafana) keeps the data and Grafana's own. BIN is where varved and varve are,
# PORT (8086) and GRAFANA_PORT (3000) where the two servers listen, on 127.0.0.1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-varve-grafana}
port=${PORT:-8086} grafana_port=${GRAFANA_PORT:-3000}
bin=${BIN:-$(cd "$here/../.." && pwd)/build/release/bin}
[ -x "$bin/varved" ] || bin=$(dirname "$(command -v varved)") || {
  echo "no varved: build it with ./dev build, or install the package" >&2
  exit 1
}

mkdir -p "$folder/grafana"
folder=$(cd "$folder" && pwd)
started=()
stop() {
  trap - EXIT INT TERM
  for ((i = ${#started[@]} - 1; i >= 0; --i)); do kill "${started[i]}" 2>/dev/null || true; done
  wait
}
trap stop EXIT
trap 'exit 0' INT TERM

# In sessions of their own: Ctrl-C comes to this script alone, which then stops each of them once.
setsid "$bin/varved" --config "$here/varve.conf" --data-dir "$folder/data" \
  --http-bind-address "127.0.0.1:$port" >>"$folder/varved.log" 2>&1 &
started+=($!)
setsid "$bin/varve" feed --host "127.0.0.1:$port" &
started+=($!)

# The Debian package of Grafana Labs has both programs in /usr/sbin.
PATH=$PATH:/usr/sbin
if command -v grafana >/dev/null; then
  grafana=(grafana server)
elif command -v grafana-server >/dev/null; then
  grafana=(grafana-server)
else
  grafana=()
  echo "Grafana is not installed; README.md says how. Until then: $bin/varve query --host 127.0.0.1:$port -d building ..."
fi
if [ ${#grafana[@]} -gt 0 ]; then
  VARVE_URL=http://127.0.0.1:$port VARVE_DASHBOARDS=$here/dashboards \
    GF_PATHS_PROVISIONING=$here/provisioning GF_PATHS_DATA=$folder/grafana \
    GF_PATHS_LOGS=$folder/grafana GF_SERVER_HTTP_ADDR=127.0.0.1 GF_SERVER_HTTP_PORT=$grafana_port \
    GF_AUTH_ANONYMOUS_ENABLED=true GF_ANALYTICS_REPORTING_ENABLED=false \
    GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=$here/dashboards/building.json \
    setsid "${grafana[@]}" --homepath "${GRAFANA_HOME:-/usr/share/grafana}" >>"$folder/grafana.log" 2>&1 &
  started+=($!)
  echo "Grafana: http://127.0.0.1:$grafana_port (log in $folder/grafana.log)"
fi
echo "Varve: http://127.0.0.1:$port (log in $folder/varved.log)"
wait -n "${started[@]}"
echo "one of the programs ended; stopping the others" >&2
exit 1
