//! What a session knows of its server's tools: labels and compiled schemas.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::kind::{Kind, kind};
use super::labels::{Hints, Labels, of_tool};
use super::schema::Schema;
use super::words::Words;
use crate::json::Value;

/// Tools that are known.
const MAX_TOOLS: usize = 2000;
/// Bytes of a tool's name.
const MAX_NAME: usize = 1024;
/// Bytes of their compiled schemas. Those that have no room are not checked.
const MAX_BYTES: usize = 32 << 20;
/// Tools of which it is remembered that they were called, those of no list included.
const MAX_CALLED: usize = 256;
/// Names a server has.
const MAX_NAMES: usize = 3;

/// A schema as far as it can be used.
#[derive(Debug, Clone)]
pub(super) enum Usable {
    /// There is none.
    Absent,
    /// All of it, or what of it is known.
    Yes(Arc<Schema>),
    /// It is no schema, or one that cannot be used.
    No,
}

#[derive(Debug)]
struct Tool {
    hints: Hints,
    /// Of its two schemas as they are spelled.
    spelling: u64,
    input: Usable,
    output: Usable,
    bytes: usize,
}

/// What a tool's name and definition say of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nature {
    pub(super) kind: Kind,
    pub(super) labels: Labels,
}

/// What a call of a tool is looked at by.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub(super) nature: Nature,
    /// Of its arguments.
    pub(super) schema: Option<Arc<Schema>>,
}

/// What is known of a server's tools. Clones are the same: sessions that are one to the client may share it.
#[derive(Debug, Clone, Default)]
pub struct Tools(Arc<Mutex<Catalogue>>);

impl Tools {
    pub(super) fn lock(&self) -> MutexGuard<'_, Catalogue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tools of the lists that reached the client.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// What the server calls itself, and is called.
    names: Vec<Words>,
    tools: HashMap<Box<str>, Tool>,
    /// What is known of tools that are called: the same of each call of one.
    called: HashMap<Box<str>, Called>,
    bytes: usize,
    /// The last list's schemas, between the look at it and what became of it.
    looked: HashMap<u64, [Usable; 2]>,
}

impl Catalogue {
    /// The server is called `name`.
    pub(super) fn name(&mut self, name: &str) {
        if self.names.len() < MAX_NAMES {
            self.names.push(Words::of(name));
            self.called.clear();
        }
    }

    /// The same, where nothing else is known of what it is called.
    pub(super) fn name_if_none(&mut self, name: &str) {
        if self.names.is_empty() {
            self.name(name);
        }
    }

    /// What `tool` is, which may be in no list.
    pub(super) fn nature(&self, tool: &str) -> Nature {
        if let Some(called) = self.called.get(tool) {
            return called.nature;
        }
        let hints = self.tools.get(tool).map(|tool| tool.hints).unwrap_or_default();
        let words = Words::of(tool);
        let kind = kind(&self.names, &words);
        Nature { kind, labels: of_tool(kind, &words, hints) }
    }

    /// `tool` is called, and will most likely be again.
    pub(super) fn call(&mut self, tool: &str) -> Called {
        if let Some(called) = self.called.get(tool) {
            return called.clone();
        }
        let schema = self.tools.get(tool).and_then(|tool| tool.input.schema()).cloned();
        let called = Called { nature: self.nature(tool), schema };
        if tool.len() <= MAX_NAME {
            if self.called.len() >= MAX_CALLED {
                self.called.clear();
            }
            self.called.insert(tool.into(), called.clone());
        }
        called
    }

    pub(super) fn output(&self, tool: &str) -> Option<Arc<Schema>> {
        self.tools.get(tool).and_then(|tool| tool.output.schema()).cloned()
    }

    /// Compiles the schemas of a list that is not let through yet, and shows `visit` each that cannot be used, or not
    /// all of it.
    pub(super) fn look(&mut self, list: Value<'_>, mut visit: impl FnMut(Value<'_>)) {
        self.looked.clear();
        for tool in list.elements().take(MAX_TOOLS) {
            let spelling = spelling(tool);
            let schemas = self
                .compiled(tool, spelling)
                .unwrap_or_else(|| ["inputSchema", "outputSchema"].map(|key| Usable::of(tool.get(key))));
            if schemas.iter().any(Usable::is_doubtful) {
                visit(tool);
            }
            self.looked.insert(spelling, schemas);
        }
    }

    fn compiled(&self, tool: Value<'_>, spelling: u64) -> Option<[Usable; 2]> {
        let name = tool.get("name")?.as_str()?;
        let known = self.tools.get(&*name).filter(|known| known.spelling == spelling);
        known.map(|known| [known.input.clone(), known.output.clone()])
    }

    /// A list reached the client. A tool that is there again is what it is now; schemas that have no room are not known.
    pub(super) fn page(&mut self, list: Value<'_>, with_schemas: bool) {
        self.called.clear();
        for tool in list.elements() {
            let Some(name) = tool.get("name").and_then(Value::as_str) else { continue };
            if let Some(known) = self.tools.remove(&*name) {
                self.bytes -= known.bytes;
            }
            if self.tools.len() >= MAX_TOOLS || name.len() > MAX_NAME {
                continue;
            }
            let spelling = spelling(tool);
            let mut schemas = match self.looked.remove(&spelling) {
                Some(compiled) => compiled,
                None if with_schemas => ["inputSchema", "outputSchema"].map(|key| Usable::of(tool.get(key))),
                None => [Usable::Absent, Usable::Absent],
            };
            let mut bytes: usize =
                schemas.iter().filter_map(Usable::schema).map(|schema| schema.weight()).sum();
            if self.bytes + bytes > MAX_BYTES {
                (schemas, bytes) = ([Usable::Absent, Usable::Absent], 0);
            }
            let [input, output] = schemas;
            self.bytes += bytes;
            let tool = Tool { hints: Hints::of(tool), spelling, input, output, bytes };
            self.tools.insert(Box::from(&*name), tool);
        }
        self.looked.clear();
    }
}

impl Usable {
    fn of(schema: Option<Value<'_>>) -> Self {
        match schema {
            None => Self::Absent,
            Some(schema) => Schema::compile(schema).map_or(Self::No, |schema| Self::Yes(Arc::new(schema))),
        }
    }

    fn schema(&self) -> Option<&Arc<Schema>> {
        match self {
            Self::Yes(schema) => Some(schema),
            Self::Absent | Self::No => None,
        }
    }

    fn is_doubtful(&self) -> bool {
        match self {
            Self::Yes(schema) => !schema.is_whole(),
            Self::Absent => false,
            Self::No => true,
        }
    }
}

fn spelling(tool: Value<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for key in ["inputSchema", "outputSchema"] {
        tool.get(key).map(Value::raw).hash(&mut hasher);
    }
    hasher.finish()
}
