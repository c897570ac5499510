// A Streamable HTTP server on the TypeScript SDK that uses all of a session: requests of its own, progress, notifications
// on the GET stream, streams taken up again. usage: http_server.mjs sse|json MARK_FILE
//
// Says `LISTENING port` on stdout. The tool `deny` appends to MARK_FILE.

import fs from "node:fs";
import http from "node:http";
import process from "node:process";
import { randomUUID } from "node:crypto";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

const [answers, mark] = process.argv.slice(2);
const text = (value) => ({ content: [{ type: "text", text: value }] });

class Events {
  events = [];
  async storeEvent(streamId, message) {
    this.events.push({ streamId, message });
    return `${streamId}_${this.events.length}`;
  }
  async replayEventsAfter(lastEventId, { send }) {
    const at = Number(lastEventId.split("_").at(-1));
    const { streamId } = this.events[at - 1];
    for (let i = at; i < this.events.length; i++) {
      const { streamId: of, message } = this.events[i];
      if (of === streamId && message && Object.keys(message).length) await send(`${of}_${i + 1}`, message);
    }
    return streamId;
  }
}

function create() {
  const server = new McpServer({ name: "ts-http-server", version: "1.2.3" }, { capabilities: { tools: { listChanged: true } } });
  server.registerTool("echo", { inputSchema: { message: z.string() } }, ({ message }) => text(message));
  server.registerTool("deny", { inputSchema: {} }, () => {
    fs.appendFileSync(mark, "ran\n");
    return text("ran");
  });
  server.registerTool("ask", { inputSchema: {} }, async (_, extra) => {
    const messages = [{ role: "user", content: { type: "text", text: "say yes" } }];
    const params = { messages, maxTokens: 5 };
    const answer = await extra.sendRequest({ method: "sampling/createMessage", params }, z.any());
    return text(`sampled ${answer.content.text}`);
  });
  server.registerTool("confirm", { inputSchema: {} }, async (_, extra) => {
    const params = { message: "Sure?", requestedSchema: { type: "object", properties: { sure: { type: "boolean" } } } };
    const answer = await extra.sendRequest({ method: "elicitation/create", params }, z.any());
    return text(`${answer.action} ${JSON.stringify(answer.content)}`);
  });
  server.registerTool("slow", { inputSchema: {} }, async (_, extra) => {
    for (let progress = 1; progress <= 3; progress++) {
      const params = { progressToken: extra._meta.progressToken, progress, total: 3 };
      await extra.sendNotification({ method: "notifications/progress", params });
    }
    return text("done");
  });
  server.registerTool("announce", { inputSchema: {} }, async () => {
    await server.server.notification({ method: "notifications/tools/list_changed" });
    return text("announced");
  });
  // Closes its own stream before the answer: the client has to come back for it.
  server.registerTool("cut", { inputSchema: {} }, async (_, extra) => {
    extra.closeSSEStream?.();
    return text("after the cut");
  });
  return server;
}

const sessions = new Map();

async function open() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: answers === "json",
    eventStore: answers === "json" ? undefined : new Events(),
    retryInterval: 10,
    onsessioninitialized: (id) => sessions.set(id, transport),
    onsessionclosed: (id) => sessions.delete(id),
  });
  await create().connect(transport);
  return transport;
}

const listener = http.createServer(async (request, response) => {
  const id = request.headers["mcp-session-id"];
  if (id && !sessions.has(id)) return response.writeHead(404).end();
  const transport = id ? sessions.get(id) : await open();
  await transport.handleRequest(request, response);
});
listener.listen(0, "127.0.0.1", () => process.stdout.write(`LISTENING ${listener.address().port}\n`));
