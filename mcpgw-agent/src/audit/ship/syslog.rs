//! Records as syslog messages (RFC 5424): in datagrams (RFC 5426), or with octet counting (RFC 6587) over TCP and TLS
//! (RFC 5425).

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UdpSocket, UnixDatagram};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::ShipError;
use super::stored::{Severity, Stored};
use crate::config::SyslogAddress;
use crate::destination::{Destination, NoHost, Stream};
use crate::proxy::http::tls;

/// Facility "log audit".
const FACILITY: u8 = 13;
/// The most a datagram carries over UDP.
const DATAGRAM_MAX: usize = 65_507;
/// How long a connection, and then each batch, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest `sequenceId` there is.
const SEQUENCE_MAX: u64 = (1 << 31) - 1;

/// Where, and what is open to it.
pub(super) struct Syslog {
    to: To,
    host: String,
    open: Option<Open>,
}

enum To {
    Udp(SocketAddr),
    Unix(PathBuf),
    Stream(Destination),
}

enum Open {
    Udp(UdpSocket),
    Unix(UnixDatagram),
    Stream(Box<dyn Stream>),
}

impl Syslog {
    pub(super) fn open(address: &SyslogAddress, ca: Option<&std::path::Path>) -> Result<Self, ShipError> {
        let to = match address {
            SyslogAddress::Udp(address) => To::Udp(*address),
            SyslogAddress::Unix(path) => To::Unix(path.clone()),
            SyslogAddress::Tcp { host, port } => To::Stream(destination(host, *port, None)?),
            SyslogAddress::Tls { host, port } => {
                To::Stream(destination(host, *port, Some(tls::stream_connector(ca)?))?)
            }
        };
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        let host = host.filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()));
        Ok(Self { to, host: host.unwrap_or_else(|| "-".to_owned()), open: None })
    }

    /// Sends `records`; gives the numbers of those no datagram has room for.
    ///
    /// # Errors
    /// Some may not have arrived; all have to be sent again.
    pub(super) async fn send(&mut self, records: &[Stored<'_>]) -> io::Result<Vec<u64>> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => timeout(PATIENCE, self.connect()).await??,
        };
        let mut lost = Vec::new();
        let sent = timeout(PATIENCE, open.send(records, &self.host, &mut lost)).await;
        sent??;
        self.open = Some(open);
        Ok(lost)
    }

    /// What is sent arrives where it should, once it was taken: otherwise the last of it may still be on its way.
    pub(super) fn loses_the_last(&self) -> bool {
        matches!(self.to, To::Stream(_))
    }

    /// What was sent is not lost with its connection: that one stands, as far as is known here.
    pub(super) async fn stands(&mut self) -> bool {
        let is_gone = match &mut self.open {
            Some(Open::Stream(stream)) => look_after(stream.as_mut()).await.is_err(),
            _without_a_connection => false,
        };
        if is_gone {
            self.open = None;
        }
        !is_gone
    }

    async fn connect(&self) -> io::Result<Open> {
        match &self.to {
            To::Udp(address) => {
                let own: SocketAddr =
                    if address.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
                let socket = UdpSocket::bind(own).await?;
                // So that it is told when nobody listens there.
                socket.connect(address).await?;
                Ok(Open::Udp(socket))
            }
            To::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                Ok(Open::Unix(socket))
            }
            To::Stream(to) => Ok(Open::Stream(to.connect().await?)),
        }
    }
}

fn destination(host: &str, port: u16, tls: Option<TlsConnector>) -> Result<Destination, ShipError> {
    Destination::new(host, port, tls).map_err(|NoHost| ShipError::Host(host.to_owned()))
}

impl Open {
    async fn send(&mut self, records: &[Stored<'_>], host: &str, lost: &mut Vec<u64>) -> io::Result<()> {
        let stream = match self {
            Self::Stream(stream) => stream,
            Self::Udp(_) | Self::Unix(_) => return self.datagrams(records, host, lost).await,
        };
        // Writing would say so only the time after next.
        look_after(stream.as_mut()).await?;
        let mut frames = Vec::new();
        for record in records {
            let message = message(record, host);
            frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
            frames.extend_from_slice(message.as_bytes());
        }
        stream.write_all(&frames).await?;
        stream.flush().await
    }

    async fn datagrams(&self, records: &[Stored<'_>], host: &str, lost: &mut Vec<u64>) -> io::Result<()> {
        for record in records {
            let message = message(record, host);
            if message.len() > DATAGRAM_MAX {
                lost.push(record.seq);
                continue;
            }
            let sent = match self {
                Self::Udp(socket) => socket.send(message.as_bytes()).await,
                Self::Unix(socket) => socket.send(message.as_bytes()).await,
                Self::Stream(_) => return Err(io::ErrorKind::Unsupported.into()),
            };
            match sent {
                Ok(_) => {}
                // Less than there could be.
                Err(error) if error.raw_os_error() == Some(nix::libc::EMSGSIZE) => lost.push(record.seq),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Fails where the other side has closed it, or does not know of it any more.
async fn look_after(stream: &mut dyn Stream) -> io::Result<()> {
    let mut said = [0; 1024];
    tokio::select! {
        biased;
        read = stream.read(&mut said) => match read? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _something_nobody_asked_for => Ok(()),
        },
        () = std::future::ready(()) => Ok(()),
    }
}

/// A record as a message. Its text is the line, so that whoever has the key can verify it there, too.
fn message(record: &Stored<'_>, host: &str) -> String {
    let severity: u8 = match record.severity() {
        Severity::Error => 3,
        Severity::Warning => 4,
        Severity::Notice => 5,
        Severity::Info => 6,
    };
    let priority = FACILITY * 8 + severity;
    let time = record.timestamp().unwrap_or("-");
    // Ours are short and plain; what somebody else wrote into the log may not be.
    let kind = record.event();
    let is_plain = !kind.is_empty() && kind.len() <= 32 && kind.bytes().all(|byte| byte.is_ascii_graphic());
    let kind = if is_plain { kind } else { "-" };
    let (pid, version) = (std::process::id(), env!("CARGO_PKG_VERSION"));
    // It begins anew behind the largest.
    let sequence = record.seq.saturating_sub(1) % SEQUENCE_MAX + 1;
    let line = record.line;
    format!(
        "<{priority}>1 {time} {host} mcpgw-agent {pid} {kind} \
         [origin software=\"mcpgw-agent\" swVersion=\"{version}\"][meta sequenceId=\"{sequence}\"] {line}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_message_of_rfc_5424() {
        let line =
            r#"{"timestamp":"2026-01-02T03:04:05.000006Z","direction":"c2s","action":"block","seq":7}"#;
        let text = message(&Stored::read(7, line.as_bytes()).unwrap(), "host-1");
        let head = "<108>1 2026-01-02T03:04:05.000006Z host-1 mcpgw-agent ";
        assert!(
            text.starts_with(head) && text.ends_with(&format!("[meta sequenceId=\"7\"] {line}")),
            "{text}"
        );
        let forged = r#"{"timestamp":"x <1>","event":"a b\n<34>1","seq":2147483648}"#;
        let text = message(&Stored::read(1 << 31, forged.as_bytes()).unwrap(), "-");
        assert!(text.starts_with("<110>1 - - mcpgw-agent ") && text.contains(" - [origin "), "{text}");
        assert!(text.contains("sequenceId=\"1\"") && !text.contains('\n'), "{text}");
    }
}
