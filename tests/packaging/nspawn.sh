#!/bin/bash
# Boots a Debian in a container and runs the agent there as the systemd service it is packaged as.
#
#   tests/packaging/nspawn.sh [procfs|bpf]...      default: both, one boot each
#
# procfs: the container may not call bpf(), as containers usually may not; the agent must live on /proc.
# bpf:    bpf() is allowed; the agent shares the kernel with the host, but has a pid namespace of its own.
#
# MCPGW_AGENT_BIN      the program to test (default: target/release/mcpgw-agent)
# MCPGW_NSPAWN_ROOT    the Debian root, made once with debootstrap and never written to again
#                      (default: target/peers/nspawn-root)
# MCPGW_DEBIAN_MIRROR  where a new root comes from (default: as debootstrap has it)
#
# Exit code: 0 all checks passed, 1 not, 77 skipped (not root, or systemd-nspawn or debootstrap missing).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
agent=$(realpath -m "${MCPGW_AGENT_BIN:-$top/target/release/mcpgw-agent}")
root=${MCPGW_NSPAWN_ROOT:-$top/target/peers/nspawn-root}
mirror=${MCPGW_DEBIAN_MIRROR:-}
packages=systemd,systemd-sysv,dbus,python3,procps
boot_seconds=240

skip() { echo "SKIPPED: the packaged service was not tested: $*" >&2; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || skip "this needs root"
command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is missing (Debian: systemd-container)"
[ -x "$agent" ] || fail "no program at $agent (set MCPGW_AGENT_BIN)"

if [ ! -e "$root/etc/debian_version" ]; then
    command -v debootstrap >/dev/null || skip "debootstrap is missing"
    echo "making a Debian root at $root (once, about a minute)"
    rm -rf "$root.new"
    mkdir -p "$(dirname "$root")"
    debootstrap --variant=minbase --include="$packages" bookworm "$root.new" ${mirror:+"$mirror"} >"$root.log" 2>&1 \
        || { tail -5 "$root.log" >&2; fail "debootstrap"; }
    mv "$root.new" "$root"
fi

boot() { # MODE
    local mode=$1 results log status=0 options=()
    results=$(mktemp -d)
    log=$results/boot.log
    [ "$mode" = bpf ] && options+=(--system-call-filter="bpf perf_event_open")
    # --volatile=overlay: what is written goes to memory, the root stays as it was made.
    # --capability=all: the unit hands the agent capabilities that a container does not have by default.
    timeout --kill-after=10 "$boot_seconds" systemd-nspawn --quiet --directory="$root" --volatile=overlay \
        --register=no --keep-unit --machine="mcpgw-check-$$" --console=pipe --link-journal=no \
        --capability=all "${options[@]}" \
        --bind-ro="$agent:/usr/bin/mcpgw-agent" \
        --bind-ro="$top/packaging/systemd/mcpgw-agent.service:/usr/lib/systemd/system/mcpgw-agent.service" \
        --bind-ro="$top/packaging/systemd/mcpgw.sysusers.conf:/usr/lib/sysusers.d/mcpgw.conf" \
        --bind-ro="$here/nspawn/mcpgw-check.target:/etc/systemd/system/mcpgw-check.target" \
        --bind-ro="$here/nspawn/mcpgw-check.service:/etc/systemd/system/mcpgw-check.service" \
        --bind-ro="$here/nspawn:/checks" \
        --bind="$results:/results" \
        --boot -- systemd.unit=mcpgw-check.target "mcpgw.mode=$mode" \
        </dev/null >"$log" 2>&1 || status=$?
    touch "$results/report"
    sed "s/^/[$mode] /" "$results/report"
    if [ "$(tail -n 1 "$results/report")" = DONE ] && ! grep -q '^FAIL' "$results/report"; then
        rm -rf "$results"
        return 0
    fi
    echo "[$mode] systemd-nspawn ended with $status; its last words, then the journal:" >&2
    tail -n 15 "$log" >&2
    tail -n 80 "$results/journal" >&2 || true
    echo "[$mode] everything is in $results" >&2
    return 1
}

[ $# -gt 0 ] || set -- procfs bpf
failed=0
for mode in "$@"; do
    case $mode in procfs | bpf) ;; *) fail "no such mode: $mode" ;; esac
    boot "$mode" || failed=1
done
exit $failed
