"""A server over HTTPS on the Python SDK 1.x. usage: tls_server.py PORT CERTIFICATE KEY"""

import sys

import uvicorn
from mcp.server.fastmcp import FastMCP

port, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
server = FastMCP("far-away", host="127.0.0.1", port=port, log_level="WARNING")


@server.tool()
def echo(message: str) -> str:
    """Returns the message."""
    return message


uvicorn.run(
    server.streamable_http_app(),
    host="127.0.0.1",
    port=port,
    log_level="warning",
    ssl_certfile=certificate,
    ssl_keyfile=key,
)
