"""A server on the Python SDK 1.x that says what a file tells it to, and writes what it is told into a ledger.

usage: said_server_v1.py LEDGER SAYS stdio | sse | json. SAYS is JSON: `tools` (definitions), `calls` (by tool: `result`, or
`error`, a message; before that `log`, `ask`, `sample`: a text each), `resources` (a text each), `prompts` (a text each).
Over HTTP it prints where it listens, endpoint /mcp.
"""

import json
import sys

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import McpError

ledger = open(sys.argv[1], "a", encoding="utf-8", errors="backslashreplace")
with open(sys.argv[2], encoding="utf-8") as file:
    SAYS = json.load(file)
server = Server("said-v1", version="1")


def write(*entry) -> None:
    ledger.write(json.dumps(entry) + "\n")
    ledger.flush()


@server.list_tools()
async def list_tools() -> list[types.Tool]:
    return [types.Tool.model_validate(tool) for tool in SAYS["tools"]]


async def outcome(asked) -> str:
    try:
        await asked
        return "answered"
    except McpError as error:
        return str(error.error.code)


async def call_tool(request: types.CallToolRequest) -> types.ServerResult:
    name, session = request.params.name, server.request_context.session
    write(name, request.params.arguments)
    says, about = SAYS["calls"].get(name, {}), server.request_context.request_id
    if "log" in says:
        await session.send_log_message(level="info", data=says["log"], related_request_id=about)
    if "ask" in says:
        schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}}
        write("ask", await outcome(session.elicit(says["ask"], schema, related_request_id=about)))
    if "sample" in says:
        content = types.TextContent(type="text", text=says["sample"])
        message = types.SamplingMessage(role="user", content=content)
        write("sample", await outcome(session.create_message([message], max_tokens=5, related_request_id=about)))
    if "error" in says:
        raise McpError(types.ErrorData(code=-32000, message=says["error"]))
    result = says.get("result", {"content": [{"type": "text", "text": f"executed {name}"}]})
    return types.ServerResult(types.CallToolResult.model_validate(result))


server.request_handlers[types.CallToolRequest] = call_tool


async def read_resource(request: types.ReadResourceRequest) -> types.ServerResult:
    uri = request.params.uri
    contents = [types.TextResourceContents(uri=uri, text=SAYS["resources"][str(uri)])]
    return types.ServerResult(types.ReadResourceResult(contents=contents))


async def get_prompt(request: types.GetPromptRequest) -> types.ServerResult:
    content = types.TextContent(type="text", text=SAYS["prompts"][request.params.name])
    return types.ServerResult(types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content)]))


server.request_handlers[types.ReadResourceRequest] = read_resource
server.request_handlers[types.GetPromptRequest] = get_prompt


async def stdio() -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write_stream):
        await server.run(read, write_stream, server.create_initialization_options())


def http(is_json: bool) -> None:
    import contextlib
    import socket

    import uvicorn
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.applications import Starlette
    from starlette.routing import Mount

    manager = StreamableHTTPSessionManager(server, json_response=is_json)

    @contextlib.asynccontextmanager
    async def lifespan(_app):
        async with manager.run():
            yield

    app = Starlette(routes=[Mount("/", app=manager.handle_request)], lifespan=lifespan)
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"LISTENS 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if sys.argv[3] == "stdio":
    import anyio

    anyio.run(stdio)
else:
    http(sys.argv[3] == "json")
