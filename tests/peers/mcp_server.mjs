// A stdio server on the TypeScript SDK, for node, bun or deno.

import process from "node:process";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const server = new McpServer({ name: "ts-server", version: "1.2.3" });
server.registerTool("echo", { inputSchema: { message: z.string() } }, ({ message }) => ({
  content: [{ type: "text", text: `${message} from pid ${process.pid}` }],
}));
await server.connect(new StdioServerTransport());
