//! Room in a bounded table: whoever has been quiet longest gives way.

use super::BootTime;

/// The entry that was used longest ago, where a table has no room for one more than `most`; `uses` has each with its last use.
pub(crate) fn quietest<'a, K: Clone + 'a>(
    uses: impl ExactSizeIterator<Item = (&'a K, BootTime)>,
    most: usize,
) -> Option<K> {
    if uses.len() < most {
        return None;
    }
    uses.min_by_key(|(_, used)| *used).map(|(key, _)| key.clone())
}
