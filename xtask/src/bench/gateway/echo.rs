//! The server: echoes over stdio, or over HTTP with a thread for each connection. Its own process in every arm.

use std::io::{self, BufRead as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::{Context as _, Result};

use super::load::{Body, Wire};
use super::message::respond;

/// Arguments of the hidden subcommand.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Serve HTTP on a free port and print it, instead of stdio
    #[arg(long)]
    http: bool,
}

/// Serves until the client leaves, or for ever.
///
/// # Errors
/// When a request is none of the bench's.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.http { http() } else { stdio() }
}

fn stdio() -> Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        if let Some(mut answer) = respond(&line)? {
            answer.push('\n');
            output.write_all(answer.as_bytes())?;
            output.flush()?;
        }
        line.clear();
    }
    Ok(())
}

fn http() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || {
            // A client that left has nothing to be told.
            if let Err(error) = serve(stream) {
                eprintln!("echo: {error:#}");
            }
        });
    }
}

fn serve(stream: TcpStream) -> Result<()> {
    let mut wire = Wire::new(stream)?;
    while let Some(Body { text, .. }) = wire.receive()? {
        let head = match respond(&text).context("not a request of the bench")? {
            Some(answer) => (
                format!(
                    "HTTP/1.1 200 OK\r\nMcp-Session-Id: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                    answer.len()
                ),
                answer,
            ),
            None => (
                "HTTP/1.1 202 Accepted\r\nMcp-Session-Id: bench\r\nContent-Length: 0\r\n\r\n".to_owned(),
                String::new(),
            ),
        };
        wire.send(&head.0, &head.1)?;
    }
    Ok(())
}
