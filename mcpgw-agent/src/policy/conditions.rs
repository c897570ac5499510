//! A rule's `match:`: all of it must hold, and of a list one element.

use std::sync::Arc;

use super::argument::{ArgumentCondition, Held};
use super::effort::Effort;
use super::facts::{Arguments, Facts};
use super::glob::Glob;
use super::request::Transport;
use super::text::{Readings, Side};
use super::when::When;
use crate::mcp::Direction;

/// What a message must be for a rule to match. A list that is `None` is not asked for.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// `methods`: globs on the method; of an answer, on that of the request it answers. Every rule has it.
    pub(super) methods: Box<[Glob]>,
    /// `directions`: `c2s` and `s2c`. Only a rule that has it speaks of answers.
    pub(super) directions: Option<Box<[Direction]>>,
    /// `tools`: globs on a tool's name. Limits the rule to tool calls (and answers to them).
    pub(super) tools: Option<Box<[Glob]>>,
    /// `prompts`: globs on a prompt's name. Limits the rule to messages that name one.
    pub(super) prompts: Option<Box<[Glob]>>,
    /// `resources`: globs on URIs, as written and in their shortest form. Limits the rule to messages that name one.
    pub(super) resources: Option<Box<[Glob]>>,
    /// `servers`: globs on the server's name, exactly as it is.
    pub(super) servers: Option<Box<[Glob]>>,
    /// `transports`: `stdio`, `http` and `sse`.
    pub(super) transports: Option<Box<[Transport]>>,
    /// `clients`: globs on the path of the client's program; never match where it is not known.
    pub(super) clients: Option<Box<[Glob]>>,
    /// `revisions`: globs on the protocol revision; never match where it is not known.
    pub(super) revisions: Option<Box<[Glob]>>,
    /// `subjects`: globs on the authenticated subject; never match whoever has not authenticated.
    pub(super) subjects: Option<Box<[Glob]>>,
    /// `roles`: globs on the subject's roles, one of which must match.
    pub(super) roles: Option<Box<[Glob]>>,
    /// `arguments` and `argument_patterns`. Limit the rule to calls of tools and prompts.
    pub(super) arguments: Vec<ArgumentCondition>,
    /// `when`: a CEL expression.
    pub(super) when: Option<When>,
}

/// Whether a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checked {
    Yes,
    /// It depends on what is not known: only where [`Arguments::Any`] are asked for.
    Maybe,
    No(Miss),
    /// Nothing speaks against it but a condition that cannot be evaluated.
    Error(Miss, Box<str>),
}

/// The condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Miss {
    /// A list, by its key.
    List(&'static str),
    /// An answer, and the rule has no `directions`.
    Answer,
    /// An argument; `true` where there is none of that name.
    Argument(Arc<str>, bool),
    When,
}

impl Miss {
    /// The condition's key.
    pub(super) fn key(&self) -> Box<str> {
        match self {
            Self::List(key) => (*key).into(),
            Self::Answer => "directions".into(),
            Self::Argument(name, _) => format!("arguments.{name}").into(),
            Self::When => "when".into(),
        }
    }
}

impl Conditions {
    pub(super) fn check(&self, facts: &Facts<'_>, side: Side) -> Checked {
        if let Some(miss) = self.check_circumstances(facts) {
            return Checked::No(miss);
        }
        if let Err(why) = facts.effort.spend(1, 0) {
            return Checked::Error(Miss::List("methods"), why.to_string().into());
        }
        let mut doubt = None;
        let names = [
            ("methods", Some(&self.methods), facts.method.as_slice()),
            ("tools", self.tools.as_ref(), facts.tool.as_slice()),
            ("prompts", self.prompts.as_ref(), facts.prompt.as_slice()),
            ("resources", self.resources.as_ref(), facts.resources.as_slice()),
        ];
        for (key, globs, texts) in names {
            let Some(globs) = globs else { continue };
            if key == "tools" && facts.is_of_some_tool && side == Side::Wide {
                continue;
            }
            match names_match(texts, globs, side, &facts.effort) {
                Ok(true) => {}
                Ok(false) => return Checked::No(Miss::List(key)),
                Err(why) => doubt = Some((Miss::List(key), why)),
            }
        }
        let checked = self.check_content(facts, side);
        match (checked, doubt) {
            (Checked::Yes | Checked::Maybe, Some((miss, why))) => Checked::Error(miss, why),
            (checked, _) => checked,
        }
    }

