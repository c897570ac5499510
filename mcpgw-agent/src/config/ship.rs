//! Where records are sent: run form.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use super::SecretHeader;

/// One receiver of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipper {
    /// What it is called in metrics, in the status, and in the name of its cursor.
    pub name: String,
    /// Where, and how.
    pub to: Receiver,
    /// Certificates to believe beside the system's, PEM.
    pub ca: Option<PathBuf>,
}

/// Where, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// RFC 5424.
    Syslog(SyslogAddress),
    /// OTLP logs over HTTP, in protobuf, with secrets in headers.
    Otlp {
        /// The endpoint.
        url: Url,
        /// Headers of every request.
        headers: Vec<SecretHeader>,
    },
}

/// Where syslog is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogAddress {
    /// A datagram a record (RFC 5426): what is lost on the way nobody knows.
    Udp(SocketAddr),
    /// Octet counting (RFC 6587).
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// The same under TLS (RFC 5425).
    Tls {
        /// Name or address; the certificate must be its.
        host: String,
        /// Port.
        port: u16,
    },
    /// A datagram socket of this host, such as `/dev/log`.
    Unix(PathBuf),
}
