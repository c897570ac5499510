//! Lasso's `classify`, version 3: messages in, what each of its deputies says of them out.

use super::{FLAG, Flag, Garbage, Question, push};
use crate::detect::Severity;
use crate::json::{Value, quote};
use crate::mcp::Direction;

/// Deputies, and what each looks for in our words.
const DEPUTIES: [(&str, &str, Severity); 10] = [
    ("codetect", "code", Severity::Medium),
    ("custom-policies", "custom_policy", Severity::High),
    ("hate", "hate", Severity::High),
    ("illegality", "illegality", Severity::High),
    ("illegal-activity", "illegality", Severity::High),
    ("jailbreak", "jailbreak", Severity::High),
    ("pattern-detection", "sensitive_pattern", Severity::High),
    ("prompt-injection", "prompt_injection", Severity::Critical),
    ("sexual", "sexual", Severity::Medium),
    ("violence", "violence", Severity::Medium),
];

pub(super) fn body(question: &Question<'_>) -> String {
    let (role, of) = match question.direction {
        Direction::ToServer => ("user", "PROMPT"),
        Direction::ToClient => ("assistant", "COMPLETION"),
    };
    let text = quote(question.text);
    format!(r#"{{"messages":[{{"role":"{role}","content":{text}}}],"messageType":"{of}"}}"#)
}

/// A flag for each deputy that objects. Whether anything does is said by `violations_detected` alone, which is there.
pub(super) fn flags(answer: Value<'_>) -> Result<Vec<Flag>, Garbage> {
    let violates = answer.get("violations_detected").and_then(Value::as_bool);
    let violates = violates.ok_or(Garbage("it does not say whether there are violations"))?;
    let mut flags = Vec::new();
    if !violates {
        return Ok(flags);
    }
    let flag = |kind, severity| Flag { kind, severity, score: 1.0, range: None };
    for (deputy, says) in answer.get("deputies").into_iter().flat_map(Value::members) {
        let name = deputy.as_str().unwrap_or_default();
        if says.as_bool() == Some(true) {
            let known = DEPUTIES.iter().find(|(known, ..)| *known == name);
            let (kind, severity) =
                known.map_or((FLAG, Severity::High), |(_, kind, severity)| (*kind, *severity));
            push(&mut flags, flag(kind, severity))?;
        }
    }
    if flags.is_empty() {
        flags.push(flag(FLAG, Severity::High));
    }
    Ok(flags)
}
