//! Arguments that are JSON within a text. Servers take them for what they mean where a parameter is no text: FastMCP
//! parses each argument of its own (`pre_parse_json` in `func_metadata.py` of the Python SDK, 1.28 and 2.3), one level deep.

use bytes::Bytes;

use super::Message;
use crate::json::{Document, Edit, Error, Fault, Limits, Value, apply};

/// RFC 8259's white space.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
/// The message was bounded as it came; what its texts unfold to is no longer, and as deep again at most.
const LIMITS: Limits = Limits { bytes: 1 << 30, depth: 256, values: usize::MAX };

impl Message {
    /// This message as a server reads it that takes arguments which are JSON texts of arrays, objects or `null` for these;
    /// `None` where there are none. Read leniently: a key may be there twice in the result.
    ///
    /// # Errors
    /// One of them is JSON nested deeper than the limit.
    pub(crate) fn unpacked(&self) -> Option<Result<&Self, &Error>> {
        let unpacked = self.unpacked.get_or_init(|| self.unpacked_where(|_| true).map(Box::new));
        unpacked.as_deref().map(Result::as_ref)
    }

    /// Forgets what [`unpacked`](Self::unpacked) made, which may be as large again, when nobody will ask for it any more.
    pub(crate) fn forget_unpacked(&mut self) {
        self.unpacked.take();
    }

    /// Names of the arguments that are such texts. Those nested too deep are among them.
    pub(crate) fn packed(&self) -> Vec<String> {
        let arguments = self.params().and_then(|params| params.get("arguments"));
        let members = arguments.into_iter().flat_map(Value::members);
        let packed = members.filter(|(_, value)| !matches!(inner(*value), Ok(None)));
        packed.map(|(name, _)| name.as_str().unwrap_or_default().into_owned()).collect()
    }

    /// This message as a server reads it that takes only those arguments for what they mean of which `is_meant` says so by name:
    /// a parameter that is a text stays one.
    ///
    /// # Errors
    /// One of them is JSON nested deeper than the limit.
    pub(crate) fn unpacked_where(&self, is_meant: impl Fn(&str) -> bool) -> Option<Result<Self, Error>> {
        let arguments = self.params()?.get("arguments")?;
        let mut edits = Vec::new();
        let is_meant = |name: Value<'_>| is_meant(&name.as_str().unwrap_or_default());
        for (_, value) in arguments.members().filter(|(name, _)| is_meant(*name)) {
            match inner(value) {
                Ok(Some(with)) => edits.push(Edit { span: value.span(), with }),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        (!edits.is_empty()).then(|| self.changed(edits))
    }

    /// This message with `edits` of its arguments.
    ///
    /// # Errors
    /// It is not JSON then, or too long or deep.
    pub(crate) fn changed(&self, edits: Vec<Edit>) -> Result<Self, Error> {
        let document = Document::parse_lenient(apply(self.bytes(), edits), &LIMITS)?;
        // What stands before the arguments, the object they are in included, has its place still.
        Ok(self.with(document))
    }
}

/// The JSON text of an array, object or `null` that the string `value` is.
fn inner(value: Value<'_>) -> Result<Option<String>, Error> {
    // Most are something else by their first character.
    let may_be = |text: &str| text.starts_with(['[', '{', 'n', '\\', ' ', '\t', '\n', '\r']);
    let Some(text) = value.as_str().filter(|_| value.raw().get(1..).is_some_and(may_be)) else {
        return Ok(None);
    };
    let text = text.trim_matches(BLANKS);
    if text != "null" && !text.starts_with(['[', '{']) {
        return Ok(None);
    }
    let parse = |limits| Document::parse_lenient(Bytes::copy_from_slice(text.as_bytes()), &limits);
    match parse(Limits::default()).map_err(|error| (error.fault, error)) {
        Ok(_) => Ok(Some(text.to_owned())),
        // Something else may only begin like that.
        Err((Fault::TooDeep, error)) => match parse(Limits { depth: usize::MAX, ..LIMITS }) {
            Ok(_) => Err(error),
            Err(_) => Ok(None),
        },
        Err((Fault::TooLong | Fault::TooManyValues, error)) => Err(error),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use crate::mcp::{Decoded, decode};

    use super::*;

    fn call(arguments: &str) -> Message {
        let text = format!(
            r#"{{"method":"tools/call","params":{{"name":"t","arguments":{arguments}}},"jsonrpc":"2.0","id":1}}"#
        );
        match decode(Bytes::from(text), &Limits::default()).unwrap() {
            Decoded::One(message) => message,
            Decoded::Batch(_) => unreachable!("it is one"),
        }
    }

    fn read(arguments: &str) -> Option<String> {
        let call = call(arguments);
        let message = call.unpacked()?.unwrap();
        Some(message.params().unwrap().get("arguments").unwrap().raw().to_owned())
    }

    #[test]
    fn texts_that_are_json_are_what_they_mean() {
        for (arguments, expected) in [
            (r#"{"a":"[\"/etc/shadow\"]","b":"x"}"#, r#"{"a":["/etc/shadow"],"b":"x"}"#),
            (r#"{"a":" \n{\"p\": 1}\t"}"#, r#"{"a":{"p": 1}}"#),
            (r#"{"a":"\u005b1]"}"#, r#"{"a":[1]}"#),
            (r#"{"a":"null"}"#, r#"{"a":null}"#),
            // As Python's parser does.
            (r#"{"a":"{\"p\":1,\"p\":2}"}"#, r#"{"a":{"p":1,"p":2}}"#),
            (r#"{"a":"[NaN,-Infinity,\"\\ud800\"]"}"#, r#"{"a":[NaN,-Infinity,"\ud800"]}"#),
        ] {
            assert_eq!(read(arguments).as_deref(), Some(expected), "{arguments}");
        }
        for arguments in [
            r#"{"a":"17","b":"true","c":"\"x\"","d":"nullify","e":"[1","f":"{not}","g":["[1]"]}"#,
            r#"{"a":{"b":"[1]"}}"#,
            "{}",
        ] {
            assert_eq!(read(arguments), None, "{arguments}");
        }
    }

    #[test]
    fn what_is_too_deep_to_be_followed_is_an_error_and_what_only_begins_so_is_a_text() {
        let deep = |end: &str| format!(r#"{{"a":"{}{}"}}"#, "[".repeat(5_000), end);
        assert!(call(&deep(&"]".repeat(5_000))).unpacked().unwrap().is_err());
        assert!(call(&deep(" and so on")).unpacked().is_none());
        let within = format!(r#"{{"a":"{}{}"}}"#, "[".repeat(128), "]".repeat(128));
        assert!(call(&within).unpacked().unwrap().is_ok());
    }
}
