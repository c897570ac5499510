// A stdio server on the TypeScript SDK. `mark` leaves a line in the file MARKS names: what was executed is known.

import { appendFileSync } from "node:fs";
import process from "node:process";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const text = (text) => ({ content: [{ type: "text", text }] });
const server = new McpServer({ name: "marking", version: "1.0.0" });
server.registerTool("echo", { inputSchema: { text: z.string() } }, (call) => text(call.text));
server.registerTool("mark", { inputSchema: { text: z.string() } }, (call) => {
  appendFileSync(process.env.MARKS, `${call.text}\n`);
  return text("marked");
});
await server.connect(new StdioServerTransport());
