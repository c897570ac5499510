"""An MCP client: starts the given server, prints the pid the server tells, and calls it for ever."""
import json, subprocess, sys, time

server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
lines = iter(server.stdout.readline, b"")


def call(number, method, params):
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    server.stdin.write(json.dumps(request).encode() + b"\n")
    return json.loads(next(lines))["result"]


hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "check", "version": "1"}}
print(call(1, "initialize", hello)["serverInfo"]["version"], flush=True)
number = 1
while True:
    number += 1
    call(number, "tools/list", {})
    time.sleep(0.2)
