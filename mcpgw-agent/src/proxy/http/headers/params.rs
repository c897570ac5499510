//! Which parameters of which tools are mirrored in headers (`x-mcp-header`), as far as the server's lists told.

use std::collections::{HashMap, HashSet};

use hyper::HeaderMap;
use hyper::header::HeaderName;

use super::value::says;
use super::{NAME, PARAM_PREFIX};
use crate::json::Value;

/// Tools remembered. Calls of tools beyond are checked by the server alone: the decision is on the body anyway.
pub const TOOLS_MAX: usize = 1000;
/// Mirrored parameters of a tool.
const PARAMS_MAX: usize = 64;
/// Objects within one another on the way to a parameter.
const DEPTH_MAX: usize = 16;
/// Bytes of a tool's name, and of the way to a parameter.
const TEXT_MAX_BYTES: usize = 1024;

/// The mirrored parameters of the tools of one server.
#[derive(Debug, Default)]
pub struct ParamSchemas {
    tools: HashMap<Box<str>, Vec<Param>>,
}

/// A mirrored parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Param {
    header: HeaderName,
    /// The keys that lead to it from `arguments`.
    path: Vec<Box<str>>,
}

impl ParamSchemas {
    /// Learns from the result of a `tools/list`: of each tool in it, nothing older counts. A tool with an annotation that
    /// is not valid has none: clients must not call it.
    pub fn learn(&mut self, result: Value<'_>) {
        let tools = result.get("tools").into_iter().flat_map(Value::elements);
        for tool in tools {
            let Some(name) = tool.get("name").and_then(Value::as_str) else { continue };
            if name.len() > TEXT_MAX_BYTES {
                continue;
            }
            let params = tool.get("inputSchema").and_then(params_of).unwrap_or_default();
            if params.is_empty() {
                self.tools.remove(&*name);
            } else if self.tools.len() < TOOLS_MAX || self.tools.contains_key(&*name) {
                self.tools.insert(name.into(), params);
            }
        }
    }

    /// Tools that are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.tools.len()
    }

    /// Whether the headers of a call of `tool` say what its `arguments` do. `Err` names the header.
    pub(super) fn check(
        &self,
        tool: &str,
        arguments: Option<Value<'_>>,
        headers: &HeaderMap,
    ) -> Result<(), &HeaderName> {
        for param in self.tools.get(tool).into_iter().flatten() {
            let mut value = arguments;
            for key in &param.path {
                value = value.and_then(|object| object.get(key));
            }
            let agrees = match (headers.get(&param.header), value.filter(|value| !value.is_null())) {
                (None, None) => true,
                (Some(header), Some(value)) => says(header, value),
                // Lists and objects have no header; the server will not take them either.
                (None, Some(value)) => value.is_array() || value.is_object(),
                (Some(_), None) => false,
            };
            if !agrees {
                return Err(&param.header);
            }
        }
        Ok(())
    }
}

/// The mirrored parameters of a schema; `None` where an annotation is not valid, or there are too many.
fn params_of(schema: Value<'_>) -> Option<Vec<Param>> {
    let mut found = Vec::new();
    let mut open = vec![(schema, Vec::<Box<str>>::new())];
    while let Some((object, path)) = open.pop() {
        for (key, property) in object.get("properties").into_iter().flat_map(Value::members) {
            let key = key.as_str().unwrap_or_default();
            let length: usize = path.iter().map(|key| key.len()).sum();
            let mut path = path.clone();
            path.push(key.into());
            if let Some(annotation) = property.get("x-mcp-header") {
                let is_short =
                    length.saturating_add(path.last().map_or(0, |key| key.len())) <= TEXT_MAX_BYTES;
                let header = header_of(annotation).filter(|_| is_short && found.len() < PARAMS_MAX)?;
                found.push(Param { header, path });
            } else if path.len() < DEPTH_MAX && property.get("properties").is_some() {
                open.push((property, path));
            }
        }
    }
    let names: HashSet<&HeaderName> = found.iter().map(|param| &param.header).collect();
    (names.len() == found.len()).then_some(found)
}

fn header_of(annotation: Value<'_>) -> Option<HeaderName> {
    let name = annotation.as_str().filter(|name| !name.is_empty() && name.len() <= TEXT_MAX_BYTES)?;
    // Longer than the prefix and never one of the standard headers.
    let header = HeaderName::from_bytes(format!("{PARAM_PREFIX}{name}").as_bytes()).ok()?;
    (header != NAME).then_some(header)
}
