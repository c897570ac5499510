//! One receiver, whatever it speaks.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, StatusCode};

use super::stored::Stored;
use super::syslog::Syslog;
use super::{ShipError, otlp};
use crate::config;
use crate::fetch::{Failure, Fetch};
use crate::secret;

/// Longest answer, in bytes.
const ANSWER_MAX: usize = 64 << 10;
/// Longest pause a receiver may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Where records go.
pub(super) enum Receiver {
    Syslog(Syslog),
    Otlp { fetch: Fetch, headers: HeaderMap, host: String },
}

/// Why a batch was not taken. Nothing of it comes from the receiver but numbers.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("it cannot be reached: {0}")]
    Connection(#[from] std::io::Error),
    #[error(transparent)]
    Http(#[from] Failure),
    #[error("it answers with status {0}")]
    Status(StatusCode, Option<Duration>),
    /// This batch, and not whatever comes.
    #[error("it does not take these records: status {0}")]
    Batch(StatusCode),
    /// None of many.
    #[error("it takes no records at all")]
    All,
}

impl Receiver {
    pub(super) fn open(config: &config::Shipper) -> Result<Self, ShipError> {
        let ca = config.ca.as_deref();
        match &config.to {
            config::Receiver::Syslog(address) => Ok(Self::Syslog(Syslog::open(address, ca)?)),
            config::Receiver::Otlp { url, headers } => {
                let mut all = HeaderMap::new();
                for header in headers {
                    let (name, value) = secret::header(header)?;
                    all.insert(name, value);
                }
                all.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
                let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
                Ok(Self::Otlp { fetch: Fetch::open(url, ca)?, headers: all, host: host.unwrap_or_default() })
            }
        }
    }

    /// Sends `records`; gives how many the receiver will never have.
    ///
    /// # Errors
    /// [`Refused`]: all of them have to be sent again.
    pub(super) async fn send(&mut self, records: &[Stored<'_>]) -> Result<u64, Refused> {
        match self {
            Self::Syslog(syslog) => {
                let lost = syslog.send(records).await?;
                Ok(u64::try_from(lost.len()).unwrap_or(u64::MAX))
            }
            Self::Otlp { fetch, headers, host } => {
                let body: Bytes = otlp::request(records, host);
                let answer = fetch.ask(Method::POST, headers, body, ANSWER_MAX).await?;
                match answer.status {
                    status if status.is_success() => Ok(otlp::rejected(&answer.body)),
                    status @ (StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE) => {
                        Err(Refused::Batch(status))
                    }
                    status => Err(Refused::Status(status, pause(&answer.headers))),
                }
            }
        }
    }

    /// What was sent is not lost with its connection.
    pub(super) async fn stands(&mut self) -> bool {
        match self {
            Self::Syslog(syslog) => syslog.stands().await,
            Self::Otlp { .. } => true,
        }
    }

    /// What it took last may not have arrived when the connection breaks.
    pub(super) fn loses_the_last(&self) -> bool {
        match self {
            Self::Syslog(syslog) => syslog.loses_the_last(),
            Self::Otlp { .. } => false,
        }
    }
}

/// For how long it wants to be left alone.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(PAUSE_MAX))
}
