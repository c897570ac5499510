//! Spellings of addresses within, and addresses that are none.

use std::sync::LazyLock;

use super::*;
use crate::detect::Inspector;
use crate::detect::tests::argument;

static ONLY: LazyLock<Inspector> = LazyLock::new(|| Inspector::new(vec![Box::new(Ssrf)]));

fn found(key: &str, text: &str) -> Option<(&'static str, f32)> {
    argument(&ONLY, key, text)
}

#[test]
fn metadata_is_found_in_every_spelling() {
    for text in [
        "http://169.254.169.254/latest/meta-data/",
        "HTTP://169.254.169.254",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0xA9.0xFE.0xA9.0xFE/",
        "http://0251.0376.0251.0376/",
        "http://0251.254.0xa9.254/",
        "http://169.254.43518/",
        "http://169.16689662/",
        "http://425.510.425.510/",
        "http://169.254.169.254./",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
        "http://[::169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[::ffff:0:a9fe:a9fe]/",
        "http://[fd00:ec2::254]/latest/",
        "http://[fd00:0ec2:0:0:0:0:0:254]/",
        "http://good.example@169.254.169.254/",
        "http://good.example:x@169.254.169.254/",
        "http://169.254.169.254@good.example/",
        "http://good.example\\@169.254.169.254/",
        "http://good.example#@169.254.169.254/",
        "http://good.example?@169.254.169.254/",
        "http:169.254.169.254/",
        "http:/169.254.169.254/",
        "http:\\\\169.254.169.254\\latest",
        "http:///169.254.169.254/",
        "ht\ttp://169.254.169.254/",
        "http://169.254\n.169.254/",
        " http://169.254.169.254/ ",
        "http://169%2e254%2e169%2e254/",
        "http://%31%36%39.254.169.254/",
        "http%3A%2F%2F169.254.169.254%2F",
        "http://169。254。169。254/",
        "http://１６９.２５４.１６９.２５４/",
        "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/",
        "http://169.254.169.254:80/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://metadata.google.internal./",
        "http://METADATA.google.INTERNAL/",
        "http://metadata/",
        "http://metadata.goog/",
        "http://instance-data/latest/",
        "http://100.100.100.200/latest/",
        "http://192.0.0.192/opc/",
        "http://168.63.129.16/",
        "http://169.254.170.2/v2/credentials",
        "http://169.254.169.254.nip.io/",
        "http://169-254-169-254.sslip.io/",
        "http://a9fea9fe.nip.io/",
        "http://x.169-254-169-254.nip.io/",
        "gopher://169.254.169.254:80/_GET",
        "ftp://169.254.169.254/",
        "https://example.com/fetch?url=http://169.254.169.254/",
        "https://example.com/fetch?url=http%3A%2F%2F169.254.169.254%2F",
        "169.254.169.254/latest/meta-data",
        "//169.254.169.254/latest",
        "aHR0cDovLzE2OS4yNTQuMTY5LjI1NC9sYXRlc3QvbWV0YS1kYXRhLw==",
    ] {
        let found = found("url", text);
        assert!(found.is_some_and(|(_, score)| score >= 0.9), "{text:?} {found:?}");
    }
}

#[test]
fn addresses_within_are_found_and_hidden_ones_are_worse() {
    for (text, kind) in [
        ("http://10.0.0.1/", "private_address"),
        ("http://172.16.0.1:8080/", "private_address"),
        ("http://192.168.1.1/admin", "private_address"),
        ("http://100.64.0.1/", "private_address"),
        ("http://[fd12:3456::1]/", "private_address"),
        ("http://[fec0::1]/", "private_address"),
        ("http://169.254.1.1/", "link_local_address"),
        ("http://[fe80::1%25eth0]/", "link_local_address"),
        ("http://[fe80::1]/", "link_local_address"),
        ("http://db.corp.internal/", "internal_name"),
        ("http://kubernetes.default.svc/api", "internal_name"),
        ("http://10.0.0.1.nip.io/", "rebinding_name"),
        ("http://app.127-0-0-1.sslip.io/", "rebinding_name"),
        ("http://7f000001.c0a80001.rbndr.us/", "rebinding_name"),
        ("http://x.localtest.me/", "rebinding_name"),
        ("http://lvh.me:3000/", "rebinding_name"),
        ("http://2130706433/", "hidden_address"),
        ("http://0x7f000001/", "hidden_address"),
        ("http://0177.0.0.1/", "hidden_address"),
        ("http://017700000001/", "hidden_address"),
        ("http://127.1/", "hidden_address"),
        ("http://127.0.1/", "hidden_address"),
        ("http://0/", "hidden_address"),
        ("http://010.0.0.1/", "hidden_address"),
        ("http://127.0.0.1./", "hidden_address"),
        ("http://localhost./", "hidden_address"),
        ("http://[::ffff:127.0.0.1]/", "hidden_address"),
        ("http://[::ffff:7f00:1]/", "hidden_address"),
        ("http://[2002:7f00:1::]/", "hidden_address"),
        ("http://[2001:0:1234::80ff:fffe]/", "hidden_address"),
        ("http://[fe80::5efe:10.0.0.1]/", "hidden_address"),
        ("http://good.example@127.0.0.1/", "hidden_address"),
        ("http://127.0.0.1\u{3002}/", "hidden_address"),
        ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "hidden_address"),
        ("http://loc%61lhost/", "hidden_address"),
        ("file:///etc/passwd", "local_scheme"),
        ("dict://example.com:11211/stat", "local_scheme"),
        ("gopher://example.com:6379/_x", "local_scheme"),
    ] {
        let found = found("url", text);
        assert!(found.is_some_and(|(found, score)| found == kind && score >= 0.5), "{text:?} {found:?}");
    }
}

