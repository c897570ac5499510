//! Secrets in every string of every method, both ways, one after the other: none of them is in anything the gateway keeps.
//!
//! Where `canary` plants anything anywhere in a few messages, this plants something in each place messages have.

use base64::Engine as _;
use mcpgw_agent::json::quote;
use mcpgw_agent::mcp::Direction;
use mcpgw_agent::policy::Policy;
use serde_json::{Value, json};

use crate::gate::Site;

/// Something to hide, and the forms it would be recognised by. Put together here: no such text stands in the repository.
fn canaries() -> Vec<String> {
    vec![
        ["gh", "p_", "aB3dE5fG7hJ9kL1m", "N2pQ4rS6tU8vW0xY1z3A"].concat(),
        ["sk", "_live_", "4eC39HqLyjWDarjtT1zdp7dc"].concat(),
        ["AK", "IA", "Q3EGRIY7BTS2WXMN"].concat(),
        "4111111111111111".to_owned(),
    ]
}

/// How a text is told: as it is, or so that it has to be decoded first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Plain,
    Among,
    Escaped,
    Base64,
    Percent,
}

const SPELLINGS: [Spelling; 5] =
    [Spelling::Plain, Spelling::Among, Spelling::Escaped, Spelling::Base64, Spelling::Percent];

impl Spelling {
    /// The text of a member that tells `secret`.
    fn text(self, secret: &str) -> String {
        match self {
            Self::Plain | Self::Escaped => secret.to_owned(),
            Self::Among => format!("x {secret} y"),
            Self::Base64 => {
                base64::engine::general_purpose::STANDARD.encode(format!("the key is {secret} ok"))
            }
            Self::Percent => secret.bytes().map(|byte| format!("%{byte:02x}")).collect(),
        }
    }

    /// That text as JSON.
    fn json(self, secret: &str) -> String {
        let text = self.text(secret);
        match self {
            Self::Escaped => {
                format!("\"{}\"", text.bytes().map(|byte| format!("\\u00{byte:02x}")).collect::<String>())
            }
            Self::Plain | Self::Among | Self::Base64 | Self::Percent => quote(&text),
        }
    }
}

/// A call that is open, so that what servers say of it has something to refer to.
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{},"_meta":{"progressToken":7}}}"#;

/// Requests and notifications of all revisions, with every string they have.
fn asked() -> Vec<(Direction, &'static str, Value)> {
    let of_clients = of_clients().into_iter().map(|(method, params)| (Direction::ToServer, method, params));
    let of_servers = of_servers().into_iter().map(|(method, params)| (Direction::ToClient, method, params));
    of_clients.chain(of_servers).collect()
}

/// `_meta` of a request.
fn meta() -> Value {
    json!({"progressToken": "?", "traceparent": "?", "tracestate": "?", "baggage": "?", "com.example/own": {"key": "?"}})
}

/// What a client asks a server.
fn of_clients() -> Vec<(&'static str, Value)> {
    let meta = meta();
    let info = json!({"name": "?", "title": "?", "version": "?", "description": "?", "websiteUrl": "?",
        "icons": [{"src": "?", "mimeType": "?", "sizes": ["?"], "theme": "?"}]});
    let now = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": info,
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"a": {"b": "?"}}}, "io.modelcontextprotocol/logLevel": "?"});
    vec![
        (
            "initialize",
            json!({"protocolVersion": "?", "capabilities": {"experimental": {"a": {"b": "?"}}}, "clientInfo": info, "_meta": meta}),
        ),
        ("server/discover", json!({"_meta": now})),
        ("ping", json!({"_meta": meta, "own": "?"})),
        ("tools/list", json!({"cursor": "?", "_meta": meta})),
        (
            "tools/call",
            json!({"name": "?", "arguments": {"a": "?", "b": ["?", {"c": "?"}]}, "task": {"own": "?"}, "_meta": meta,
            "inputResponses": {"a": {"action": "?", "content": {"b": "?"}}}, "requestState": "?"}),
        ),
        ("resources/list", json!({"cursor": "?"})),
        ("resources/templates/list", json!({"cursor": "?"})),
        ("resources/read", json!({"uri": "?", "_meta": meta})),
        ("resources/subscribe", json!({"uri": "?"})),
        ("resources/unsubscribe", json!({"uri": "?"})),
        ("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": ["?"]}, "_meta": now})),
        ("prompts/list", json!({"cursor": "?"})),
        ("prompts/get", json!({"name": "?", "arguments": {"a": "?"}, "_meta": meta})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "?", "title": "?"}, "argument": {"name": "?", "value": "?"}, "context": {"arguments": {"a": "?"}}}),
        ),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/resource", "uri": "?"}, "argument": {"name": "?", "value": "?"}}),
        ),
        ("logging/setLevel", json!({"level": "?"})),
        ("tasks/get", json!({"taskId": "?"})),
        ("tasks/result", json!({"taskId": "?"})),
        ("tasks/cancel", json!({"taskId": "?"})),
        ("tasks/list", json!({"cursor": "?"})),
        (
            "tasks/update",
            json!({"taskId": "?", "inputResponses": {"a": {"action": "?", "content": {"b": "?"}}}}),
        ),
        ("vendor/own", json!({"a": "?", "b": {"c": ["?"]}})),
        ("notifications/initialized", json!({"_meta": meta})),
        ("notifications/cancelled", json!({"requestId": "?", "reason": "?"})),
        ("notifications/progress", json!({"progressToken": "?", "progress": 1, "message": "?"})),
        ("notifications/roots/list_changed", json!({"_meta": meta})),
        ("notifications/vendor", json!({"a": "?"})),
    ]
}

