//! Whole sessions, scripted: does what should not happen reach the server?

mod example;
mod incidents;
mod orders;
mod ordinary;
mod shared;
mod tasks;

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::*;
use crate::json::Limits;
use crate::mcp::{Decoded, decode};
use crate::policy::{Context, Effect, Evaluation, Policy, Principal, Request, Transport};
use crate::session::Session;

const DEFAULT: &str = include_str!("../../../../policies/default.yaml");

/// A session under a policy, with the detectors of sessions alone: no text decides.
struct Script {
    session: Session,
    watch: Watch,
    policy: Policy,
    context: Context,
    id: u64,
    now_us: u64,
    /// What the ids of its decisions begin with.
    label: &'static str,
    /// Of the last message.
    origins: Vec<String>,
}

/// What became of a call.
#[derive(Debug)]
struct Came {
    reaches: bool,
    kinds: Vec<&'static str>,
}

impl Script {
    /// With a server called `name` that offers `tools`: names with their parameters.
    fn new(policy: &str, name: &str, tools: &[(&str, &[&str])]) -> Self {
        let tools = tools.iter().map(|(name, parameters)| {
            let properties: serde_json::Map<_, _> =
                parameters.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
            json!({"name": name, "inputSchema": {"type": "object", "properties": properties}})
        });
        Self::offering(policy, name, &json!({"tools": tools.collect::<Vec<_>>()}))
    }

    fn offering(policy: &str, name: &str, list: &Json) -> Self {
        let context = Context {
            server: "server".into(),
            upstream: None,
            transport: Transport::Stdio,
            principal: Principal::default(),
            client: None,
            tapped: None,
        };
        let policy = Policy::parse(policy).unwrap_or_else(|error| panic!("{error}"));
        let (session, watch) = (Session::new(), Watch::default());
        let (label, origins) = ("decision", Vec::new());
        let mut script = Self { session, watch, policy, context, id: 0, now_us: 0, label, origins };
        let info = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": name, "version": "1"}});
        script.ask("initialize", &json!({"protocolVersion": "2025-06-18"}));
        script.answer(&info);
        script.ask("tools/list", &json!({}));
        script.answer(list);
        script
    }

    fn send(&mut self, direction: Direction, message: &Json) -> Came {
        let bytes = Bytes::from(message.to_string());
        let Ok(Decoded::One(message)) = decode(bytes, &Limits::default()) else { panic!("{message}") };
        let standing = self.session.look(direction, &message, false);
        assert_eq!(standing.violation, None, "{message:?}");
        let request = Request {
            direction,
            message: &message,
            answers: standing.answers.as_ref(),
            revision: standing.revision,
            task_tool: standing.task_tool.as_deref(),
            context: &self.context,
        };
        let evaluation = self.policy.evaluate(&request);
        let wants = self.policy.wants(&request);
        let wanted = evaluation.inspected_by(wants);
        let tool = request.tool();
        let tool = tool.as_deref().or(standing.task_tool.as_deref());
        let view = View {
            direction,
            message: &message,
            server: &self.context.server,
            answers: request.answers.map(|open| &*open.method),
            revision: request.revision,
            tool,
            granted: self.policy.granted(&request, tool),
            strict: self.policy.has_strict_schemas(),
            shared: self.policy.shares_flow(),
            wanted: wants,
            now_us: self.now_us,
        };
        let Watched { list, origins } =
            if wanted.is_empty() { Watched::default() } else { self.watch.look(&view) };
        self.origins = origins.iter().map(|origin| origin.to_string()).collect();
        let kinds = list.iter().map(|finding| finding.kind).collect();
        let findings = crate::detect::Findings { list, is_complete: true };
        let Evaluation { effect, .. } = self.policy.weigh(&request, evaluation, wanted, findings);
        let reaches = matches!(effect, Effect::Allow | Effect::Redact(_));
        if reaches {
            self.session.passed(direction, &message, &[], "decision", self.now_us);
            self.watch.passed(&view, &format!("{}-{}", self.label, self.id), false);
        } else {
            self.watch.refused(&view);
            message.id().into_iter().for_each(|id| self.session.closed(direction, id));
        }
        Came { reaches, kinds }
    }

    fn ask(&mut self, method: &str, params: &Json) -> Came {
        self.id += 1;
        let message = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        self.send(Direction::ToServer, &message)
    }

    fn answer(&mut self, result: &Json) -> Came {
        let message = json!({"jsonrpc": "2.0", "id": self.id, "result": result});
        self.send(Direction::ToClient, &message)
    }

    /// A call, whether or not it reaches the server.
    fn call(&mut self, tool: &str, arguments: &Json) -> Came {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// A call that reaches the server and is answered with `text`.
    fn reads(&mut self, tool: &str, arguments: &Json, text: &str) {
        let came = self.call(tool, arguments);
        assert!(came.reaches, "{tool}: {came:?}");
        self.answer(&json!({"content": [{"type": "text", "text": text}]}));
    }
}
