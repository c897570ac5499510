//! Real first messages of MCP peers and of their namesakes.

use proptest::prelude::*;

use super::*;

fn one(text: &str) -> Peek {
    let mut messages = peek(text.as_bytes()).unwrap_or_else(|| panic!("no message in {text}"));
    assert_eq!(messages.len(), 1, "{text}");
    messages.remove(0)
}

fn likeness(text: &str) -> Likeness {
    one(text).mcp
}

#[test]
fn every_method_is_found_by_its_name_and_nothing_else_is() {
    for method in Method::all() {
        assert!(Method::named(method.name()).is_some_and(|found| std::ptr::eq(found, method)), "{method:?}");
        assert!(Method::named(&format!("{}x", method.name())).is_none());
        assert!(Method::named(&method.name().to_uppercase()).is_none());
    }
    assert!(Method::named("").is_none() && Method::named(&"x".repeat(300)).is_none());
}

#[test]
fn node_puts_jsonrpc_last() {
    let seen = one(
        r#"{"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"claude-code","version":"2.1.0"}},"jsonrpc":"2.0","id":0}"#,
    );
    assert_eq!(seen.mcp, Likeness::Strong);
    assert_eq!(
        seen.kind,
        PeekKind::Request { id: Id::Number("0".to_owned()), method: "initialize".to_owned() }
    );
    assert_eq!(seen.protocol_version.as_deref(), Some("2025-11-25"));
    assert_eq!(seen.client_info, Some(("claude-code".to_owned(), "2.1.0".to_owned())));
    assert_eq!(seen.server_info, None);
}

#[test]
fn an_initialize_answer_names_the_server() {
    let seen = one(
        r#"{"jsonrpc":"2.0","id":"a","result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"fs","version":"0.2.0"},"instructions":"x"}}"#,
    );
    assert_eq!(seen.mcp, Likeness::Strong);
    assert_eq!(seen.kind, PeekKind::Response { id: Id::String("a".to_owned()), error: false });
    assert_eq!(seen.server_info, Some(("fs".to_owned(), "0.2.0".to_owned())));
    assert_eq!(seen.protocol_version.as_deref(), Some("2024-11-05"));
}

#[test]
fn the_stateless_era_speaks_through_meta() {
    let request = one(
        r#"{"jsonrpc":"2.0","id":1,"method":"vendor/thing","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#,
    );
    assert_eq!(request.mcp, Likeness::Strong);
    assert_eq!(request.protocol_version.as_deref(), Some("2026-07-28"));
    assert_eq!(request.client_info, Some(("c".to_owned(), "1".to_owned())));
    let answer = one(
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"3"}}}}"#,
    );
    assert_eq!(answer.mcp, Likeness::Strong);
    assert_eq!(answer.server_info, Some(("s".to_owned(), "3".to_owned())));
    // Some servers still put it where the handshake had it.
    let older = one(
        r#"{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["DRAFT-2026-v1"],"capabilities":{},"serverInfo":{"name":"s"}}}"#,
    );
    assert_eq!(older.mcp, Likeness::Strong);
    assert_eq!(older.server_info, Some(("s".to_owned(), String::new())));
}

#[test]
fn tools_are_counted() {
    let seen = one(
        r#"{"result":{"tools":[{"name":"a","description":"d","inputSchema":{"type":"object"}},{"name":"b","inputSchema":{}}],"nextCursor":"2"},"jsonrpc":"2.0","id":2}"#,
    );
    assert_eq!((seen.mcp, seen.tools), (Likeness::Strong, Some(2)));
    let none = one(r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[]}}"#);
    assert_eq!((none.mcp, none.tools), (Likeness::Neutral, Some(0)));
}

#[test]
fn calls_of_mcp_are_strong() {
    for call in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"deep":[[[1]]]}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/templates/list","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"info"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
        // What a hand-written client leaves out, hand-written servers do not miss.
        r#"{"id":1,"method":"tools/list"}"#,
        r#"{"method":"notifications/initialized"}"#,
    ] {
        assert_eq!(likeness(call), Likeness::Strong, "{call}");
    }
}