/// What a server asks a client, and tells it.
fn of_servers() -> Vec<(&'static str, Value)> {
    let meta = meta();
    let content = json!({"type": "text", "text": "?", "annotations": {"audience": ["?"], "lastModified": "?"}, "_meta": {"a": "?"}});
    let image = json!({"type": "image", "data": "?", "mimeType": "?"});
    let schema = json!({"type": "object", "title": "?", "description": "?",
        "properties": {"a": {"type": "string", "title": "?", "description": "?", "default": "?", "enum": ["?"], "format": "?"}}, "required": ["?"]});
    vec![
        ("notifications/cancelled", json!({"requestId": "?", "reason": "?"})),
        ("notifications/progress", json!({"progressToken": "?", "progress": 1, "message": "?"})),
        ("notifications/message", json!({"level": "?", "logger": "?", "data": {"a": "?", "b": ["?"]}})),
        ("notifications/resources/updated", json!({"uri": "?", "title": "?"})),
        ("notifications/resources/list_changed", json!({"_meta": meta})),
        ("notifications/tools/list_changed", json!({"_meta": meta})),
        ("notifications/prompts/list_changed", json!({"_meta": meta})),
        (
            "notifications/tasks/status",
            json!({"taskId": "?", "status": "?", "statusMessage": "?", "createdAt": "?"}),
        ),
        ("notifications/elicitation/complete", json!({"elicitationId": "?"})),
        (
            "sampling/createMessage",
            json!({"messages": [{"role": "?", "content": content}, {"role": "user", "content": image}], "systemPrompt": "?",
            "modelPreferences": {"hints": [{"name": "?"}]}, "includeContext": "?", "stopSequences": ["?"], "metadata": {"a": "?"}, "maxTokens": 1,
            "tools": [{"name": "?", "description": "?", "inputSchema": schema}], "toolChoice": {"mode": "?"}}),
        ),
        (
            "elicitation/create",
            json!({"mode": "?", "message": "?", "requestedSchema": schema, "url": "?", "elicitationId": "?"}),
        ),
        ("roots/list", json!({"_meta": meta})),
        ("ping", json!({"own": "?"})),
        ("vendor/own", json!({"a": "?"})),
    ]
}

/// Answers: which way, to which request, and what they say.
fn answered() -> Vec<(Direction, &'static str, Value)> {
    let of_servers = answers_of_servers().into_iter().map(|(to, result)| (Direction::ToClient, to, result));
    let of_clients = answers_of_clients().into_iter().map(|(to, result)| (Direction::ToServer, to, result));
    of_servers.chain(of_clients).collect()
}

fn annotations() -> Value {
    json!({"audience": ["?"], "lastModified": "?"})
}

/// Everything a tool may answer with.
fn content() -> Value {
    let annotations = annotations();
    json!([
        {"type": "text", "text": "?", "annotations": annotations, "_meta": {"a": "?"}},
        {"type": "image", "data": "?", "mimeType": "?"}, {"type": "audio", "data": "?", "mimeType": "?"},
        {"type": "resource_link", "uri": "?", "name": "?", "title": "?", "description": "?", "mimeType": "?"},
        {"type": "resource", "resource": {"uri": "?", "text": "?", "mimeType": "?"}},
        {"type": "resource", "resource": {"uri": "?", "blob": "?"}}, {"type": "?"},
    ])
}

