//! A guardrail that speaks Presidio's analyzer API, on a port of its own: it knows people called Ann.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// What it does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Answers.
    Well,
    /// Answers 500.
    Ill,
    /// Answers when it is told to.
    Slow,
}

/// The analyzer. Its threads end with the test.
pub(crate) struct Analyzer {
    pub(crate) address: SocketAddr,
    /// What it was asked about.
    pub(crate) asked: Receiver<String>,
    mood: Arc<Mutex<Mood>>,
    /// Lets a slow one answer.
    pub(crate) go: Sender<()>,
}

impl Analyzer {
    pub(crate) fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ((tell, asked), (go, told)) = (channel(), channel());
        let (mood, told) = (Arc::new(Mutex::new(mood)), Arc::new(Mutex::new(told)));
        let moods = Arc::clone(&mood);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (tell, moods, told) = (tell.clone(), Arc::clone(&moods), Arc::clone(&told));
                thread::spawn(move || serve(stream, &tell, &moods, &told));
            }
        });
        Self { address, asked, mood, go }
    }

    pub(crate) fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// A configuration with this guardrail and `more` of its keys, and the policy and log at these paths.
    pub(crate) fn config(&self, policy: &str, log: &str, more: &str) -> String {
        format!(
            "gateway:\n  policy: {policy}\n  audit: {{path: {log}}}\n  guardrails:\n    - name: analyzer\n      \
             preset: presidio\n      url: http://{}/analyze\n{more}",
            self.address
        )
    }
}

/// Everything may pass but the tool `deny`; what the guardrail finds is replaced, and so are secrets.
pub(crate) const POLICY: &str = r#"version: v1
mode: enforce
rules:
  - name: no-deny
    action: deny
    match: {methods: [tools/call], tools: [deny]}
  - name: rest
    action: allow
    match: {methods: ["*"]}
detectors:
  external: redact
  secrets: redact
"#;

fn serve(stream: TcpStream, tell: &Sender<String>, mood: &Mutex<Mood>, told: &Mutex<Receiver<()>>) {
    let mut out = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(text) = question(&mut reader) {
        let answer = people(&text);
        tell.send(text).ok();
        let mood = *mood.lock().unwrap();
        if mood == Mood::Slow {
            told.lock().unwrap().recv().ok();
        }
        let (status, body) = match mood {
            Mood::Well | Mood::Slow => ("200 OK", answer),
            Mood::Ill => ("500 Internal Server Error", r#"{"error":"out of order"}"#.to_owned()),
        };
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        if write!(out, "{head}\r\n\r\n{body}").is_err() {
            return;
        }
    }
}

/// The text of the next question.
fn question(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).ok().filter(|length| *length > 0)?;
    }
    assert!(head.starts_with("POST /analyze HTTP/1.1\r\n"), "{head}");
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1)?.lines().next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["language"], "en");
    Some(body["text"].as_str().unwrap().to_owned())
}

/// Everybody called Ann, as Presidio says it: places count characters.
fn people(text: &str) -> String {
    let entity = |(at, _): (usize, &str)| {
        let start = text.get(..at).unwrap().chars().count();
        serde_json::json!({
            "analysis_explanation": null, "entity_type": "PERSON", "start": start, "end": start + 3, "score": 0.85,
        })
    };
    serde_json::Value::Array(text.match_indices("Ann").map(entity).collect()).to_string()
}
