//! What each method shows: its parameters or result, then `role path=text` in order.

/// Requests and notifications.
pub(super) const ASKED: &[(&str, &str, &[&str])] = &[
    ("resources/read", r#"{"uri":"u"}"#, &["uri params.uri=u"]),
    ("resources/list", r#"{"cursor":"c"}"#, &["opaque params.cursor=c"]),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"n","value":"v"}}"#,
        &[
            "name params.ref.type=ref/prompt",
            "name params.ref.name=p",
            "name params.argument.name=n",
            "argument params.argument.value=v",
        ],
    ),
    (
        "initialize",
        r#"{"clientInfo":{"name":"c","description":"d","websiteUrl":"w"}}"#,
        &[
            "name params.clientInfo.name=c",
            "argument params.clientInfo.description=d",
            "uri params.clientInfo.websiteUrl=w",
        ],
    ),
    (
        "notifications/cancelled",
        r#"{"requestId":1,"reason":"r"}"#,
        &["opaque params.requestId=1", "argument params.reason=r"],
    ),
    (
        "subscriptions/listen",
        r#"{"notifications":{"resourceSubscriptions":["u"],"taskIds":["t"]}}"#,
        &["uri params.notifications.resourceSubscriptions[0]=u", "opaque params.notifications.taskIds[0]=t"],
    ),
    (
        "sampling/createMessage",
        r#"{"systemPrompt":"s","messages":[{"role":"user","content":{"type":"text","text":"t"}}],"tools":[{"name":"n","inputSchema":{"title":"x"}}]}"#,
        &[
            "prose params.systemPrompt=s",
            "name params.messages[0].role=user",
            "name params.messages[0].content.type=text",
            "prose params.messages[0].content.text=t",
            "name params.tools[0].name=n",
            "key definition params.tools[0].inputSchema.title=title",
            "definition params.tools[0].inputSchema.title=x",
        ],
    ),
    ("elicitation/create", r#"{"message":"m","url":"u"}"#, &["prose params.message=m", "uri params.url=u"]),
    (
        "notifications/message",
        r#"{"level":"info","data":{"k":"v"}}"#,
        &["name params.level=info", "key prose params.data.k=k", "prose params.data.k=v"],
    ),
    (
        "vendor/x",
        r#"{"text":["t"],"_meta":"m"}"#,
        &["key structured params.text=text", "structured params.text[0]=t", "meta params._meta=m"],
    ),
];

/// Results.
pub(super) const ANSWERED: &[(&str, &str, &[&str])] = &[
    (
        "tools/list",
        r#"{"tools":[{"name":"n","description":"d","annotations":{"title":"t"},"icons":[{"src":"s"}]}],"nextCursor":"c"}"#,
        &[
            "name result.tools[0].name=n",
            "definition result.tools[0].description=d",
            "key definition result.tools[0].annotations.title=title",
            "definition result.tools[0].annotations.title=t",
            "uri result.tools[0].icons[0].src=s",
            "opaque result.nextCursor=c",
        ],
    ),
    (
        "tools/call",
        r#"{"content":[{"type":"text","text":"t"},{"type":"image","data":"ZA==","mimeType":"i"},{"type":"resource","resource":{"uri":"u","text":"x","blob":"Yg=="}},{"type":"resource_link","uri":"l","title":"h"}],"structuredContent":{"k":1.50}}"#,
        &[
            "name result.content[0].type=text",
            "prose result.content[0].text=t",
            "name result.content[1].type=image",
            "blob result.content[1].data=ZA==",
            "name result.content[1].mimeType=i",
            "name result.content[2].type=resource",
            "uri result.content[2].resource.uri=u",
            "prose result.content[2].resource.text=x",
            "blob result.content[2].resource.blob=Yg==",
            "name result.content[3].type=resource_link",
            "uri result.content[3].uri=l",
            "prose result.content[3].title=h",
            "key structured result.structuredContent.k=k",
            "structured result.structuredContent.k=1.50",
        ],
    ),
    (
        "tools/call",
        r#"{"resultType":"input_required","inputRequests":{"q":{"method":"elicitation/create","params":{"message":"m"}},"w":{"params":{"x":"y"},"method":"vendor/z"}}}"#,
        &[
            "name result.resultType=input_required",
            "key name result.inputRequests.q=q",
            "name result.inputRequests.q.method=elicitation/create",
            "prose result.inputRequests.q.params.message=m",
            "key name result.inputRequests.w=w",
            "key structured result.inputRequests.w.params.x=x",
            "structured result.inputRequests.w.params.x=y",
            "name result.inputRequests.w.method=vendor/z",
        ],
    ),
    (
        "tools/call",
        r#"{"task":{"taskId":"t","statusMessage":"s"}}"#,
        &["opaque result.task.taskId=t", "prose result.task.statusMessage=s"],
    ),
    (
        "initialize",
        r#"{"protocolVersion":"v","instructions":"i","serverInfo":{"name":"n"}}"#,
        &["name result.protocolVersion=v", "prose result.instructions=i", "name result.serverInfo.name=n"],
    ),
    (
        "prompts/get",
        r#"{"description":"d","messages":[{"content":{"text":"t"}}]}"#,
        &["prose result.description=d", "prose result.messages[0].content.text=t"],
    ),
    (
        "prompts/list",
        r#"{"prompts":[{"name":"n","arguments":[{"name":"a","description":"d"}]}]}"#,
        &[
            "name result.prompts[0].name=n",
            "name result.prompts[0].arguments[0].name=a",
            "definition result.prompts[0].arguments[0].description=d",
        ],
    ),
    (
        "resources/read",
        r#"{"contents":[{"uri":"u","text":"t"}]}"#,
        &["uri result.contents[0].uri=u", "prose result.contents[0].text=t"],
    ),
    (
        "resources/templates/list",
        r#"{"resourceTemplates":[{"uriTemplate":"u","description":"d"}]}"#,
        &[
            "uri result.resourceTemplates[0].uriTemplate=u",
            "definition result.resourceTemplates[0].description=d",
        ],
    ),
    ("completion/complete", r#"{"completion":{"values":["v"]}}"#, &["prose result.completion.values[0]=v"]),
    ("tasks/result", r#"{"content":[{"text":"t"}]}"#, &["prose result.content[0].text=t"]),
    (
        "tasks/get",
        r#"{"taskId":"i","result":{"content":[{"text":"t"}]},"error":{"message":"e"}}"#,
        &["opaque result.taskId=i", "prose result.result.content[0].text=t", "error result.error.message=e"],
    ),
    (
        "sampling/createMessage",
        r#"{"content":{"type":"text","text":"t"},"model":"m"}"#,
        &["name result.content.type=text", "argument result.content.text=t", "name result.model=m"],
    ),
    (
        "elicitation/create",
        r#"{"action":"accept","content":{"k":"v"}}"#,
        &["name result.action=accept", "key argument result.content.k=k", "argument result.content.k=v"],
    ),
    (
        "roots/list",
        r#"{"roots":[{"uri":"u","name":"n"}]}"#,
        &["uri result.roots[0].uri=u", "argument result.roots[0].name=n"],
    ),
    ("vendor/x", r#"["a"]"#, &["structured result[0]=a"]),
];
