"""A server on the Python SDK 2.x that takes any arguments and writes every call it executes into a ledger.

`echo` answers with the text it was given.
usage: ledger_server_v2.py LEDGER stdio
"""

import json
import sys

import anyio
import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

ledger = open(sys.argv[1], "a", encoding="utf-8", errors="backslashreplace")
TOOLS = ["echo", "forbidden", "forbidden_too", "FORBIDDEN"]


def write(*entry) -> None:
    ledger.write(json.dumps(entry) + "\n")
    ledger.flush()


async def list_tools(_context, _params):
    tools = [types.Tool(name=name, description=name, input_schema={"type": "object"}) for name in TOOLS]
    return types.ListToolsResult(tools=tools)


async def call_tool(_context, params):
    write(params.name, params.arguments)
    echoed = (params.arguments or {}).get("text") if params.name == "echo" else None
    text = echoed if isinstance(echoed, str) else f"executed {params.name}"
    return types.CallToolResult(content=[types.TextContent(text=text)])


async def read_resource(_context, params):
    write("resources/read", str(params.uri))
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=params.uri, text="content")])


server = Server(
    "ledger-v2", version="2", on_list_tools=list_tools, on_call_tool=call_tool, on_read_resource=read_resource
)


async def main() -> None:
    async with stdio_server() as (read, write_stream):
        await server.run(read, write_stream, server.create_initialization_options())


anyio.run(main)
