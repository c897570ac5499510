"""Drives a look-alike with `Content-Length` framing, a language server or a debug adapter, and holds it.

usage: framed_client.py lsp|dap CWD CMD [ARG...]

On stderr: `READY {json}` with the process id after the first answers; then holds until its own stdin closes.
None of these processes is an MCP server, however alike the plumbing.
"""

import json
import os
import subprocess
import sys
import threading

DEADLINE_SECONDS = 60


def send(child, message):
    """One framed message."""
    body = json.dumps(message).encode()
    child.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    child.stdin.flush()


def receive(child):
    """One framed message."""
    length = None
    while True:
        line = child.stdout.readline()
        if not line:
            raise SystemExit("the server closed its output")
        if line == b"\r\n" and length is not None:
            return json.loads(child.stdout.read(length))
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)


def until(child, wanted):
    """Messages up to the one that `wanted` accepts."""
    while not wanted(message := receive(child)):
        pass
    return message


def lsp(child, cwd):
    """Initialize, initialized, one more request."""
    params = {"processId": os.getpid(), "rootUri": f"file://{cwd}", "capabilities": {}, "clientInfo": {"name": "editor"}}
    send(child, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    opened = until(child, lambda m: m.get("id") == 1 and "method" not in m)
    send(child, {"jsonrpc": "2.0", "method": "initialized", "params": {}})
    send(child, {"jsonrpc": "2.0", "id": 2, "method": "workspace/symbol", "params": {"query": "x"}})
    until(child, lambda m: m.get("id") == 2 and "method" not in m)
    return "error" not in opened


def dap(child, _cwd):
    """The debug adapter's initialize."""
    arguments = {"adapterID": "test", "clientID": "editor", "linesStartAt1": True}
    send(child, {"seq": 1, "type": "request", "command": "initialize", "arguments": arguments})
    opened = until(child, lambda m: m.get("type") == "response" and m.get("command") == "initialize")
    return opened["success"]


def main(kind, cwd, *command):
    """Start, talk, report, hold, stop."""
    child = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    watchdog = threading.Timer(DEADLINE_SECONDS, child.kill)
    watchdog.start()
    try:
        ok = {"lsp": lsp, "dap": dap}[kind](child, cwd)
        watchdog.cancel()
        sys.stderr.write(f"READY {json.dumps({'pid': child.pid, 'initialized': ok})}\n")
        sys.stdin.read()
    finally:
        watchdog.cancel()
        child.kill()
        child.wait()


main(*sys.argv[1:])
