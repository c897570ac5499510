// A server on the TypeScript SDK that plays a part: it offers the tools of CAST, answers with the texts written there, and
// writes every call it executes into a ledger.
// usage: cast_server.mjs LEDGER CAST

import { appendFileSync, readFileSync } from "node:fs";
import process from "node:process";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [, , ledger, path] = process.argv;
const cast = JSON.parse(readFileSync(path, "utf8"));
const server = new Server({ name: cast.name, version: "1" }, { capabilities: { tools: {} } });
server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: cast.tools }));
server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
  appendFileSync(ledger, `${JSON.stringify([params.name, params.arguments ?? null])}\n`);
  return { content: [{ type: "text", text: cast.answers[params.name] ?? "done" }] };
});
await server.connect(new StdioServerTransport());
