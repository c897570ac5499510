//! The protocol's own keys, and the types of those that decide what a message does.

mod list;
mod variant;

pub(super) use list::ENVELOPE;
pub(super) use variant::is_variant;

use super::RequestId;
use super::malformed::Reason;
use super::method::{Method, Names};
use super::within::{bodies, elicitations};
use crate::json::Value;
use list::{ARGUMENT, BODY, CONTENT, CONTEXT, ERROR, Is, LISTS, Listed, META, Member, PARAMS, REF, RESULT};

/// Checks the parameters of the methods MCP has; those of others are free.
pub(super) fn check_params(method: &str, params: Option<Value<'_>>) -> Result<(), Reason> {
    let Some(method) = Method::named(method) else { return Ok(()) };
    let params = params.filter(|params| !params.is_null());
    let found = match params {
        Some(params) => members(params, &PARAMS)?,
        None => [None; PARAMS.len()],
    };
    let get = |wanted: &str| *PARAMS.iter().zip(&found).find(|(member, _)| member.key == wanted)?.1;
    for required in method.required {
        if get(required).is_none() {
            let member = PARAMS.iter().find(|member| member.key == *required);
            return Err(Reason::Type(member.map_or("params", |member| member.path)));
        }
    }
    // Few are there at all.
    for (member, value) in PARAMS.iter().zip(&found) {
        let Some(value) = *value else { continue };
        match member.key {
            "_meta" => check_meta(value)?,
            "inputResponses" if !value.members().all(|(_, response)| response.is_object()) => {
                return Err(Reason::Type("params.inputResponses"));
            }
            _ => {}
        }
    }
    if method.names() == Some(Names::Reference) {
        check_reference(get("ref"), get("argument"), get("context"))?;
    }
    params.map_or(Ok(()), check_within)
}

/// Checks the result of a method MCP has.
pub(super) fn check_result(method: &str, result: Value<'_>) -> Result<(), Reason> {
    if Method::named(method).is_none() {
        return Ok(());
    }
    if !result.is_object() {
        return Err(Reason::Type("result"));
    }
    let found = members(result, &RESULT)?;
    for (member, value) in RESULT.iter().zip(&found) {
        let Some(value) = *value else { continue };
        match member.key {
            "_meta" => check_meta(value)?,
            "content" | "contents" if has_blocks(method, value) => {
                each(value, |block| no_variant(block, &CONTENT))?;
            }
            key => {
                let list = LISTS.iter().find(|list| list.method == method && list.key == key);
                list.map_or(Ok(()), |list| check_list(list, value))?;
            }
        }
    }
    check_within(result)
}

/// Checks an error object.
pub(super) fn check_error(error: Value<'_>) -> Result<(), Reason> {
    let code = error.get("code").and_then(Value::as_number).and_then(|code| code.parse::<i64>().ok());
    if code.is_none() || error.get("message").and_then(Value::as_str).is_none() {
        return Err(Reason::ErrorObject);
    }
    no_variant(error, &ERROR)?;
    elicitations(error).map_or(Ok(()), check_elicitations)
}

/// The `known` members of `object`, each of its type; `None` also for those that are `null`. One pass.
fn members<'d, const N: usize>(
    object: Value<'d>,
    known: &[Member; N],
) -> Result<[Option<Value<'d>>; N], Reason> {
    let mut found = [None; N];
    for (key, value) in object.members() {
        let key = key.as_str().unwrap_or_default();
        let slots = known.iter().zip(&mut found);
        match slots.into_iter().find(|(member, _)| member.key == key) {
            Some(_) if value.is_null() => {}
            Some((member, slot)) if is(value, member.is) => *slot = Some(value),
            Some((member, _)) => return Err(Reason::Type(member.path)),
            None if is_variant(&key, known.iter().map(|member| member.key)) => {
                return Err(Reason::CaseVariantKey);
            }
            None => {}
        }
    }
    Ok(found)
}

fn is(value: Value<'_>, is: Is) -> bool {
    match is {
        Is::Text => value.as_str().is_some(),
        Is::Bool => value.as_bool().is_some(),
        Is::Object => value.is_object(),
        Is::Array => value.is_array(),
        Is::Id => RequestId::of(value).is_some(),
        Is::Token => value.as_str().is_some() || value.as_number().is_some(),
        Is::Any => true,
    }
}

