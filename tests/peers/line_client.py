"""Drives a look-alike that speaks JSON-RPC, one object a line, and holds it.

usage: line_client.py calls|acp CWD CMD [ARG...]

`calls` are those of some daemon of its own making, among them `ping` and `initialize`, names it shares with MCP;
`acp` are those of an editor's agent (`initialize` with an integer protocol version). Reports as framed_client.py.
"""

import json
import subprocess
import sys
import threading

DEADLINE_SECONDS = 60

SCRIPTS = {
    "calls": [
        ("initialize", {"workdir": "/tmp"}),
        ("ping", {}),
        ("inventory.query", {"limit": 3}),
        ("resources.lock", {"name": "a"}),
    ],
    "acp": [
        ("initialize", {"protocolVersion": 1, "clientCapabilities": {"fs": {"readTextFile": True, "writeTextFile": True}}}),
        ("session/new", {"cwd": "/tmp", "mcpServers": []}),
        ("session/prompt", {"sessionId": "s1", "prompt": [{"type": "text", "text": "hello"}]}),
    ],
}


def main(script, cwd, *command):
    """Start, talk, report, hold, stop."""
    child = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(DEADLINE_SECONDS, child.kill)
    watchdog.start()
    try:
        for number, (method, params) in enumerate(SCRIPTS[script], start=1):
            call = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            child.stdin.write(json.dumps(call) + "\n")
            child.stdin.flush()
            while json.loads(child.stdout.readline()).get("id") != number:
                pass
        watchdog.cancel()
        sys.stderr.write(f"READY {json.dumps({'pid': child.pid})}\n")
        sys.stdin.read()
    finally:
        watchdog.cancel()
        child.kill()
        child.wait()


main(*sys.argv[1:])
