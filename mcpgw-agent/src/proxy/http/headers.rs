//! Headers between client and server.
use hyper::HeaderMap;
use crate::mcp::{Direction, Message};
use crate::verdict::Cause;
/// Checks.
pub fn check(_headers: &HeaderMap, _message: &Message, _direction: Direction) -> Result<(), Cause> { Ok(()) }
/// Up.
pub fn upstream(headers: &HeaderMap) -> HeaderMap {
    let mut h = headers.clone();
    for n in ["connection","keep-alive","transfer-encoding","te","trailer","upgrade","authorization","cookie","content-length","content-encoding","expect","host","origin","proxy-authorization"] { h.remove(n); }
    h
}
/// Down.
pub fn downstream(headers: &HeaderMap) -> HeaderMap {
    let mut h = headers.clone();
    for n in ["connection","keep-alive","transfer-encoding","set-cookie"] { h.remove(n); }
    h
}
