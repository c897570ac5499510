//! What a server usually does, as a file holds it.

use bytes::Bytes;
use jiff::Timestamp;

use crate::effects::Baseline;
use crate::json::{Document, Limits, Value, quote};
use crate::pins::{Act, ActKind, ServerId, Stored};

/// What this program writes and reads.
const VERSION: &str = "1";

/// What one server usually does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habits {
    /// Whose.
    pub server: ServerId,
    /// Grows whenever somebody resets it: what was learned before is then forgotten.
    pub generation: u64,
    /// What.
    pub usual: Baseline,
    /// The last reset, as long as no log has it.
    pub reset: Option<Act>,
}

impl Habits {
    /// Nothing is known.
    #[must_use]
    pub fn new(server: ServerId) -> Self {
        Self { server, generation: 0, usual: Baseline::default(), reset: None }
    }

    /// Forgets everything, because user `by` wants it.
    pub fn reset(&mut self, by: u32) {
        self.usual = Baseline::default();
        self.generation = self.generation.saturating_add(1);
        self.reset = Some(act(self.generation, by, Timestamp::now()));
    }
}

fn act(number: u64, by: u32, at: Timestamp) -> Act {
    Act { number, kind: ActKind::ResetEffects, by, at }
}

impl Stored for Habits {
    const WHAT: &'static str = "what a server usually does";
    const BYTES_MAX: usize = 8 << 20;

    fn server(&self) -> &ServerId {
        &self.server
    }

    fn write(&self) -> String {
        let mut text = format!(
            "{{\"version\":{VERSION},\"generation\":{},\"server\":{},\"label\":{},",
            self.generation,
            quote(self.server.hash()),
            quote(self.server.label())
        );
        if let Some(Act { by, at, .. }) = &self.reset {
            text.push_str(&format!("\"reset\":{{\"by\":{by},\"at\":\"{at}\"}},"));
        }
        self.usual.write(&mut text);
        text.push_str("}\n");
        text
    }

    fn read(bytes: Vec<u8>) -> Result<Self, &'static str> {
        let limits = Limits { bytes: Self::BYTES_MAX, ..Limits::default() };
        let document =
            Document::parse(Bytes::from(bytes), &limits).or(Err("it is not JSON, or too large"))?;
        let root = document.root();
        if root.get("version").and_then(Value::as_number) != Some(VERSION) {
            return Err("it is of another version");
        }
        let hash = root.get("server").and_then(Value::as_str).ok_or("it names no server")?;
        let label = root.get("label").and_then(Value::as_str).unwrap_or_default();
        let server = ServerId::stored(&hash, &label).ok_or("it names no server")?;
        let generation = root.get("generation").and_then(Value::as_number);
        let generation = generation.and_then(|text| text.parse().ok()).ok_or("it has no generation")?;
        let reset = root.get("reset").map(|reset| {
            let by = reset.get("by").and_then(Value::as_number)?.parse().ok()?;
            let at = reset.get("at").and_then(Value::as_str)?.parse().ok()?;
            Some(act(generation, by, at))
        });
        let reset = reset.map(|whole| whole.ok_or("its reset is not whole")).transpose()?;
        Ok(Self { server, generation, usual: Baseline::read(root)?, reset })
    }
}
