//! Real SDK clients and servers with the gateway between them (`tests/peers`).
