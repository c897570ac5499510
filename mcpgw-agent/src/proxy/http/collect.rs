//! Reading bodies, bounded in length and patience.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use super::encoding::{self, Coding, Decoder};
use super::values::Splitter;
use crate::proxy::room::{Full, Share, Taken};

/// How long the end of a body may take once its JSON text is complete. A body that goes on later is a stream.
const END: Duration = Duration::from_millis(50);

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Longer than the limit.
    TooLong,
    /// It did not come in time.
    Slow,
    /// The connection failed.
    Broken,
    /// It cannot be decompressed.
    Coding(encoding::Fault),
    /// There is no [`Room`] for it.
    Full,
}

impl From<Full> for Fault {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl From<encoding::Fault> for Fault {
    fn from(fault: encoding::Fault) -> Self {
        if fault == encoding::Fault::TooLong { Self::TooLong } else { Self::Coding(fault) }
    }
}

/// What an answer's body turned out to be.
#[derive(Debug)]
pub(super) enum Collected {
    /// All of it, with the room that it takes.
    Whole(Bytes),
    /// A complete JSON text, and a body that has not ended, compressed or not.
    Open(Splitter, Option<Decoder>),
}

/// Reads a request's body, which has to be there within `patience`, and decompresses it. Gives the room that it takes.
pub(super) async fn request(
    body: Incoming,
    coding: Coding,
    (limit, share): (usize, &Share),
    patience: Duration,
) -> Result<(Bytes, Taken), Fault> {
    let mut taken = share.nothing();
    let bytes = timeout(patience, all(body, limit, &mut taken)).await.unwrap_or(Err(Fault::Slow))?;
    let bytes = encoding::decode(coding, bytes, limit)?;
    taken.grow_to(bytes.len())?;
    Ok((bytes, taken))
}

/// Reads an answer's body and decompresses it, no further than to the end of one JSON text where nobody knows how long
/// it is.
pub(super) async fn answer(
    body: &mut Incoming,
    coding: Coding,
    (limit, share): (usize, &Share),
) -> Result<Collected, Fault> {
    let mut taken = share.nothing();
    if body.size_hint().exact().is_some() {
        let bytes = all(body, limit, &mut taken).await?;
        let bytes = encoding::decode(coding, bytes, limit)?;
        taken.grow_to(bytes.len())?;
        return Ok(Collected::Whole(taken.hold(bytes)));
    }
    let mut decoder = (coding != Coding::Identity).then(|| Decoder::new(coding, limit));
    let mut splitter = Splitter::new(limit);
    loop {
        let next = if splitter.is_complete() {
            match timeout(END, body.frame()).await {
                Ok(next) => next,
                Err(_elapsed) => return Ok(Collected::Open(splitter, decoder)),
            }
        } else {
            body.frame().await
        };
        let Some(frame) = next else {
            if let Some(decoder) = decoder {
                decoder.finish()?;
            }
            return Ok(Collected::Whole(taken.hold(splitter.into_rest())));
        };
        let Ok(data) = frame.map_err(|_broken| Fault::Broken)?.into_data() else { continue };
        let data = match &mut decoder {
            Some(decoder) => decoder.push(&data)?,
            None => data,
        };
        splitter.push(&data).map_err(|_long| Fault::TooLong)?;
        taken.grow_to(splitter.buffered())?;
        if splitter.has_more() {
            return Ok(Collected::Open(splitter, decoder));
        }
    }
}

async fn all<B>(mut body: B, limit: usize, taken: &mut Taken) -> Result<Bytes, Fault>
where
    B: hyper::body::Body<Data = Bytes> + Unpin,
{
    let announced = body.size_hint().exact();
    if announced.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit)) {
        return Err(Fault::TooLong);
    }
    let mut first: Option<Bytes> = None;
    let mut held = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_broken| Fault::Broken)?.into_data() else { continue };
        let length =
            held.len().saturating_add(data.len()).saturating_add(first.as_ref().map_or(0, Bytes::len));
        if length > limit {
            return Err(Fault::TooLong);
        }
        taken.grow_to(length)?;
        match first.take() {
            // Most bodies come whole and are kept as they came.
            None if held.is_empty() => first = Some(data),
            None => held.extend_from_slice(&data),
            Some(before) => {
                let length = announced.and_then(|length| usize::try_from(length).ok());
                held.reserve(length.unwrap_or(before.len() + data.len()));
                held.extend_from_slice(&before);
                held.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| held.freeze()))
}
