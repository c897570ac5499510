#!/bin/bash
# The checks inside the container (see ../nspawn.sh). One line a check in /results/report; DONE at the end.
set -u

report=/results/report
unit=mcpgw-agent.service
socket=/run/mcpgw/control.sock

# check NAME COMMAND...: the command must succeed.
check() {
    local name=$1
    shift
    if "$@"; then echo "PASS $name" >>$report; else echo "FAIL $name" >>$report; fi
}

# eventually SECONDS COMMAND...: the command must succeed before the time is over.
eventually() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.2
    done
}

# The end: without DONE the checks count as failed.
finish() {
    journalctl --no-pager --unit=$unit >/results/journal 2>&1
    echo DONE >>$report
    exit 0
}

property() { systemctl show --value --property="$1" $unit; }
main_pid() { property MainPID; }
answers() { mcpgw-agent status >/dev/null; }
new_main_pid() { # OLD
    local pid
    pid=$(main_pid)
    [ "$pid" != 0 ] && [ "$pid" != "$1" ] && systemctl is-active --quiet $unit
}
status_has() { # PYTHON-EXPRESSION over `status`
    mcpgw-agent status --all --json | python3 -c "
import json, sys
status = json.load(sys.stdin)
sys.exit(not ($1))"
}

starts() { timeout 60 systemctl start $unit; }
is_active() { [ "$(systemctl is-active $unit)" = active ]; }
runs_as_its_user() { [ "$(ps -o user= -p "$(main_pid)")" = mcpgw ]; }
has_no_more_capabilities_than_named() {
    # BPF 39, PERFMON 38, SYS_ADMIN 21, SYS_PTRACE 19, NET_ADMIN 12, DAC_READ_SEARCH 2
    local named=$(((1 << 39) | (1 << 38) | (1 << 21) | (1 << 19) | (1 << 12) | (1 << 2)))
    local bounding
    bounding=$(sed -n 's/^CapBnd:\s*//p' "/proc/$(main_pid)/status")
    [ "$bounding" = "$(printf '%016x' $named)" ]
}
socket_is_for_its_group() { [ "$(stat -c '%F %a %G' $socket)" = "socket 660 mcpgw" ]; }
a_stranger_may_not_ask() { ! setpriv --reuid=65534 --regid=65534 --clear-groups mcpgw-agent status; }
second_agent_refuses() { ! timeout 20 setpriv --reuid=mcpgw --regid=mcpgw --init-groups mcpgw-agent run; }
restarts_after_a_crash() {
    local pid
    pid=$(main_pid)
    kill -KILL "$pid" && eventually 30 new_main_pid "$pid"
}
restarts_when_it_hangs() {
    local pid
    mkdir -p /run/systemd/system/$unit.d
    printf '[Service]\nWatchdogSec=6s\nTimeoutAbortSec=2s\n' >/run/systemd/system/$unit.d/watchdog.conf
    systemctl daemon-reload && systemctl restart $unit || return 1
    pid=$(main_pid)
    # With the watchdog as short as this it must still stay up by itself.
    sleep 10
    [ "$(main_pid)" = "$pid" ] || return 1
    kill -STOP "$pid" && eventually 40 new_main_pid "$pid"
}
stops() { timeout 30 systemctl stop $unit && [ "$(property Result)" = success ]; }
leaves_nothing() { [ ! -e /run/mcpgw ] && ! pgrep --euid mcpgw >/dev/null; }
starts_again() { starts && eventually 20 answers; }

# Its calls are refused, and it does not go on.
has_ended() { ! kill -0 "$1" 2>/dev/null; }
server_is_listed() { status_has "any(s['pid'] == $1 for s in status['servers'])"; }
server_is_proxied() { status_has "any(s['pid'] == $1 and s['state'] == 'proxied' for s in status['servers'])"; }

mode_of_boot=$(tr '\0' '\n' </proc/1/cmdline | sed -n 's/^mcpgw.mode=//p')
mode_is_right() {
    if [ "$mode_of_boot" = procfs ]; then
        status_has 'status["agent"]["mode"] == "procfs"'
    else
        status_has 'status["agent"]["mode"] in ("ebpf", "procfs")'
    fi
}

check "the unit file verifies" systemd-analyze verify $unit
check "systemctl start" starts
is_active || finish
check "is-active" is_active
check "runs as its own user" runs_as_its_user
check "has the named capabilities only" has_no_more_capabilities_than_named
check "control socket is for its group" socket_is_for_its_group
check "status answers" eventually 20 answers
check "status --json says the mode" mode_is_right
check "a stranger may not ask" a_stranger_may_not_ask
check "a second agent refuses" second_agent_refuses

python3 /checks/client.py python3 /checks/server.py >/run/direct.pid &
eventually 20 test -s /run/direct.pid
check "an MCP server is listed" eventually 30 server_is_listed "$(cat /run/direct.pid)"
python3 /checks/client.py mcpgw-agent wrap -- python3 /checks/server.py >/run/wrapped.pid 2>/dev/null &
wrapped_client=$!
eventually 20 test -s /run/wrapped.pid
check "a wrapped one is listed as proxied" eventually 30 server_is_proxied "$(cat /run/wrapped.pid)"

check "restart after a crash" restarts_after_a_crash
check "status answers after it" eventually 20 answers
check "the session it had ends" eventually 30 has_ended $wrapped_client
python3 /checks/client.py mcpgw-agent wrap -- python3 /checks/server.py >/run/again.pid &
eventually 20 test -s /run/again.pid
check "the next one is proxied" eventually 30 server_is_proxied "$(cat /run/again.pid)"
check "restart when it hangs" restarts_when_it_hangs
check "systemctl stop" stops
check "nothing is left of it" leaves_nothing
check "starts again" starts_again
check "stops again" stops

finish
