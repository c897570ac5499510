"""A JSON-RPC daemon that is no MCP server. usage: jsonrpc_daemon.py stdio | http PORT"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


def answer(line):
    """Some result for any call."""
    call = json.loads(line)
    result = {"version": "9.1", "capabilities": ["lock", "query"], "echo": call.get("params")}
    return json.dumps({"jsonrpc": "2.0", "id": call.get("id"), "result": result})


class Handler(BaseHTTPRequestHandler):
    """JSON-RPC by POST to any path."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """Answer one call."""
        body = answer(self.rfile.read(int(self.headers["Content-Length"]))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silent."""


if sys.argv[1] == "http":
    HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
for request in sys.stdin:
    print(answer(request), flush=True)
