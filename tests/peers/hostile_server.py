"""A server of no SDK: it answers a call with whatever bytes the call carries, then properly. usage: hostile_server.py LEDGER stdio"""

import json
import sys

out = sys.stdout.buffer


def say(line: bytes) -> None:
    out.write(line + b"\n")
    out.flush()


for line in sys.stdin.buffer:
    request = json.loads(line)
    if "id" not in request or "method" not in request:
        continue
    identity = json.dumps(request["id"]).encode()
    if request["method"] == "initialize":
        result = {
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "hostile", "version": "1"},
        }
        say(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode())
        continue
    said = request.get("params", {}).get("arguments", {}).get("line")
    if said is not None:
        say(bytes.fromhex(said).replace(b"@", identity))
    say(b'{"jsonrpc":"2.0","id":@,"result":{"content":[{"type":"text","text":"plain"}]}}'.replace(b"@", identity))
