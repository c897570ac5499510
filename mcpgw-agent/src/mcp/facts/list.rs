//! Arrays of a result, told apart by what their elements have.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::super::lenient::{Lenient, Name, element, skip, value};
use super::Text;

/// An array: its length, and what its first element looks like.
#[derive(Debug, Default)]
pub(in crate::mcp) struct List {
    /// It is an array of so many elements.
    pub(in crate::mcp) len: Option<u32>,
    pub(in crate::mcp) first: Item,
}

impl<'de> Lenient<'de> for List {
    fn seq<A: SeqAccess<'de>>(&mut self, mut seq: A) -> Result<(), A::Error> {
        let mut len = 0u32;
        if let Some(first) = element::<Item, A>(&mut seq)? {
            self.first = first;
            len = 1;
            while seq.next_element::<IgnoredAny>()?.is_some() {
                len = len.saturating_add(1);
            }
        }
        self.len = Some(len);
        Ok(())
    }
}

/// Which members an array's element has.
#[derive(Debug, Default)]
pub(in crate::mcp) struct Item {
    pub(in crate::mcp) kind: Text<16>,
    pub(in crate::mcp) name: bool,
    pub(in crate::mcp) input_schema: bool,
    pub(in crate::mcp) uri: bool,
    pub(in crate::mcp) uri_template: bool,
    pub(in crate::mcp) text: bool,
    pub(in crate::mcp) blob: bool,
    pub(in crate::mcp) data: bool,
    pub(in crate::mcp) resource: bool,
}

impl<'de> Lenient<'de> for Item {
    fn map<A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let member = match name.as_ref() {
                "type" => {
                    self.kind = value(&mut map)?;
                    continue;
                }
                "name" => Some(&mut self.name),
                "inputSchema" => Some(&mut self.input_schema),
                "uri" => Some(&mut self.uri),
                "uriTemplate" => Some(&mut self.uri_template),
                "text" => Some(&mut self.text),
                "blob" => Some(&mut self.blob),
                "data" => Some(&mut self.data),
                "resource" => Some(&mut self.resource),
                _ => None,
            };
            if let Some(member) = member {
                *member = true;
            }
            skip(&mut map)?;
        }
        Ok(())
    }
}
