// A server on the TypeScript SDK that says what a file tells it to, and writes what it is told into a ledger.
// usage: said_server.mjs LEDGER SAYS stdio | sse | json. As said_server_v1.py.

import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import process from "node:process";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  CallToolRequestSchema,
  GetPromptRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";

const [, , ledger, file, transport] = process.argv;
const write = (...entry) => appendFileSync(ledger, `${JSON.stringify(entry)}\n`);
const SAYS = JSON.parse(readFileSync(file, "utf8"));
const outcome = (asked) =>
  asked.then(
    () => "answered",
    (error) => String(error.code),
  );

function make() {
  const capabilities = { tools: {}, resources: {}, prompts: {}, logging: {} };
  const server = new Server({ name: "said-ts", version: "1" }, { capabilities });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: SAYS.tools }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    write(params.name, params.arguments ?? null);
    const says = SAYS.calls[params.name] ?? {};
    if (says.log) await extra.sendNotification({ method: "notifications/message", params: { level: "info", data: says.log } });
    if (says.ask) {
      const requestedSchema = { type: "object", properties: { sure: { type: "boolean" } } };
      const asked = { method: "elicitation/create", params: { message: says.ask, requestedSchema } };
      write("ask", await outcome(extra.sendRequest(asked, z.any())));
    }
    if (says.sample) {
      const messages = [{ role: "user", content: { type: "text", text: says.sample } }];
      const asked = { method: "sampling/createMessage", params: { messages, maxTokens: 5 } };
      write("sample", await outcome(extra.sendRequest(asked, z.any())));
    }
    if (says.error) throw new McpError(-32000, says.error);
    return says.result ?? { content: [{ type: "text", text: `executed ${params.name}` }] };
  });
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => ({
    contents: [{ uri: params.uri, text: SAYS.resources[params.uri] }],
  }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => ({
    messages: [{ role: "user", content: { type: "text", text: SAYS.prompts[params.name] } }],
  }));
  return server;
}

if (transport === "stdio") {
  await make().connect(new StdioServerTransport());
} else {
  const sessions = new Map();
  const listener = createServer(async (request, response) => {
    const id = request.headers["mcp-session-id"];
    let session = sessions.get(id);
    if (!session) {
      session = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        enableJsonResponse: transport === "json",
        onsessioninitialized: (fresh) => sessions.set(fresh, session),
      });
      await make().connect(session);
    }
    await session.handleRequest(request, response);
  });
  listener.listen(0, "127.0.0.1", () => console.log(`LISTENS 127.0.0.1:${listener.address().port}`));
}
