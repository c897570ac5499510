"""A stdio server on the Python SDK 2.x. `mark` leaves a line in the file MARKS names: what was executed is known."""

import os

from mcp.server.mcpserver import MCPServer

server = MCPServer("marking-v2", log_level="WARNING")


@server.tool()
def echo(text: str) -> str:
    """Returns the text."""
    return text


@server.tool()
def mark(text: str) -> str:
    """Leaves a mark."""
    with open(os.environ["MARKS"], "a", encoding="utf-8") as marks:
        marks.write(text + "\n")
    return "marked"


server.run("stdio")
