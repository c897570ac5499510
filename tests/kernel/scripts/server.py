"""Speaks MCP over its standard streams: of one tool, which reads a file."""
import json, sys, subprocess
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "notes", "version": "1"}}
    else:
        path = asked["params"]["arguments"]["path"]
        try:
            with open(path) as file: text = file.read()
        except OSError as error:
            text = f"errno {error.errno}"
        result = {"content": [{"type": "text", "text": text}]}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