fn no_variant(object: Value<'_>, known: &[&'static str]) -> Result<(), Reason> {
    let variant = |key: Value<'_>| is_variant(&key.as_str().unwrap_or_default(), known.iter().copied());
    if object.members().any(|(key, _)| variant(key)) { Err(Reason::CaseVariantKey) } else { Ok(()) }
}

/// `content` is content, and not the fields of a form that a user filled in.
fn has_blocks(method: &str, content: Value<'_>) -> bool {
    match method {
        "tools/call" | "sampling/createMessage" | "resources/read" => true,
        "tasks/result" => content.is_array(),
        _ => false,
    }
}

/// `check` holds for `value`, or for each of its elements.
fn each(value: Value<'_>, check: impl Fn(Value<'_>) -> Result<(), Reason>) -> Result<(), Reason> {
    if value.is_array() { value.elements().try_for_each(check) } else { check(value) }
}

fn check_meta(meta: Value<'_>) -> Result<(), Reason> {
    members(meta, &META).map(|_| ())
}

fn check_reference(
    reference: Option<Value<'_>>,
    argument: Option<Value<'_>>,
    context: Option<Value<'_>>,
) -> Result<(), Reason> {
    let [kind, name, uri] = reference.map_or(Ok([None; 3]), |reference| members(reference, &REF))?;
    let known = match kind.and_then(Value::as_str).as_deref() {
        Some("ref/prompt") => name.is_some(),
        Some("ref/resource") => uri.is_some(),
        Some(_) => true,
        None => false,
    };
    if !known {
        return Err(Reason::Type("params.ref"));
    }
    if let Some(argument) = argument
        && members(argument, &ARGUMENT)?.iter().any(Option::is_none)
    {
        return Err(Reason::Type("params.argument"));
    }
    context.map_or(Ok(()), |context| members(context, &CONTEXT).map(|_| ()))
}

/// What `body` asks the client for, be it by what it tells of a task.
fn check_within(body: Value<'_>) -> Result<(), Reason> {
    for inner in bodies(body) {
        if inner.value.index() != body.index() {
            no_variant(inner.value, &BODY)?;
        }
        match inner.requests {
            Some(requests) if !requests.is_object() => return Err(Reason::Type("inputRequests")),
            Some(requests) => check_requests(requests)?,
            None => {}
        }
        inner.elicitations.map_or(Ok(()), check_elicitations)?;
    }
    Ok(())
}

/// URLs that are to be opened: what would be parameters of a request.
fn check_elicitations(list: Value<'_>) -> Result<(), Reason> {
    if !list.is_array() {
        return Err(Reason::Type("error.data.elicitations"));
    }
    for element in list.elements() {
        if !element.is_object() || asks(element) {
            return Err(Reason::Type("error.data.elicitations"));
        }
        check_params("elicitation/create", Some(element))?;
    }
    Ok(())
}

/// There is a request within these parameters.
fn asks(params: Value<'_>) -> bool {
    bodies(params).any(|body| body.requests.is_some() || body.elicitations.is_some())
}

/// Requests without an envelope. Only parameters of those go deeper, once.
fn check_requests(requests: Value<'_>) -> Result<(), Reason> {
    for (_, request) in requests.members() {
        no_variant(request, &ENVELOPE)?;
        let method = request.get("method").and_then(Value::as_str);
        let Some(method) = method.filter(|_| request.is_object()) else {
            return Err(Reason::Type("inputRequests"));
        };
        let params = request.get("params");
        if params.is_some_and(|params| !params.is_object() && !params.is_null()) {
            return Err(Reason::Type("inputRequests"));
        }
        // A task's notice may hold requests; a request holds none.
        if params.is_some_and(asks) {
            return Err(Reason::Type("inputRequests"));
        }
        check_params(&method, params)?;
    }
    Ok(())
}

/// Every entry is an object with a name that can be compared.
fn check_list(list: &Listed, entries: Value<'_>) -> Result<(), Reason> {
    for entry in entries.elements() {
        if entry.get(list.name).and_then(Value::as_str).is_none() {
            return Err(Reason::Type(list.path));
        }
        no_variant(entry, list.keys)?;
    }
    Ok(())
}
