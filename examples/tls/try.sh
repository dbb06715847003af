#!/bin/sh
# Makes a certificate for localhost, serves this folder with it on free ports, asks it in four ways, and ends it.
set -eu
cd "$(dirname "$0")"
mkdir -p certificate state
: >state/log
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout certificate/site.key -out certificate/site.pem 2>/dev/null

node ../../host/cli/polyhost.js serve --state-dir state --listen http://127.0.0.1:0 --listen https://127.0.0.1:0 >state/log 2>&1 &
host=$!
trap 'kill $host; wait $host || true; rm -rf state' EXIT
tries=0
until grep -q ' running$' state/log; do
  tries=$((tries + 1))
  [ $tries -lt 200 ] || { cat state/log >&2; exit 1; }
  sleep 0.1
done
plain=$(grep -o 'http://127[0-9.:]*' state/log | head -1)
secure=$(grep -o 'https://127[0-9.:]*' state/log | head -1 | sed 's/127.0.0.1/localhost/')

ask() { curl -s --cacert certificate/site.pem "$@"; }
ask "$secure/"
ask --http2 -o /dev/null -w 'HTTP/%{http_version}, verified: %{ssl_verify_result}\n' "$secure/"
ask -i --http1.1 "$secure/" | grep -i '^strict-transport-security' | tr -d '\r'
ask -o /dev/null -w '%{http_code} to %{redirect_url}\n' "$plain/x?y=1" | sed 's/:[0-9][0-9]*\//:PORT\//'
