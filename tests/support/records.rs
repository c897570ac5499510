//! Audit logs, read while they are written.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The records of the audit log at `path`; none where there is no file yet.
///
/// # Panics
///
/// Where a line that has an end is no JSON.
pub(crate) fn records(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}"))).collect()
}
