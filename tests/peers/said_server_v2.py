"""A server on the Python SDK 2.x that says what a file tells it to, and writes what it is told into a ledger.

usage: said_server_v2.py LEDGER SAYS stdio. As said_server_v1.py.
"""

import json
import sys

import anyio
import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

ledger = open(sys.argv[1], "a", encoding="utf-8", errors="backslashreplace")
with open(sys.argv[2], encoding="utf-8") as file:
    SAYS = json.load(file)


def write(*entry) -> None:
    ledger.write(json.dumps(entry) + "\n")
    ledger.flush()


async def list_tools(_context, _params):
    return types.ListToolsResult(tools=[types.Tool.model_validate(tool) for tool in SAYS["tools"]])


async def outcome(asked) -> str:
    try:
        await asked
        return "answered"
    except MCPError as error:
        return str(error.error.code)


async def call_tool(context, params):
    name, session = params.name, context.session
    write(name, params.arguments)
    says = SAYS["calls"].get(name, {})
    if "log" in says:
        await session.send_log_message(level="info", data=says["log"])
    if "ask" in says:
        schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}}
        write("ask", await outcome(session.elicit_form(says["ask"], schema)))
    if "sample" in says:
        message = types.SamplingMessage(role="user", content=types.TextContent(text=says["sample"]))
        write("sample", await outcome(session.create_message([message], max_tokens=5)))
    if "error" in says:
        raise MCPError(-32000, says["error"])
    result = says.get("result", {"content": [{"type": "text", "text": f"executed {name}"}]})
    return types.CallToolResult.model_validate(result)


async def read_resource(_context, params):
    text = SAYS["resources"][str(params.uri)]
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=params.uri, text=text)])


async def get_prompt(_context, params):
    content = types.TextContent(text=SAYS["prompts"][params.name])
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content)])


server = Server(
    "said-v2",
    version="2",
    on_list_tools=list_tools,
    on_call_tool=call_tool,
    on_read_resource=read_resource,
    on_get_prompt=get_prompt,
)


async def main() -> None:
    async with stdio_server() as (read, write_stream):
        await server.run(read, write_stream, server.create_initialization_options())


anyio.run(main)
