#!/bin/bash
# A daemon of your own with reload: private socket and roots under /tmp/wharf-dev.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/launch.sh"
ensure_modules
ensure_host
state=${WHARF_DEV:-/tmp/wharf-dev}
echo "export DOCKER_HOST=unix://$state/wharf.sock"
exec "$bun" --watch "$root/apps/daemon/src/main.ts" --debug --data-root "$state/data" --exec-root "$state/run" \
  --pidfile "$state/wharfd.pid" -H "unix://$state/wharf.sock" "$@"
