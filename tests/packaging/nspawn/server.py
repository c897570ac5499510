"""A minimal MCP server on standard input and output, whose version is its pid."""
import json, os, sys

for line in sys.stdin:
    request = json.loads(line)
    if request["method"] == "initialize":
        result = {
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "packaging-check", "version": str(os.getpid())},
        }
    else:
        result = {"tools": [{"name": "nothing", "inputSchema": {"type": "object"}}]}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
