"""A server on the Python SDK 1.x that plays a part: it offers the tools of CAST, answers with the texts written there, and
writes every call it executes into a ledger.

usage: cast_server_v1.py LEDGER CAST
"""

import json
import sys

import anyio
import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

ledger = open(sys.argv[1], "a", encoding="utf-8")
with open(sys.argv[2], encoding="utf-8") as file:
    cast = json.load(file)
server = Server(cast["name"], version="1")


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [types.Tool(**tool) for tool in cast["tools"]]


@server.call_tool(validate_input=False)
async def call_tool(name, arguments):
    ledger.write(json.dumps([name, arguments]) + "\n")
    ledger.flush()
    return [types.TextContent(type="text", text=cast["answers"].get(name, "done"))]


async def stdio() -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


anyio.run(stdio)
