use std::os::unix::fs::PermissionsExt;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{client, server};

use super::*;

/// An authority and the files it issued.
struct Site {
    dir: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Site {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let site = Self { dir: TempDir::new().unwrap(), authority };
        site.write("ca.pem", &site.authority.pem(), 0o644);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }

    /// Writes `cert.pem` and `key.pem` for `host`.
    fn issue(&self, host: &str) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        self.write("cert.pem", &certificate.pem(), 0o644);
        self.write("key.pem", &key.serialize_pem(), 0o600);
    }

    fn identity(&self) -> Result<Identity, TlsError> {
        Identity::load(&self.path("cert.pem"), &self.path("key.pem"))
    }

    /// Trusts this authority and nobody else.
    fn trust(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.as_ref().der().to_vec())).unwrap();
        trusting(roots).unwrap()
    }
}

type Both = (std::io::Result<server::TlsStream<TcpStream>>, std::io::Result<client::TlsStream<TcpStream>>);

async fn handshake(acceptor: &TlsAcceptor, connector: &TlsConnector, host: &str) -> Both {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let accept = async { acceptor.accept(listener.accept().await.unwrap().0).await };
    let connect = async { connector.connect(name, TcpStream::connect(address).await.unwrap()).await };
    tokio::join!(accept, connect)
}

#[tokio::test]
async fn both_sides_talk_http1_over_tls13() {
    let site = Site::new();
    site.issue("localhost");
    let acceptor = acceptor(Arc::new(site.identity().unwrap())).unwrap();
    let (server, client) = handshake(&acceptor, &site.trust(), "localhost").await;
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    let (_, connection) = server.get_ref();
    assert_eq!(connection.alpn_protocol(), Some(ALPN));
    assert_eq!(connection.server_name(), Some("localhost"));
    assert_eq!(connection.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    assert!(connection.peer_certificates().is_none());
    client.write_all(b"ping").await.unwrap();
    client.flush().await.unwrap();
    let mut heard = [0; 4];
    server.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ping");
}

#[tokio::test]
async fn tls12_is_spoken_and_other_protocols_are_not() {
    let site = Site::new();
    site.issue("localhost");
    let acceptor = acceptor(Arc::new(site.identity().unwrap())).unwrap();
    let mut config = ClientConfig::clone(site.trust().config());
    config.alpn_protocols = vec![b"h2".to_vec()];
    let h2 = TlsConnector::from(Arc::new(config));
    let (server, client) = handshake(&acceptor, &h2, "localhost").await;
    assert!(server.is_err() && client.is_err());

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(site.authority.as_ref().der().to_vec())).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (server, client) = handshake(&acceptor, &TlsConnector::from(Arc::new(config)), "localhost").await;
    assert!(client.is_ok());
    let version = server.unwrap().get_ref().1.protocol_version();
    assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_2));
}

#[tokio::test]
async fn a_server_nobody_vouches_for_is_refused() {
    let (site, other) = (Site::new(), Site::new());
    site.issue("localhost");
    let acceptor = acceptor(Arc::new(site.identity().unwrap())).unwrap();
    assert!(handshake(&acceptor, &other.trust(), "localhost").await.1.is_err(), "another authority");
    assert!(handshake(&acceptor, &site.trust(), "other.example").await.1.is_err(), "another name");
    assert!(handshake(&acceptor, &site.trust(), "127.0.0.1").await.1.is_err(), "an address not in it");
    assert!(handshake(&acceptor, &site.trust(), "localhost").await.1.is_ok());
}

#[tokio::test]
async fn extra_authorities_are_trusted_beside_the_systems() {
    let site = Site::new();
    site.issue("localhost");
    let acceptor = acceptor(Arc::new(site.identity().unwrap())).unwrap();
    let connector = connector(Some(&site.path("ca.pem"))).unwrap();
    assert!(handshake(&acceptor, &connector, "localhost").await.1.is_ok());
    assert!(matches!(super::connector(Some(&site.path("none.pem"))), Err(TlsError::Read { .. })));
    assert!(matches!(super::connector(Some(&site.path("key.pem"))), Err(TlsError::NoCertificate(_))));
    assert!(matches!(trusting(RootCertStore::empty()), Err(TlsError::NoRoots)));
}

#[tokio::test]
async fn a_changed_certificate_is_shown_from_the_next_handshake_on() {
    let site = Site::new();
    site.issue("old.example");
    let identity = Arc::new(site.identity().unwrap());
    let acceptor = acceptor(Arc::clone(&identity)).unwrap();
    let trust = site.trust();
    assert!(handshake(&acceptor, &trust, "old.example").await.1.is_ok());
    site.issue("new.example");
    assert!(handshake(&acceptor, &trust, "old.example").await.1.is_ok(), "not before it is asked for");
    identity.reload().unwrap();
    assert!(handshake(&acceptor, &trust, "new.example").await.1.is_ok());
    assert!(handshake(&acceptor, &trust, "old.example").await.1.is_err());
    site.write("cert.pem", "no certificate", 0o644);
    assert!(identity.reload().is_err());
    assert!(handshake(&acceptor, &trust, "new.example").await.1.is_ok(), "what was there stays");
}

#[test]
fn files_that_cannot_be_used_are_told_apart() {
    let site = Site::new();
    site.issue("localhost");
    let key = std::fs::read_to_string(site.path("key.pem")).unwrap();
    site.issue("localhost");
    let own = std::fs::read_to_string(site.path("key.pem")).unwrap();
    site.write("key.pem", &key, 0o600);
    assert!(matches!(site.identity(), Err(TlsError::Certificate { .. })), "the key of another certificate");
    site.write(
        "key.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        0o600,
    );
    assert!(matches!(site.identity(), Err(TlsError::NoKey(_))));
    site.write("key.pem", &"x".repeat(2 << 20), 0o600);
    assert!(matches!(site.identity(), Err(TlsError::TooLong(_))));
    site.write("key.pem", &own, 0o600);
    assert!(site.identity().is_ok());
    site.write("cert.pem", &own, 0o600);
    assert!(matches!(site.identity(), Err(TlsError::NoCertificate(_))));
    std::fs::remove_file(site.path("key.pem")).unwrap();
    site.issue("localhost");
    std::fs::remove_file(site.path("key.pem")).unwrap();
    assert!(matches!(site.identity(), Err(TlsError::Read { .. })));
}

#[test]
fn root_takes_no_key_that_others_can_read_or_change() {
    let site = Site::new();
    site.issue("localhost");
    let key = std::fs::read_to_string(site.path("key.pem")).unwrap();
    let load = |is_root| Identity::load_as(&site.path("cert.pem"), &site.path("key.pem"), is_root);
    let is_ours = nix::unistd::geteuid().is_root();
    for (mode, is_safe) in
        [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o660, false), (0o604, false)]
    {
        site.write("key.pem", &key, mode);
        let loaded = load(true);
        assert_eq!(loaded.is_ok(), is_safe && is_ours, "{mode:o}");
        assert!(loaded.is_ok() || matches!(loaded, Err(TlsError::ExposedKey(_))));
        assert!(load(false).is_ok(), "{mode:o}");
    }
}

#[test]
fn nothing_shows_a_key() {
    let site = Site::new();
    site.issue("localhost");
    let shown = format!("{:?}", site.identity().unwrap());
    let key = std::fs::read_to_string(site.path("key.pem")).unwrap();
    assert!(key.lines().all(|line| !shown.contains(line)), "{shown}");
}
