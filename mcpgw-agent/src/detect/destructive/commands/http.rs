//! Requests that delete.

use super::arguments::{Arguments, holds};
use crate::detect::destructive::act::Act;

const DELETE: Act = Act::medium("http_delete", "asks a server to delete something");
const STORE: Act = Act::high("http_delete", "asks a data store or an API to delete a whole part of itself");

/// curl and its like.
pub(super) fn judge(arguments: &Arguments<'_, '_>) -> Option<Act> {
    let deletes = arguments.texts().any(|word| {
        matches!(word, "-XDELETE" | "--request=DELETE" | "--method=DELETE")
            || word.eq_ignore_ascii_case("delete")
    });
    let address = arguments
        .plain()
        .find(|word| word.contains("://") || word.contains(':') || word.contains('.'))
        .unwrap_or_default();
    let stores = [
        ":9200",
        ":5984",
        ":8500",
        ":2379",
        ":6333",
        ":8983",
        ":8086",
        "_all",
        "/*",
        "/repos/",
        "/namespaces/",
        "recurse",
        "/databases/",
    ];
    let by_query = [
        "_delete_by_query",
        "<delete><query>*:*",
        "_aliases?delete",
        "/_shutdown",
        "?purge=true",
        "deletemany",
    ];
    match () {
        () if arguments.holds(&by_query) => Some(STORE),
        () if !deletes => None,
        () if holds(address, &stores) => Some(STORE),
        () => Some(DELETE),
    }
}

/// Invoke-RestMethod -Method Delete.
pub(super) fn rest_method(arguments: &Arguments<'_, '_>) -> Option<Act> {
    arguments.any(&["delete"]).then_some(DELETE)
}
