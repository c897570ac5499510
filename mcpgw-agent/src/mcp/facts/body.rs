//! `params` and `result`.

use serde::de::{MapAccess, SeqAccess};

use super::super::lenient::{Lenient, Name, drain_seq, skip, value};
use super::peer::{Implementation, Meta, Version, Versions};
use super::{List, Text};

/// `params` or `result`; their tell-tale members do not overlap, so one type serves both.
#[derive(Debug, Default)]
pub(in crate::mcp) struct Body {
    pub(in crate::mcp) structured: bool,
    pub(in crate::mcp) version: Version,
    pub(in crate::mcp) supported_versions: Versions,
    pub(in crate::mcp) capabilities: bool,
    pub(in crate::mcp) client_info: Implementation,
    pub(in crate::mcp) server_info: Implementation,
    pub(in crate::mcp) meta: Meta,
    pub(in crate::mcp) level: Text<16>,
    pub(in crate::mcp) has: Has,
    pub(in crate::mcp) tools: List,
    pub(in crate::mcp) resources: List,
    pub(in crate::mcp) templates: List,
    pub(in crate::mcp) contents: List,
    pub(in crate::mcp) content: List,
}

/// Members whose mere presence counts.
#[derive(Debug, Default)]
pub(in crate::mcp) struct Has {
    pub(in crate::mcp) task_id: bool,
    pub(in crate::mcp) request_id: bool,
    pub(in crate::mcp) progress_token: bool,
    pub(in crate::mcp) role: bool,
    pub(in crate::mcp) structured_content: bool,
}

impl<'de> Lenient<'de> for Body {
    fn map<A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        self.structured = true;
        while let Some(Name(name)) = map.next_key()? {
            match name.as_ref() {
                "protocolVersion" => self.version = value(&mut map)?,
                "supportedVersions" => self.supported_versions = value(&mut map)?,
                "clientInfo" => self.client_info = value(&mut map)?,
                "serverInfo" => self.server_info = value(&mut map)?,
                "_meta" => self.meta = value(&mut map)?,
                "level" => self.level = value(&mut map)?,
                "tools" => self.tools = value(&mut map)?,
                "resources" => self.resources = value(&mut map)?,
                "resourceTemplates" => self.templates = value(&mut map)?,
                "contents" => self.contents = value(&mut map)?,
                "content" => self.content = value(&mut map)?,
                other => {
                    self.mark(other);
                    skip(&mut map)?;
                }
            }
        }
        Ok(())
    }

    fn seq<A: SeqAccess<'de>>(&mut self, seq: A) -> Result<(), A::Error> {
        self.structured = true;
        drain_seq(seq)
    }
}

impl Body {
    fn mark(&mut self, name: &str) {
        match name {
            "capabilities" => self.capabilities = true,
            "taskId" => self.has.task_id = true,
            "requestId" => self.has.request_id = true,
            "progressToken" => self.has.progress_token = true,
            "role" => self.has.role = true,
            "structuredContent" => self.has.structured_content = true,
            _ => {}
        }
    }
}
