"""A server on the Python SDK 1.x that takes any arguments and writes every call it executes into a ledger.

`echo` answers with the text it was given.
usage: ledger_server_v1.py LEDGER stdio | http. Over HTTP it prints where it listens, endpoint /mcp.
"""

import json
import sys

import mcp.types as types
from mcp.server.lowlevel import Server

ledger = open(sys.argv[1], "a", encoding="utf-8", errors="backslashreplace")
server = Server("ledger-v1", version="1")
TOOLS = ["echo", "forbidden", "forbidden_too", "FORBIDDEN"]


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [types.Tool(name=name, description=name, inputSchema={"type": "object"}) for name in TOOLS]


@server.call_tool(validate_input=False)
async def call_tool(name, arguments):
    ledger.write(json.dumps([name, arguments]) + "\n")
    ledger.flush()
    echoed = arguments.get("text") if name == "echo" else None
    return [types.TextContent(type="text", text=echoed if isinstance(echoed, str) else f"executed {name}")]


@server.read_resource()
async def read_resource(uri):
    ledger.write(json.dumps(["resources/read", str(uri)]) + "\n")
    ledger.flush()
    return "content"


async def stdio() -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def http() -> None:
    import contextlib
    import socket

    import uvicorn
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.applications import Starlette
    from starlette.routing import Mount

    manager = StreamableHTTPSessionManager(server)

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        async with manager.run():
            yield

    app = Starlette(routes=[Mount("/", app=manager.handle_request)], lifespan=lifespan)
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"LISTENS 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if sys.argv[2] == "http":
    http()
else:
    import anyio

    anyio.run(stdio)
