//! Answers: errors, and results against the method they answer.

use super::*;

fn answer(method: &str, result: &str) -> &'static str {
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
    match read(text.as_bytes()) {
        Ok(Decoded::One(message)) => message.check_answer(method).map_or_else(Reason::code, |()| "ok"),
        Ok(Decoded::Batch(_)) => panic!("a batch"),
        Err(malformed) => malformed.reason.code(),
    }
}

#[test]
fn errors_have_a_code_and_a_message_and_may_lack_an_id() {
    check(&[
        (r#"{"jsonrpc":"2.0","id":1,"error":1}"#, "bad-error"),
        (r#"{"jsonrpc":"2.0","id":1,"error":"x"}"#, "bad-error"),
        (r#"{"jsonrpc":"2.0","id":1,"error":null}"#, "bad-error"),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":""}}"#, "bad-error"),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":""}}"#, "bad-error"),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#, "bad-error"),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m","Message":"n"}}"#, "case-variant-key"),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"m","data":[1]}}"#, "ok"),
        (r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}"#, "ok"),
        (r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"m"}}"#, "ok"),
        (r#"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"m"}}"#, "ok"),
        (r#"{"jsonrpc":"2.0","id":1.5,"error":{"code":-32700,"message":"m"}}"#, "bad-id"),
    ]);
}

#[test]
fn results_of_known_methods_are_objects_whose_lists_have_names() {
    for (method, result, expected) in [
        ("tools/list", "[]", "wrong-type"),
        ("tools/list", "null", "wrong-type"),
        ("tools/list", r#"{"tools":{}}"#, "wrong-type"),
        ("tools/list", r#"{"tools":null}"#, "ok"),
        ("tools/list", r#"{"tools":[7]}"#, "wrong-type"),
        ("tools/list", r#"{"tools":[{"description":"d"}]}"#, "wrong-type"),
        ("tools/list", r#"{"tools":[{"name":["a"]}]}"#, "wrong-type"),
        ("tools/list", r#"{"tools":[{"name":"a","NAME":"b"}]}"#, "case-variant-key"),
        ("tools/list", r#"{"tools":[{"name":"a","input_schema":{}}]}"#, "case-variant-key"),
        ("tools/list", r#"{"tools":[{"name":"a"}],"Tools":[]}"#, "case-variant-key"),
        ("tools/list", r#"{"tools":[{"name":"","inputSchema":{"$ref":"http://x"}}],"nextCursor":""}"#, "ok"),
        ("prompts/list", r#"{"prompts":[{"Name":"p"}]}"#, "wrong-type"),
        ("resources/list", r#"{"resources":[{"name":"p"}]}"#, "wrong-type"),
        ("resources/templates/list", r#"{"resourceTemplates":[{"uriTemplate":"x:{a}"}]}"#, "ok"),
        ("roots/list", r#"{"roots":[{"uri":7}]}"#, "wrong-type"),
        ("tasks/list", r#"{"tasks":[{}]}"#, "wrong-type"),
        ("tools/call", r#"{"content":[{"type":"text","text":"a","Text":"b"}]}"#, "case-variant-key"),
        ("tools/call", r#"{"content":[],"structured_content":{}}"#, "case-variant-key"),
        ("tools/call", r#"{"content":[],"isError":"true"}"#, "wrong-type"),
        ("tools/call", r#"{"content":[],"structuredContent":[1,"x"],"meta":null}"#, "ok"),
        ("tools/call", r#"{"resultType":1}"#, "wrong-type"),
        ("tools/call", r#"{"task":"t"}"#, "wrong-type"),
        ("tools/call", r#"{"taskId":7,"resultType":"task"}"#, "wrong-type"),
        ("elicitation/create", r#"{"action":"accept","content":{"Type":"x","NAME":"y"}}"#, "ok"),
        ("vendor/x", "7", "ok"),
    ] {
        assert_eq!(answer(method, result), expected, "{method} {result}");
    }
}

#[test]
fn what_a_result_asks_for_is_checked_like_a_request() {
    let asks =
        |request: &str| format!(r#"{{"resultType":"input_required","inputRequests":{{"k":{request}}}}}"#);
    for (request, expected) in [
        (r#"{"method":"elicitation/create","params":{"message":"m"}}"#, "ok"),
        (r#"{"method":"roots/list"}"#, "ok"),
        (r#"{"method":"vendor/x","params":{"NAME":1}}"#, "ok"),
        (r#"{"method":["roots/list"]}"#, "wrong-type"),
        (r#"{"params":{}}"#, "wrong-type"),
        (r#"{"method":"roots/list","params":[]}"#, "wrong-type"),
        ("7", "wrong-type"),
        (r#"{"method":"roots/list","Method":"x"}"#, "case-variant-key"),
        (r#"{"method":"elicitation/create","params":{"message":"m","URL":"x"}}"#, "case-variant-key"),
        (r#"{"method":"notifications/tasks","params":{"taskId":"t","inputRequests":{}}}"#, "wrong-type"),
    ] {
        for method in ["tools/call", "tools/list", "tasks/get"] {
            assert_eq!(answer(method, &asks(request)), expected, "{method} {request}");
        }
    }
    assert_eq!(answer("tools/call", r#"{"inputRequests":[]}"#), "wrong-type");
    for (result, expected) in [
        (r#"{"task":{"taskId":"t","inputRequests":{"k":{"method":"roots/list"}}}}"#, "ok"),
        (r#"{"task":{"taskId":"t","InputRequests":{"k":{"method":"roots/list"}}}}"#, "case-variant-key"),
        (
            r#"{"task":{"inputRequests":{"k":{"method":"elicitation/create","params":{"URL":"x"}}}}}"#,
            "case-variant-key",
        ),
        (r#"{"task":{"inputRequests":[]}}"#, "wrong-type"),
        (
            r#"{"inputRequests":{"k":{"method":"roots/list","params":{"task":{"inputRequests":{}}}}}}"#,
            "wrong-type",
        ),
    ] {
        assert_eq!(answer("tools/call", result), expected, "{result}");
        assert_eq!(answer("tasks/get", result), expected, "{result}");
    }
}

#[test]
fn an_error_that_asks_for_urls_is_checked_like_a_request() {
    let error = |list: &str| {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":-32042,"message":"m","data":{{"elicitations":{list}}}}}}}"#
        );
        read(text.as_bytes()).map_or_else(|malformed| malformed.reason.code(), |_| "ok")
    };
    for (list, expected) in [
        (r#"[{"mode":"url","url":"https://a.example","message":"m","elicitationId":"e"}]"#, "ok"),
        ("[]", "ok"),
        ("null", "ok"),
        ("{}", "wrong-type"),
        ("[7]", "wrong-type"),
        (r#"[{"url":7}]"#, "wrong-type"),
        (r#"[{"url":"a","Url":"b"}]"#, "case-variant-key"),
        (r#"[{"inputRequests":{}}]"#, "wrong-type"),
    ] {
        assert_eq!(error(list), expected, "{list}");
    }
}
