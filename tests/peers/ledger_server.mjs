// A server on the TypeScript SDK that takes any arguments and writes every call it executes into a ledger. `echo` answers
// with the text it was given.
// usage: ledger_server.mjs LEDGER stdio | http. Over HTTP it prints where it listens.

import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import process from "node:process";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

const [, , ledger, transport] = process.argv;
const write = (...entry) => appendFileSync(ledger, `${JSON.stringify(entry)}\n`);
const TOOLS = ["echo", "forbidden", "forbidden_too", "FORBIDDEN"];

function make() {
  const server = new Server({ name: "ledger-ts", version: "1" }, { capabilities: { tools: {}, resources: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: TOOLS.map((name) => ({ name, description: name, inputSchema: { type: "object" } })),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    write(params.name, params.arguments ?? null);
    const echoed = params.name === "echo" ? params.arguments?.text : undefined;
    return { content: [{ type: "text", text: typeof echoed === "string" ? echoed : `executed ${params.name}` }] };
  });
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => {
    write("resources/read", params.uri);
    return { contents: [{ uri: params.uri, text: "content" }] };
  });
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
        onsessioninitialized: (fresh) => sessions.set(fresh, session),
      });
      await make().connect(session);
    }
    await session.handleRequest(request, response);
  });
  listener.listen(0, "127.0.0.1", () => console.log(`LISTENS 127.0.0.1:${listener.address().port}`));
}
