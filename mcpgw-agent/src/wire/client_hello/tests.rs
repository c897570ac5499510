//! Hellos of a real library, cut and altered.

use std::sync::Arc;

use proptest::prelude::*;

use super::server_name;

/// What `rustls` says first to `host`.
fn hello(host: &str) -> Vec<u8> {
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from(host.to_owned()).unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_real_hello_names_its_host() {
    assert_eq!(server_name(&hello("mcp.example.com")).as_deref(), Some("mcp.example.com"));
    // Whoever connects to an address names nobody.
    assert_eq!(server_name(&hello("127.0.0.1")), None);
}

#[test]
fn a_name_is_whole_or_none() {
    let whole = hello("mcp.example.com");
    for cut in 0..whole.len() {
        let name = server_name(&whole[..cut]);
        assert!(name.is_none_or(|name| name == "mcp.example.com"), "{cut}");
    }
}

#[test]
fn a_name_that_is_no_host_is_none() {
    let mut bytes = hello("mcp.example.com");
    let at = bytes.windows(3).position(|window| window == b"mcp").unwrap();
    bytes[at] = b'\n';
    assert_eq!(server_name(&bytes), None);
}

proptest! {
    #[test]
    fn hostile_bytes_are_survived(at in 0_usize..600, with: Vec<u8>, bytes: Vec<u8>) {
        drop(server_name(&bytes));
        let mut hello = hello("mcp.example.com");
        let at = at.min(hello.len());
        hello.splice(at.., with);
        if let Some(name) = server_name(&hello) {
            prop_assert!(!name.is_empty() && name.len() <= 255);
        }
    }
}
