//! One text from a hostile peer, read by the gateway.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mcpgw_agent::json::{Document, Edit, Limits, apply, quote};
use mcpgw_agent::mcp::{BATCH_MAX, Decoded, Direction, Message, Method, decode, fields};

const LIMITS: Limits = Limits { bytes: 1 << 20, depth: 64, values: 10_000 };

fn judge(message: &Message) {
    let answers = Method::all().map(Method::name).map(Some).chain([None]);
    for (direction, answers) in [Direction::ToServer, Direction::ToClient].into_iter().zip(answers) {
        let mut edits = Vec::new();
        let mut last = None;
        fields(message, direction, answers, |field| {
            // In the order of the text, so none twice.
            assert!(last < Some(field.value.index()));
            last = Some(field.value.index());
            assert!(!field.path.to_string().is_empty());
            if !field.is_key {
                edits.push(Edit { span: field.value.span(), with: quote("\"redacted\"\u{2028}") });
            }
        });
        assert!(Document::parse(apply(message.bytes(), edits), &Limits::default()).is_ok());
        if let Some(method) = answers {
            let _either = message.check_answer(method);
        }
    }
}

fuzz_target!(|text: &[u8]| {
    match decode(Bytes::copy_from_slice(text), &LIMITS) {
        Ok(Decoded::One(message)) => {
            assert_eq!(&**message.bytes(), text);
            // What is taken, any reader of JSON takes, but for numbers beyond a double.
            let read = serde_json::from_slice::<serde_json::Value>(text);
            assert!(read.is_ok() || text.iter().any(|byte| matches!(byte, b'e' | b'E')) || text.len() > 300);
            judge(&message);
        }
        Ok(Decoded::Batch(messages)) => {
            assert!((1..=BATCH_MAX).contains(&messages.len()));
            messages.iter().for_each(judge);
        }
        Err(malformed) => assert!(!malformed.reason.code().is_empty()),
    }
});
