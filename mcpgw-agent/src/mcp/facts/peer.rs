//! What peers say of themselves: protocol revision, name and version.

use serde::de::{MapAccess, SeqAccess};

use super::super::lenient::{Lenient, Name, Scalar, drain_map, element, skip, value};
use super::Text;

/// Bytes kept of a name or version.
const NAME_BYTES: usize = 256;

/// Members reserved to MCP in `_meta`.
const META_PREFIX: &str = "io.modelcontextprotocol/";

/// A `protocolVersion`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::mcp) enum Version {
    #[default]
    Absent,
    /// In the form of an MCP revision.
    Revision(String),
    /// Some other string.
    Text,
    /// No string.
    Other,
}

impl Version {
    /// The revision, where it has the form of one.
    pub(in crate::mcp) fn revision(&self) -> Option<&String> {
        match self {
            Self::Revision(revision) => Some(revision),
            Self::Absent | Self::Text | Self::Other => None,
        }
    }
}

impl<'de> Lenient<'de> for Version {
    fn scalar(&mut self, scalar: Scalar<'_>) {
        *self = match scalar {
            Scalar::Text(text) if is_revision(text) => Self::Revision(text.to_owned()),
            Scalar::Text(_) => Self::Text,
            Scalar::Null => Self::Absent,
            Scalar::Bool | Scalar::Unsigned(_) | Scalar::Signed(_) | Scalar::Float(_) => Self::Other,
        };
    }

    fn map<A: MapAccess<'de>>(&mut self, map: A) -> Result<(), A::Error> {
        *self = Self::Other;
        drain_map(map)
    }
}

/// `YYYY-MM-DD` or `DRAFT-…` (as drafts between revisions call themselves), at most 32 bytes.
fn is_revision(text: &str) -> bool {
    if let Some(draft) = text.strip_prefix("DRAFT-") {
        return (1..=26).contains(&draft.len()) && draft.bytes().all(|b| b.is_ascii_graphic());
    }
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
}

/// `supportedVersions`: an array with an MCP revision in it.
#[derive(Debug, Default)]
pub(in crate::mcp) struct Versions(pub(in crate::mcp) bool);

impl<'de> Lenient<'de> for Versions {
    fn seq<A: SeqAccess<'de>>(&mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(version) = element::<Version, A>(&mut seq)? {
            self.0 |= version.revision().is_some();
        }
        Ok(())
    }
}

/// `clientInfo` or `serverInfo`: name and version.
#[derive(Debug, Default)]
pub(in crate::mcp) struct Implementation(pub(in crate::mcp) Option<(String, String)>);

impl<'de> Lenient<'de> for Implementation {
    fn map<A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let mut name = Text::<NAME_BYTES>::default();
        let mut version = Text::<NAME_BYTES>::default();
        while let Some(Name(key)) = map.next_key()? {
            match key.as_ref() {
                "name" => name = value(&mut map)?,
                "version" => version = value(&mut map)?,
                _ => skip(&mut map)?,
            }
        }
        self.0 = name.0.map(|name| (name, version.0.unwrap_or_default()));
        Ok(())
    }
}

/// `_meta`, as far as MCP reserves it.
#[derive(Debug, Default)]
pub(in crate::mcp) struct Meta {
    /// A member of MCP's own is there.
    pub(in crate::mcp) reserved: bool,
    pub(in crate::mcp) version: Version,
    pub(in crate::mcp) client_info: Implementation,
    pub(in crate::mcp) server_info: Implementation,
}

impl<'de> Lenient<'de> for Meta {
    fn map<A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let Some(own) = name.strip_prefix(META_PREFIX) else {
                skip(&mut map)?;
                continue;
            };
            self.reserved = true;
            match own {
                "protocolVersion" => self.version = value(&mut map)?,
                "clientInfo" => self.client_info = value(&mut map)?,
                "serverInfo" => self.server_info = value(&mut map)?,
                _ => skip(&mut map)?,
            }
        }
        Ok(())
    }
}
