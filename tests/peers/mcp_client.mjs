// Drives an MCP server with the TypeScript SDK on node, bun or deno, then holds the session until stdin closes.
//
// usage: mcp_client.mjs stdio CWD CMD [ARG...] | http URL | sse URL
//
// Reports on stderr as mcp_client_v1.py does: READY {json}, then AGAIN {json} for each line read from stdin.

import process from "node:process";
import { createInterface } from "node:readline";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const STEP = { timeout: 90_000 };

function connect([kind, ...target]) {
  if (kind === "http") return new StreamableHTTPClientTransport(new URL(target[0]));
  if (kind === "sse") return new SSEClientTransport(new URL(target[0]));
  const [cwd, command, ...args] = target;
  return new StdioClientTransport({ command, args, cwd, env: { ...process.env }, stderr: "inherit" });
}

async function exchange(client) {
  const { tools } = await client.listTools({}, STEP);
  const names = tools.map((tool) => tool.name);
  const name = ["echo", "list_allowed_directories"].find((known) => names.includes(known));
  if (!name) throw new Error(`no known tool among ${names}`);
  const result = await client.callTool({ name, arguments: name === "echo" ? { message: "hello" } : {} }, undefined, STEP);
  return { tools: tools.length, call: (result.content[0]?.text ?? "").slice(0, 200) };
}

function report(word, facts) {
  process.stderr.write(`${word} ${JSON.stringify(facts)}\n`);
}

const client = new Client({ name: "ts-client", version: "1.0" });
const transport = connect(process.argv.slice(2));
await client.connect(transport, STEP);
const first = await exchange(client);
report("READY", {
  client: "ts-client",
  protocol: transport.protocolVersion ?? null,
  server: client.getServerVersion(),
  ...first,
});
for await (const _ of createInterface({ input: process.stdin })) report("AGAIN", await exchange(client));
await client.close();
process.exit(0);