fn answers_of_servers() -> Vec<(&'static str, Value)> {
    let annotations = annotations();
    let content = content();
    let info = json!({"name": "?", "title": "?", "version": "?", "icons": [{"src": "?"}]});
    let schema = json!({"type": "object", "description": "?", "properties": {"a": {"description": "?", "default": "?"}}});
    let task = json!({"taskId": "?", "status": "?", "statusMessage": "?", "createdAt": "?", "lastUpdatedAt": "?", "ttl": 1});
    vec![
        (
            r#"{"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#,
            json!({"protocolVersion": "?", "capabilities": {"experimental": {"a": "?"}}, "serverInfo": info, "instructions": "?", "_meta": {"a": "?"}}),
        ),
        (
            r#"{"method":"server/discover","params":{}}"#,
            json!({"resultType": "?", "supportedVersions": ["?"], "capabilities": {}, "serverInfo": info, "instructions": "?", "cacheScope": "?"}),
        ),
        (
            r#"{"method":"tools/list"}"#,
            json!({"tools": [{"name": "?", "title": "?", "description": "?", "inputSchema": schema,
            "outputSchema": schema, "annotations": {"title": "?"}, "icons": [{"src": "?"}], "_meta": {"a": "?"}}], "nextCursor": "?"}),
        ),
        (
            r#"{"method":"tools/call","params":{"name":"t","arguments":{}}}"#,
            json!({"content": content, "structuredContent": {"a": "?", "b": [{"c": "?"}]}, "_meta": {"a": "?"}, "own": "?"}),
        ),
        (r#"{"method":"tools/call","params":{"name":"t","arguments":{}}}"#, json!({"task": task})),
        (
            r#"{"method":"tools/call","params":{"name":"t","arguments":{}}}"#,
            json!({"resultType": "input_required", "requestState": "?", "inputRequests": {"a": {"method": "elicitation/create", "params": {"message": "?", "url": "?"}}}}),
        ),
        (
            r#"{"method":"resources/list"}"#,
            json!({"resources": [{"uri": "?", "name": "?", "title": "?", "description": "?", "mimeType": "?", "annotations": annotations}], "nextCursor": "?"}),
        ),
        (
            r#"{"method":"resources/templates/list"}"#,
            json!({"resourceTemplates": [{"uriTemplate": "?", "name": "?", "description": "?"}]}),
        ),
        (
            r#"{"method":"resources/read","params":{"uri":"file:///a"}}"#,
            json!({"contents": [{"uri": "?", "text": "?", "mimeType": "?"}, {"uri": "?", "blob": "?"}]}),
        ),
        (
            r#"{"method":"prompts/list"}"#,
            json!({"prompts": [{"name": "?", "title": "?", "description": "?", "arguments": [{"name": "?", "description": "?"}]}]}),
        ),
        (
            r#"{"method":"prompts/get","params":{"name":"p"}}"#,
            json!({"description": "?", "messages": [{"role": "?", "content": {"type": "text", "text": "?"}}]}),
        ),
        (
            r#"{"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"b"}}}"#,
            json!({"completion": {"values": ["?"]}}),
        ),
        (r#"{"method":"tasks/get","params":{"taskId":"k"}}"#, task.clone()),
        (r#"{"method":"tasks/list"}"#, json!({"tasks": [task], "nextCursor": "?"})),
        (r#"{"method":"vendor/own"}"#, json!({"a": "?", "b": ["?"]})),
    ]
}

fn answers_of_clients() -> Vec<(&'static str, Value)> {
    vec![
        (
            r#"{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}"#,
            json!({"role": "?", "content": {"type": "text", "text": "?"}, "model": "?", "stopReason": "?"}),
        ),
        (
            r#"{"method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{}}}}"#,
            json!({"action": "?", "content": {"a": "?"}}),
        ),
        (r#"{"method":"roots/list"}"#, json!({"roots": [{"uri": "?", "name": "?"}]})),
    ]
}

/// How many strings `template` has: `"?"` and the names of members.
fn places(template: &Value) -> usize {
    match template {
        Value::String(text) => usize::from(text == "?"),
        Value::Array(elements) => elements.iter().map(places).sum(),
        Value::Object(members) => members.values().map(|value| 1 + places(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// `template` as JSON, with `planted` in its place number `at`, and something harmless in every other.
fn filled(template: &Value, at: usize, planted: &str, seen: &mut usize, out: &mut String) {
    match template {
        Value::String(text) if text == "?" => {
            out.push_str(if *seen == at { planted } else { "\"a\"" });
            *seen += 1;
        }
        Value::Array(elements) => {
            out.push('[');
            for (number, element) in elements.iter().enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                filled(element, at, planted, seen, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (number, (key, value)) in members.iter().enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                let key = quote(key);
                out.push_str(if *seen == at { planted } else { &key });
                *seen += 1;
                out.push(':');
                filled(value, at, planted, seen, out);
            }
            out.push('}');
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {
            out.push_str(&template.to_string())
        }
    }
}

/// What a peer sends before, and then the message with something to hide.
type Case = (Vec<(Direction, String)>, Direction, String);

/// Every message there is, with `planted` (JSON) in each of its places in turn.
fn cases(planted: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let put = |template: &Value, at: usize| {
        let mut text = String::new();
        filled(template, at, planted, &mut 0, &mut text);
        text
    };
    for (direction, method, params) in asked() {
        let id = if method.starts_with("notifications/") { "" } else { r#""id":5,"# };
        let before = vec![(Direction::ToServer, CALL.to_owned())];
        for at in 0..places(&params) {
            let text = put(&params, at);
            let text = format!(r#"{{"jsonrpc":"2.0",{id}"method":"{method}","params":{text}}}"#);
            cases.push((before.clone(), direction, text));
        }
    }
    let failure = json!({"code": -32000, "message": "?", "data": {"a": "?", "b": ["?"]}, "own": "?"});
    for (direction, request, result) in answered() {
        let request = request.replacen('{', r#"{"jsonrpc":"2.0","id":5,"#, 1);
        let before = vec![(Direction::ToServer, CALL.to_owned()), (direction.opposite(), request)];
        for (member, template) in [("result", &result), ("error", &failure)] {
            for at in 0..places(template) {
                let text = format!(r#"{{"jsonrpc":"2.0","id":5,"{member}":{}}}"#, put(template, at));
                cases.push((before.clone(), direction, text));
            }
        }
    }
    // The envelope, and what is none.
    for direction in [Direction::ToServer, Direction::ToClient] {
        for text in [
            r#"{"jsonrpc":"2.0","id":6,"method":?,"params":{}}"#,
            r#"{"jsonrpc":"2.0","method":?}"#,
            r#"{"jsonrpc":?,"id":6,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":?,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":?,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":?,"error":{"code":1,"message":"m"}}"#,
            r#"{"jsonrpc":"2.0","id":6,"method":"ping",?:1}"#,
            r#"{"jsonrpc":"2.0","id":6,"method":"ping","own":?}"#,
            r#"{"jsonrpc":"2.0","id":6,"method":"ping","params":?}"#,
            r#"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"t","arguments":?}}"#,
            r#"{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"t","arguments":{?:1,?:2}}}"#,
            r#"[{"jsonrpc":"2.0","id":6,"method":"ping","params":{"a":?}},{"jsonrpc":"2.0","id":?,"method":"ping"}]"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":?}}"#,
            r"?",
            r#"{"jsonrpc":"2.0","id":6,"method":"ping","params":{"a":?"#,
            "{\"jsonrpc\":\"2.0\",\r\"id\":6,\"method\":?}",
        ] {
            let before = vec![(Direction::ToServer, CALL.to_owned())];
            cases.push((before, direction, text.replace('?', planted)));
        }
    }
    cases
}

/// Every string of `value`, names of members included.
fn strings(value: &Value, told: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => told(text),
        Value::Array(elements) => elements.iter().for_each(|element| strings(element, told)),
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            told(key);
            strings(value, told);
        }),
        Value::Number(number) => told(&number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether `text`, which the gateway wrote, tells `secret` as it is, as it was spelled, or in a JSON string.
fn tells(text: &str, secret: &str, how: Spelling) -> bool {
    let spelled = how.json(secret);
    let shows = |text: &str| {
        text.contains(secret) || text.contains(spelled.trim_matches('"')) || text.contains(&how.text(secret))
    };
    let mut found = shows(text);
    for line in text.lines() {
        if let Ok(value) = serde_json::from_str::<Value>(line) {
            strings(&value, &mut |text| found |= shows(text));
        }
    }
    found
}

fn nothing_is_kept(policy: &dyn Fn() -> Policy) {
    let mut leaks = Vec::new();
    for (number, secret) in canaries().into_iter().enumerate() {
        // Every spelling of one, and every one as it is: what differs is read by the same code.
        for how in SPELLINGS.into_iter().take(if number == 0 { SPELLINGS.len() } else { 1 }) {
            let site = Site::under(policy());
            let (mut read, mut number) = (0, 0);
            for (before, direction, text) in cases(&how.json(&secret)) {
                number += 1;
                let party = site.party();
                for (direction, text) in before {
                    drop(site.pass(&party, direction, &text));
                }
                drop(site.pass(&party, direction, &text));
                let (new, end) = site.written_since(read);
                read = end;
                assert!(!new.is_empty());
                if tells(&new, &secret, how) {
                    leaks.push(format!("{how:?} {text}\n    {}", new.lines().last().unwrap_or_default()));
                }
            }
            assert!(number > 400, "{number}");
            assert!(!tells(&site.written(), &secret, how) || !leaks.is_empty());
        }
    }
    assert!(
        leaks.is_empty(),
        "{} leaks:\n{}",
        leaks.len(),
        leaks.iter().take(60).cloned().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn the_policy_that_ships_keeps_no_secret_of_any_field() {
    nothing_is_kept(&|| Policy::parse(include_str!("../../policies/default.yaml")).unwrap());
}

#[test]
fn a_gateway_without_a_policy_keeps_no_secret_of_any_field() {
    nothing_is_kept(&Policy::built_in);
}
