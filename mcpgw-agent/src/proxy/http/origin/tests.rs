use super::*;

fn guard(listen: &str, hosts: &[&str], origins: &[&str]) -> Guard {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    Guard::new(listen.parse().unwrap(), &owned(hosts), &owned(origins)).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse::<HeaderValue>().unwrap())).collect()
}

fn check(guard: &Guard, pairs: &[(&'static str, &str)]) -> Result<(), Refusal> {
    guard.check(&headers(pairs), &"/mcp".parse().unwrap())
}

#[test]
fn on_loopback_only_loopback_is_served() {
    let guard = guard("127.0.0.1:8080", &[], &[]);
    for host in [
        "127.0.0.1",
        "127.0.0.1:8080",
        "127.9.9.9",
        "localhost",
        "LOCALHOST:1",
        "[::1]:8080",
        "[::ffff:127.0.0.1]",
    ] {
        assert_eq!(check(&guard, &[("host", host)]), Ok(()), "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "localhost.",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[fe80::1]",
        "0.0.0.0",
    ] {
        assert_eq!(check(&guard, &[("host", host)]), Err(Refusal::Host), "{host}");
    }
}

#[test]
fn a_request_names_one_host() {
    let guard = guard("127.0.0.1:8080", &[], &[]);
    for host in [
        "",
        "localhost, evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost:80:80",
        "localhost:",
        "localhost:99999",
        "localhost:+80",
        "localhost/x",
        "http://localhost",
        "a b",
        "[::1",
        "[::1%25lo]",
        "[::1%lo]:80",
    ] {
        assert!(check(&guard, &[("host", host)]).is_err(), "{host}");
    }
    assert_eq!(check(&guard, &[]), Err(Refusal::NoHost));
    assert_eq!(check(&guard, &[("host", "localhost"), ("host", "localhost")]), Err(Refusal::NoHost));
    let absolute = |target: &str, host| guard.check(&headers(&[("host", host)]), &target.parse().unwrap());
    assert_eq!(absolute("http://localhost:8080/mcp", "LOCALHOST:8080"), Ok(()));
    assert_eq!(absolute("http://evil.example/mcp", "localhost"), Err(Refusal::NoHost));
    assert_eq!(absolute("http://localhost/mcp", "evil.example"), Err(Refusal::NoHost));
    assert_eq!(absolute("http://localhost:1/mcp", "localhost:2"), Err(Refusal::NoHost));
}

#[test]
fn forwarded_hosts_are_nobodys_word() {
    let guard = guard("127.0.0.1:8080", &[], &[]);
    for name in ["forwarded", "x-forwarded-host", "x-host"] {
        assert_eq!(check(&guard, &[("host", "evil.example"), (name, "localhost")]), Err(Refusal::Host));
        assert_eq!(check(&guard, &[("host", "localhost"), (name, "evil.example")]), Ok(()));
    }
}

#[test]
fn other_listeners_answer_to_their_address_and_configured_names() {
    let one = guard("10.0.0.7:80", &["gw.example", "gw2.example:8443"], &[]);
    for (host, served) in [
        ("10.0.0.7", Ok(())),
        ("10.0.0.8", Err(Refusal::Host)),
        ("localhost", Err(Refusal::Host)),
        ("127.0.0.1", Err(Refusal::Host)),
        ("GW.example:9", Ok(())),
        ("gw2.example:8443", Ok(())),
        ("gw2.example", Err(Refusal::Host)),
        ("gw.example.evil", Err(Refusal::Host)),
    ] {
        assert_eq!(check(&one, &[("host", host)]), served, "{host}");
    }
    let all = guard("0.0.0.0:80", &[], &[]);
    assert_eq!(check(&all, &[("host", "10.1.2.3")]), Ok(()), "a page cannot make an address its own");
    assert_eq!(check(&all, &[("host", "localhost")]), Ok(()));
    assert_eq!(check(&all, &[("host", "evil.example")]), Err(Refusal::Host));
}

#[test]
fn an_origin_is_one_of_ours_or_absent() {
    let guard =
        guard("127.0.0.1:8080", &["gw.example"], &["https://App.example:444", "vscode-webview://abc"]);
    for (origin, allowed) in [
        ("http://localhost:3000", true),
        ("https://127.0.0.1", true),
        ("http://[::1]:5", true),
        ("https://gw.example", true),
        ("https://app.example:444", true),
        ("http://app.example:444", false),
        ("https://app.example", false),
        ("vscode-webview://abc", true),
        ("vscode-webview://localhost", false),
        ("http://evil.example", false),
        ("http://localhost.evil.example", false),
        ("http://localhost@evil.example", false),
        ("http://evil.example@localhost", false),
        ("null", false),
        ("", false),
        ("localhost", false),
        ("http://", false),
        ("file://", false),
        ("http://localhost/", false),
        ("http://localhost http://evil.example", false),
        ("http://localhost, http://evil.example", false),
    ] {
        let expected = if allowed { Ok(()) } else { Err(Refusal::Origin) };
        assert_eq!(check(&guard, &[("host", "localhost"), ("origin", origin)]), expected, "{origin}");
    }
    let twice = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://localhost")];
    assert_eq!(check(&guard, &twice), Err(Refusal::Origin));
}

#[test]
fn beyond_loopback_a_page_of_the_visitors_machine_is_foreign() {
    let guard = guard("0.0.0.0:8080", &[], &[]);
    let from = |origin| check(&guard, &[("host", "10.0.0.7:8080"), ("origin", origin)]);
    assert_eq!(from("http://localhost:3000"), Err(Refusal::Origin));
    assert_eq!(from("http://10.0.0.8:8080"), Err(Refusal::Origin));
    assert_eq!(from("http://10.0.0.7"), Err(Refusal::Origin));
    assert_eq!(from("http://10.0.0.7:8080"), Ok(()));
}

#[test]
fn what_a_browser_calls_cross_site_is_refused_without_an_origin_too() {
    let guard = guard("127.0.0.1:8080", &[], &[]);
    let fetch = |site| check(&guard, &[("host", "localhost"), ("sec-fetch-site", site)]);
    assert_eq!(fetch("cross-site"), Err(Refusal::Origin));
    assert_eq!(fetch("none"), Ok(()));
}

#[test]
fn names_are_read_when_configured() {
    for bad in ["", "http://x", "x@y", "a b", "x:port"] {
        assert!(Guard::new(([127, 0, 0, 1], 1).into(), &[bad.to_owned()], &[]).is_err(), "{bad}");
    }
    for bad in ["", "x", "*", "http://", "http://x/", "null"] {
        assert!(Guard::new(([127, 0, 0, 1], 1).into(), &[], &[bad.to_owned()]).is_err(), "{bad}");
    }
}

#[test]
fn each_refusal_has_its_status() {
    let statuses = [Refusal::NoHost, Refusal::Host, Refusal::Origin].map(|refusal| refusal.status().as_u16());
    assert_eq!(statuses, [400, 421, 403]);
}