    /// What does not depend on what the peers write.
    fn check_circumstances(&self, facts: &Facts<'_>) -> Option<Miss> {
        let context = facts.context;
        match &self.directions {
            Some(directions) if !directions.contains(&facts.direction) => {
                return Some(Miss::List("directions"));
            }
            None if facts.is_answer => return Some(Miss::Answer),
            Some(_) | None => {}
        }
        if self.transports.as_ref().is_some_and(|transports| !transports.contains(&context.transport)) {
            return Some(Miss::List("transports"));
        }
        let principal = &context.principal;
        let lists = [
            ("servers", &self.servers, Some(&*context.server)),
            ("clients", &self.clients, context.client.as_deref()),
            ("revisions", &self.revisions, facts.revision.map(crate::mcp::Revision::as_str)),
            ("subjects", &self.subjects, principal.subject.as_deref()),
        ];
        for (key, globs, text) in lists {
            let Some(globs) = globs else { continue };
            if !text.is_some_and(|text| is_one_of(globs, text)) {
                return Some(Miss::List(key));
            }
        }
        let roles = self.roles.as_ref()?;
        let held = principal.roles.iter().any(|role| is_one_of(roles, role));
        (!held).then_some(Miss::List("roles"))
    }

    fn check_content(&self, facts: &Facts<'_>, side: Side) -> Checked {
        let asks = !self.arguments.is_empty();
        let arguments = match facts.arguments {
            Arguments::Any if asks || self.when.is_some() => return Checked::Maybe,
            Arguments::Any => None,
            Arguments::Known(arguments) => arguments,
        };
        // Of a message that can have no arguments, none is missing.
        if let (true, false, Some(first)) = (asks, facts.takes_arguments, self.arguments.first()) {
            return Checked::No(Miss::Argument(first.name.clone(), true));
        }
        let mut doubt = None;
        for condition in &self.arguments {
            let miss = |missing| Miss::Argument(condition.name.clone(), missing);
            match condition.holds(arguments, facts, side) {
                Ok(Held::Yes) => {}
                Ok(Held::Missing) => return Checked::No(miss(true)),
                Ok(Held::No) => return Checked::No(miss(false)),
                Err(why) => doubt = Some((miss(false), Box::from(why.to_string()))),
            }
        }
        match self.when.as_ref().map(|when| when.holds(facts, side)) {
            Some(Ok(false)) => return Checked::No(Miss::When),
            Some(Err(why)) => doubt = Some((Miss::When, why)),
            Some(Ok(true)) | None => {}
        }
        doubt.map_or(Checked::Yes, |(miss, why)| Checked::Error(miss, why))
    }
}

fn is_one_of(globs: &[Glob], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}

/// Whether `texts` match `globs`: one of them where that restricts, all where it permits; never, where there is none.
fn names_match(
    texts: &[Readings<'_>],
    globs: &[Glob],
    side: Side,
    effort: &Effort,
) -> Result<bool, Box<str>> {
    let mut doubt = None;
    for text in texts {
        let matched = text.match_globs(globs, side);
        effort
            .spend(super::glob::looks(globs) * text.seen(), text.raw().len())
            .map_err(|why| why.to_string())?;
        match (side, matched) {
            (Side::Wide, Ok(true)) => return Ok(true),
            (Side::Strict, Ok(false)) => return Ok(false),
            (Side::Wide, Ok(false)) | (Side::Strict, Ok(true)) => {}
            (_, Err(why)) => doubt = Some(Box::from(why.to_string())),
        }
    }
    doubt.map_or(Ok(side == Side::Strict && !texts.is_empty()), Err)
}
