//! The bare pass-through: two threads that move bytes and look at none. The floor any hop has.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result};

/// Bytes moved at a time, as the gateway moves them.
const CHUNK: usize = 64 * 1024;

/// Arguments of the hidden subcommand.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Pass TCP connections on to this address from a free port, which is printed
    #[arg(long)]
    tcp: Option<String>,
    /// Or start this server and pass standard input and output through
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// Passes bytes on until one side ends, or for ever.
///
/// # Errors
/// When the server cannot be started or the port not be had.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.tcp {
        Some(upstream) => tcp(upstream),
        None => stdio(&args.command),
    }
}

fn stdio(command: &[OsString]) -> Result<()> {
    let (program, arguments) = command.split_first().context("no command")?;
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut to = child.stdin.take().context("no input")?;
    let mut from = child.stdout.take().context("no output")?;
    thread::spawn(move || pump(&mut io::stdin(), &mut to));
    pump(&mut from, &mut io::stdout().lock());
    child.wait()?;
    Ok(())
}

fn tcp(upstream: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    loop {
        let (client, _) = listener.accept()?;
        let server = TcpStream::connect(upstream)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (client_too, server_too) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || relay(client, server));
        thread::spawn(move || relay(server_too, client_too));
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream) {
    pump(&mut from, &mut to);
    // The other side may be gone already.
    to.shutdown(Shutdown::Write).unwrap_or_default();
}

fn pump(from: &mut impl Read, to: &mut impl Write) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        let bytes = chunk.get(..read).unwrap_or_default();
        if to.write_all(bytes).and_then(|()| to.flush()).is_err() {
            return;
        }
    }
}
