// Uses all of a session with tests/peers/http_server.mjs and tells what came of it, as one line of JSON on stdout.
// usage: http_client.mjs URL [WITHOUT,…]     WITHOUT: steps to leave out

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

const [url, without = ""] = process.argv.slice(2);
const capabilities = { sampling: {}, elicitation: {} };
const client = new Client({ name: "ts-http-client", version: "1.0" }, { capabilities });
client.setRequestHandler(CreateMessageRequestSchema, () => ({
  role: "assistant",
  model: "none",
  content: { type: "text", text: "yes" },
}));
client.setRequestHandler(ElicitRequestSchema, () => ({ action: "accept", content: { sure: true } }));
const changed = new Promise((resolve) => client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve("heard")));

const transport = new StreamableHTTPClientTransport(new URL(url), {
  reconnectionOptions: { initialReconnectionDelay: 10, maxReconnectionDelay: 100, reconnectionDelayGrowFactor: 1, maxRetries: 20 },
});
const told = {};

async function step(name, run) {
  if (without.split(",").includes(name)) return;
  try {
    told[name] = await run();
  } catch (error) {
    told[name] = { code: error.code ?? null };
  }
}

const call = async (name, args = {}, options = {}) => {
  const result = await client.callTool({ name, arguments: args }, undefined, { timeout: 20_000, ...options });
  return result.content[0].text;
};

await client.connect(transport);
told.server = client.getServerVersion().name;
told.protocol = transport.protocolVersion;
told.session = Boolean(transport.sessionId);
await step("list", async () => (await client.listTools()).tools.map((tool) => tool.name));
await step("echo", () => call("echo", { message: "h\u00e9llo \u{1F980}\u2028" }));
await step("big", async () => (await call("echo", { message: "x".repeat(2_000_000) })).length);
await step("deny", () => call("deny"));
await step("ask", () => call("ask"));
await step("confirm", () => call("confirm"));
const progress = [];
await step("slow", () => call("slow", {}, { onprogress: (note) => progress.push(note.progress) }));
told.progress = progress;
await step("announce", async () => {
  // The SDK does not wait for its GET stream, and what is announced before that is open nobody hears.
  for (;;) {
    const said = await call("announce");
    if (await Promise.race([changed, sleep(200)])) return said;
  }
});
await step("heard", () => changed);
await step("cut", () => call("cut"));
await step("parallel", () => Promise.all(Array.from({ length: 20 }, (_, n) => call("echo", { message: String(n) }))));
await step("end", () => transport.terminateSession().then(() => Boolean(transport.sessionId)));
process.stdout.write(`${JSON.stringify(told)}\n`);
process.exit(0);
