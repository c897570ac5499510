//! Control socket, HTTP endpoints, metrics and the status they serve.
