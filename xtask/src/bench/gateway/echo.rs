//! The server: echoes over stdio, or over HTTP with a thread for each connection. Its own process in every arm.

use std::io::{self, BufRead as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context as _, Result};

use super::load::{Body, Wire};
use super::message::respond;

/// Sessions opened so far: each client's ids are its own.
static SESSIONS: AtomicU64 = AtomicU64::new(1);

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
        let content = respond(&text).context("not a request of the bench")?;
        let (status, content) =
            content.map_or(("202 Accepted", String::new()), |content| ("200 OK", content));
        let opens = text.contains(r#""method":"initialize""#);
        let session = opens.then(|| SESSIONS.fetch_add(1, Ordering::Relaxed));
        let session = session.map_or_else(String::new, |session| format!("Mcp-Session-Id: {session}\r\n"));
        let kind = if content.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let length = content.len();
        let head = format!("HTTP/1.1 {status}\r\n{session}{kind}Content-Length: {length}\r\n\r\n");
        wire.send(&head, &content)?;
    }
    Ok(())
}
