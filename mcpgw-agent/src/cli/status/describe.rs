//! A server in words: what the table's cells and the live list's lines say of it.

use jiff::Timestamp;

use crate::cli::text::Style;
use crate::inventory::{ServerState, ServerView, Transport, program};

/// Its name for itself and its version, or what its command makes one think it is, marked with `?`.
pub(in crate::cli) fn name(server: &ServerView) -> String {
    match &server.server_info {
        Some(info) if info.version.is_empty() => info.name.clone(),
        Some(info) => format!("{} {}", info.name, info.version),
        None => match program(&server.command).or_else(|| base_name(&server.exe)) {
            Some(guess) => format!("{guess}?"),
            None => "?".to_owned(),
        },
    }
}

pub(in crate::cli) fn state(state: ServerState) -> &'static str {
    match state {
        ServerState::Unproxied => "unproxied",
        ServerState::Unknown => "unknown",
        ServerState::Candidate => "candidate",
        ServerState::Allowed => "allowed",
        ServerState::Proxied => "proxied",
    }
}

pub(in crate::cli) fn style(state: ServerState) -> Style {
    match state {
        ServerState::Unproxied => Style::Bad,
        ServerState::Unknown => Style::Warn,
        ServerState::Candidate => Style::Dim,
        ServerState::Allowed | ServerState::Proxied => Style::Good,
    }
}

pub(in crate::cli) fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Stdio => "stdio",
        Transport::Http => "http",
        Transport::Sse => "sse",
        Transport::Unix => "unix",
    }
}

/// The program on the client side: its name for itself, or its executable's.
pub(in crate::cli) fn client(server: &ServerView) -> Option<String> {
    let client = server.client.as_ref()?;
    let named = client.name.clone().filter(|name| !name.is_empty());
    Some(named.or_else(|| base_name(&client.exe)).unwrap_or_else(|| format!("pid {}", client.pid)))
}

/// How long ago the process started, or that it ended and how long ago.
pub(in crate::cli) fn since(server: &ServerView, now: Timestamp) -> String {
    match server.ended_at {
        Some(ended) => format!("ended {}", ago(ended, now)),
        None => ago(server.start_time, now),
    }
}

/// A command line as one could type it. Not to be typed unseen: it is for reading.
pub(in crate::cli) fn command(words: &[String]) -> String {
    let plain = |word: &String| {
        !word.is_empty()
            && !word.contains(|c: char| c.is_whitespace() || c.is_control() || "'\"\\;|&<>()$`*?".contains(c))
    };
    let quote =
        |word: &String| if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.as_second().saturating_sub(then.as_second()).max(0) {
        seconds @ 0..=59 => format!("{seconds}s"),
        seconds @ 60..=3_599 => format!("{}m", seconds / 60),
        seconds @ 3_600..=86_399 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

pub(super) fn base_name(path: &str) -> Option<String> {
    path.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::status::tests::server;

    #[test]
    fn time_is_told_in_its_largest_unit() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        for (seconds, told) in [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3599, "59m"),
            (7200, "2h"),
            (86_399, "23h"),
            (400_000, "4d"),
        ] {
            let then = Timestamp::from_second(now.as_second() - seconds).unwrap();
            assert_eq!(ago(then, now), told, "{seconds}");
        }
    }

    #[test]
    fn commands_are_quoted_where_words_would_be_lost() {
        let words =
            |words: &[&str]| command(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            words(&["npx", "-y", "@scope/server@1.0", "/srv/data"]),
            "npx -y @scope/server@1.0 /srv/data"
        );
        assert_eq!(words(&["sh", "-c", "a && b", "", "it's"]), r"sh -c 'a && b' '' 'it'\''s'");
    }

    #[test]
    fn names_fall_back_from_what_was_said_to_what_can_be_seen() {
        let mut server = server("1", ServerState::Unproxied);
        assert_eq!(name(&server), "everything 1.0.0");
        server.server_info = None;
        server.command = vec!["uvx".to_owned(), "mcp-server-time".to_owned()];
        assert_eq!(name(&server), "mcp-server-time?");
        server.command.clear();
        assert_eq!(name(&server), "node?");
        server.exe.clear();
        assert_eq!(name(&server), "?");

        assert_eq!(client(&server).as_deref(), Some("claude-code"));
        server.client.as_mut().unwrap().name = None;
        assert_eq!(client(&server).as_deref(), Some("claude"));
        server.client = None;
        assert_eq!(client(&server), None);
    }
}
