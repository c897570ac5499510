//! The kernel side as user space sees it: capabilities, loading, reading, map keys.