#[test]
fn a_developers_own_server_counts_little() {
    for text in [
        "http://localhost:3000/",
        "http://127.0.0.1:8080/x",
        "http://[::1]:8080/",
        "http://app.localhost/",
        "http://0.0.0.0:80",
    ] {
        assert!(
            found("url", text).is_some_and(|(kind, score)| kind == "loopback_address" && score < 0.5),
            "{text}"
        );
    }
    for (key, text) in [
        ("host", "127.0.0.1"),
        ("command", "curl -s http://localhost:3000/health && curl http://192.168.1.4"),
        ("content", "The metadata service is at http://169.254.169.254/latest."),
        ("query", "how to reach http://10.0.0.1"),
        ("database_url", "postgres://app:pw@localhost:5432/app"),
        ("input", "IMDS lives at http://169.254.169.254/ on AWS"),
    ] {
        assert!(
            found(key, text).is_some_and(|(_, score)| score < 0.5),
            "{key} {text} {:?}",
            found(key, text)
        );
    }
}

#[test]
fn the_internet_is_no_address_within() {
    for text in [
        "https://example.com/",
        "https://example.com/a?b=127.0.0.1&email=ann@10.example.com",
        "http://8.8.8.8/",
        "http://172.32.0.1/",
        "http://1.1.1.1/",
        "https://[2606:4700:4700::1111]/",
        "https://user:pw@example.com/",
        "https://internal.example.com/metadata",
        "https://localhost.example.com/",
        "https://93.184.216.34.nip.io/",
        "postgres://metadata:pw@db.example.com/x",
        "test://static-text",
        "mailto:ann@example.com",
        "docs/readme.md",
        "12 Main Street",
        "",
    ] {
        assert_eq!(found("url", text), None, "{text}");
    }
    for (key, text) in
        [("id", "2130706433"), ("version", "10.0.0.1"), ("server", "1"), ("host", "db"), ("port", "8080")]
    {
        assert_eq!(found(key, text), None, "{key}");
    }
}

#[test]
fn a_host_or_a_command_says_it_without_a_scheme() {
    for (key, text) in [
        ("host", "169.254.169.254"),
        ("hostname", "metadata.google.internal"),
        ("server", "2852039166"),
        ("host", "[::ffff:a9fe:a9fe]:80"),
        ("host", "fd00:ec2::254"),
        ("target", "169.254.169.254"),
        ("command", "curl http://169.254.169.254/latest/meta-data/iam"),
    ] {
        assert!(
            found(key, text).is_some_and(|(_, score)| score >= 0.9),
            "{key} {text} {:?}",
            found(key, text)
        );
    }
    assert!(found("host", "10.1.2.3").is_some_and(|(_, score)| score >= 0.5));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in "(http|file|x)?:?/{0,2}[0-9a-fx.:@\\[\\]%\\\\#?,/ 。１é-]{0,60}", key in "(url|host|command|input)") {
        let mut hits = Vec::new();
        let place = Place { surface: Surface::Arguments, role: Role::Argument, key: &key, tool: None };
        Ssrf.find(&text, &place, &Noticed { needles: &[], digits: &[], tokens: &[], words: &[], respaced: false, may_have_at: true }, &mut hits);
        for hit in hits {
            proptest::prop_assert!(text.get(hit.range).is_some() && (0.0..=1.0).contains(&hit.score));
        }
    }
}
