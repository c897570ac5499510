"""A server on the Python SDK 1.x. usage: mcp_server_v1.py stdio | http PORT | sse PORT"""

import os
import sys

from mcp.server.fastmcp import FastMCP

transport = sys.argv[1]
port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
server = FastMCP("py-server-v1", host="127.0.0.1", port=port, log_level="WARNING")


@server.tool()
def echo(message: str) -> str:
    """Returns the message and who answered."""
    return f"{message} from pid {os.getpid()}"


server.run({"stdio": "stdio", "http": "streamable-http", "sse": "sse"}[transport])