#[test]
fn answers_with_mcps_shapes_are_strong() {
    for answer in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hi"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"image","data":"","mimeType":"image/png"}],"isError":true}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"a":1}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resources":[{"uri":"a://b","name":"b"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resourceTemplates":[{"uriTemplate":"a://{b}","name":"b"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"a://b","text":"x"}]}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}}"#,
    ] {
        assert_eq!(likeness(answer), Likeness::Strong, "{answer}");
    }
}

#[test]
fn what_others_say_too_is_neutral() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
        // A2A's tasks have an `id`.
        r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"id":"t"}}"#,
        // A model's answer, MCP's sampling or anyone's.
        r#"{"jsonrpc":"2.0","id":1,"result":{"role":"assistant","content":[{"type":"text","text":"hi"}],"model":"m"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"1.0","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/vendor"}"#,
        r#"{"jsonrpc":"2.0","method":"codex/event","params":{"msg":{}}}"#,
    ] {
        assert_eq!(likeness(text), Likeness::Neutral, "{text}");
    }
}

#[test]
fn namesakes_are_foreign() {
    for text in [
        // LSP
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"processId":12,"clientInfo":{"name":"vim"},"rootUri":null,"capabilities":{}}}"#,
        r#"{"jsonrpc":"2.0","method":"initialized","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"textDocument/hover","params":{}}"#,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#,
        r#"{"jsonrpc":"2.0","id":0,"result":{"capabilities":{"hoverProvider":true},"serverInfo":{"name":"pylsp","version":"1"}}}"#,
        // ACP
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":1,"clientCapabilities":{"fs":{}}}}"#,
        r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"agentCapabilities":{}}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"session/new","params":{"cwd":"/","mcpServers":[]}}"#,
        // BSP
        r#"{"jsonrpc":"2.0","id":1,"method":"build/initialize","params":{"bspVersion":"2.1.0","capabilities":{}}}"#,
        // Codex app server: no `jsonrpc`
        r#"{"id":0,"method":"initialize","params":{"clientInfo":{"name":"codex_vscode","title":"x","version":"1"}}}"#,
        r#"{"method":"thread/started","params":{}}"#,
        // Ethereum
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#,
        // DAP
        r#"{"seq":1,"type":"request","command":"initialize","arguments":{"adapterID":"x"}}"#,
        r#"{"seq":2,"type":"event","event":"initialized"}"#,
        r#"{"seq":3,"type":"response","request_seq":1,"success":true,"command":"initialize"}"#,
    ] {
        assert_eq!(likeness(text), Likeness::Foreign, "{text}");
    }
}

#[test]
fn a_foreign_message_lends_no_names() {
    let seen = one(
        r#"{"jsonrpc":"2.0","id":0,"result":{"capabilities":{},"serverInfo":{"name":"pylsp","version":"1"}}}"#,
    );
    assert_eq!(seen.server_info, None);
}

#[test]
fn other_json_and_other_text_are_told_apart() {
    for text in [
        r#"{"level":30,"time":1,"msg":"listening"}"#,
        r#"{"method":"GET","path":"/","status":200}"#,
        r#"{"error":"no such file","id":3}"#,
        "[]",
        "[1,2]",
        "{}",
    ] {
        assert_eq!(peek(text.as_bytes()), None, "{text}");
        assert_eq!(read(text.as_bytes()).values, 1, "{text}");
    }
    for text in ["", "   ", "hello", "[INFO] up", "{\"a\":", "12", "\"x\"", "true", "\u{feff}", "{\"a\":NaN}"]
    {
        assert_eq!(peek(text.as_bytes()), None, "{text}");
        assert_eq!(read(text.as_bytes()).values, 0, "{text}");
    }
}

#[test]
fn leniences_of_real_readers() {
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for dressed in [
        format!("\u{feff}{text}"),
        format!(" \t{text} \r\n"),
        format!("{text}  garbage"),
        // The last of two equal keys counts, as for JavaScript, Python and Go.
        r#"{"jsonrpc":"2.0","id":1,"method":"x","method":"tools/list"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"\u006dethod":"tools\/list"}"#.to_owned(),
        r#"{"jsonrpc":2,"id":1,"method":"tools/list","params":[1]}"#.to_owned(),
    ] {
        assert_eq!(likeness(&dressed), Likeness::Strong, "{dressed}");
    }
    // Half a surrogate pair in text nobody reads here.
    assert_eq!(
        likeness(
            r#"{"id":1,"jsonrpc":"2.0","result":{"tools":[{"name":"a","inputSchema":{"description":"\ud83d"}}]}}"#
        ),
        Likeness::Strong
    );
}

