//! The methods of every revision, by area. What a row says is data: nothing else in the program lists methods' fields.

mod client;
mod lifecycle;
mod prompts;
mod resources;
pub(super) mod shapes;
mod tasks;
mod tools;

use super::method::Method;

/// Every row.
pub(super) fn all() -> impl Iterator<Item = &'static Method> {
    // What a session says most comes first.
    [
        tools::METHODS,
        lifecycle::METHODS,
        resources::METHODS,
        prompts::METHODS,
        client::METHODS,
        tasks::METHODS,
    ]
    .into_iter()
    .flatten()
}
