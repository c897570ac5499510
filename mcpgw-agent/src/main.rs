//! The `mcpgw-agent` program: hands its arguments to the library and turns the outcome into an exit code.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    mcpgw_agent::cli::main(std::env::args_os())
}
