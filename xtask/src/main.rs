//! Sets up, builds, runs, tests and checks mcpgw: `cargo xtask --help`.
fn main() {}
