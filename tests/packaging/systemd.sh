#!/bin/bash
# Checks the unit file without starting it: systemd accepts every line, and its exposure stays where docs/install.md
# says it is.
#
# Exit code: 0 all well, 1 not, 77 skipped (systemd-analyze is missing).
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
unit=$top/packaging/systemd/mcpgw-agent.service

command -v systemd-analyze >/dev/null || {
    echo "SKIPPED: the unit file was not checked: systemd-analyze is missing" >&2
    exit 77
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# `verify` insists that the program exists, and it may not be installed here.
sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' "$unit" >"$scratch/mcpgw-agent.service"
said=$(systemd-analyze verify "$scratch/mcpgw-agent.service" 2>&1) || { echo "$said" >&2; exit 1; }
if grep -F mcpgw-agent.service <<<"$said"; then
    echo "FAILED: systemd does not accept the unit file" >&2
    exit 1
fi
echo "PASS the unit file verifies"

score=$(systemd-analyze security --offline=yes --no-pager "$unit" | grep -o 'Overall exposure level.*: [0-9.]*' | grep -o '[0-9.]*$')
stated=$(grep -o 'exposure level [0-9.]*[0-9]' "$top/docs/install.md" | grep -o '[0-9.]*$')
if [ "$(printf '%s\n' "$score" "$stated" | sort -g | tail -n 1)" != "$stated" ]; then
    echo "FAILED: exposure level is $score, docs/install.md says $stated" >&2
    exit 1
fi
echo "PASS exposure level $score (docs/install.md: $stated)"
