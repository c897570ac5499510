"""A server on the Python SDK 2.x, which answers both protocol eras. usage: mcp_server_v2.py stdio | http PORT

Over stdio this SDK moves its wire away from descriptors 0 and 1, which is what makes it worth testing.
"""

import os
import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("py-server-v2", version="2.0.1", log_level="WARNING")


@server.tool()
def echo(message: str) -> str:
    """Returns the message and who answered."""
    return f"{message} from pid {os.getpid()}"


if sys.argv[1] == "http":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
else:
    server.run("stdio")