#[test]
fn batches_and_neighbours_give_each_message() {
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"},7,{"jsonrpc":"2.0","method":"notifications/initialized"}]"#;
    assert_eq!(peek(batch.as_bytes()).unwrap().len(), 2);
    let two = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}Content-Length: 7"#;
    let reading = read(two.as_bytes());
    assert_eq!((reading.messages.len(), reading.values), (2, 2));
    assert_eq!(two.get(reading.end..), Some("Content-Length: 7"));
}

#[test]
fn a_huge_batch_keeps_what_speaks_for_mcp() {
    let mut batch = format!("[{}", r#"{"id":1,"result":0},"#.repeat(10_000));
    batch.push_str(r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}]"#);
    let messages = peek(batch.as_bytes()).unwrap();
    assert!(messages.len() <= 256);
    assert_eq!(messages.last().unwrap().mcp, Likeness::Strong);
}

#[test]
fn hostile_sizes_are_cut_or_refused() {
    let long = "é".repeat(100_000);
    let seen = one(&format!(
        r#"{{"jsonrpc":"2.0","id":"{long}","result":{{"protocolVersion":"2025-06-18","capabilities":{{}},"serverInfo":{{"name":"{long}","version":"{long}"}}}}}}"#
    ));
    let (name, version) = seen.server_info.unwrap();
    assert!(name.len() <= 256 && version.len() <= 256);
    let PeekKind::Response { id: Id::String(id), .. } = seen.kind else { panic!("{:?}", seen.kind) };
    assert!(id.len() <= 128);
    let PeekKind::Notification { method } = one(&format!(r#"{{"jsonrpc":"2.0","method":"{long}"}}"#)).kind
    else {
        panic!("kind")
    };
    assert!(method.len() <= 64);

    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"arguments":{}{}}}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert_eq!(likeness(&deep), Likeness::Strong);

    let text =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","x":"{}"}}"#, "a".repeat(MAX_TEXT_BYTES));
    assert_eq!(peek(text.as_bytes()), None);
}

#[test]
fn ids_keep_their_type() {
    let id = |text: &str| match one(text).kind {
        PeekKind::Request { id, .. } | PeekKind::Response { id, .. } => Some(id),
        PeekKind::Notification { .. } => None,
    };
    assert_eq!(id(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#), Some(Id::Number("1".to_owned())));
    assert_eq!(id(r#"{"jsonrpc":"2.0","id":"1","method":"ping"}"#), Some(Id::String("1".to_owned())));
    assert_eq!(id(r#"{"jsonrpc":"2.0","id":-1.5,"method":"ping"}"#), Some(Id::Number("-1.5".to_owned())));
    for odd in ["null", "true", "{}", "[1]"] {
        assert_eq!(id(&format!(r#"{{"jsonrpc":"2.0","id":{odd},"method":"ping"}}"#)), None);
    }
    assert_eq!(
        id(r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"x"}}"#),
        Some(Id::Number("null".to_owned()))
    );
}

#[test]
fn senders_are_known() {
    assert_eq!(sender("tools/call"), Some(Sender::Client));
    assert_eq!(sender("roots/list"), Some(Sender::Server));
    assert_eq!(sender("ping"), Some(Sender::Both));
    assert_eq!(sender("textDocument/hover"), None);
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        "[a-z/$._-]{0,12}".prop_map(|s| format!("\"{s}\"")),
    ];
    let key = prop::sample::select(vec![
        "jsonrpc",
        "id",
        "method",
        "params",
        "result",
        "error",
        "_meta",
        "tools",
        "content",
        "serverInfo",
        "name",
        "type",
        "seq",
        "io.modelcontextprotocol/serverInfo",
    ]);
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_whole(text in json()) {
        let reading = read(text.as_bytes());
        if text.starts_with(['{', '[']) {
            prop_assert_eq!((reading.values, reading.end), (1, text.len()));
        } else {
            prop_assert_eq!(reading.values, 0);
        }
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..300) {
        let mut text = br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","inputSchema":{}}]}}"#.to_vec();
        text.truncate(cut);
        text.extend(bytes);
        let reading = read(&text);
        prop_assert!(reading.end <= text.len());
    }
}
