//! What the statements before one did: a transaction begun, a temporary table made.

use super::token::Token;

/// What the statements before this one did.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    begun: bool,
    rolled_back: bool,
    committed: bool,
    /// Temporary tables made here.
    temporary: Vec<String>,
}

impl Transaction {
    /// Takes note of what a statement begins, ends or makes.
    pub(super) fn note(&mut self, tokens: &[Token<'_>]) {
        let Some(first) = tokens.first() else { return };
        if first.is("begin") || first.is("start") {
            self.begun = true;
        }
        self.rolled_back = first.is("rollback") && tokens.len() <= 2;
        self.committed |= first.is("commit") || first.is("end");
        if first.is("create")
            && tokens.iter().take(4).any(|token| token.is_one_of(&["temp", "temporary"]))
            && self.temporary.len() < 16
        {
            let at = tokens.iter().position(|token| token.is("table"));
            let mut after = tokens.iter().skip(at.map_or(tokens.len(), |at| at + 1));
            let name = after.find(|token| !token.is_one_of(&["if", "not", "exists"]));
            self.temporary.extend(name.map(|name| name.inner().to_ascii_lowercase()));
        }
    }

    /// Whether all of it is taken back at the end.
    pub(super) fn is_undone(&self) -> bool {
        self.begun && self.rolled_back && !self.committed
    }

    /// Whether a table is one nobody misses: made here, or called what temporary tables are called.
    pub(super) fn is_temporary(&self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        let short = lower.rsplit('.').next().unwrap_or(&lower);
        short.starts_with('#')
            || short.starts_with("tmp_")
            || short.starts_with("temp_")
            || self.temporary.contains(&lower)
            || lower.starts_with("pg_temp.")
            || lower.starts_with("tempdb")
    }
}
