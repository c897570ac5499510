//! Evaluating and explaining: the same walk over the same rules.

use super::conditions::{Checked, Miss};
use super::effort::Effort;
use super::explain::{Explanation, Outcome, Step};
use super::facts::Facts;
use super::rule::{Action, Rule};
use super::text::Side;
use super::{Effect, Evaluation, Mode, Policy, Request};
use crate::json::{Value, remove_elements};
use crate::mcp::{Asked, Direction, Message};

/// Where no rule matched.
const IMPLICIT_DENY: &str = "(implicit-deny)";
/// Where no rule matched what passes then.
const IMPLICIT_ALLOW: &str = "(implicit-allow)";

impl Policy {
    /// What it makes of `request`.
    pub fn evaluate(&self, request: &Request<'_>) -> Evaluation {
        self.whole(request, None)
    }

    /// What it makes of `request`, and which rules were looked at.
    pub fn explain(&self, request: &Request<'_>) -> Explanation {
        let mut steps = Vec::new();
        let evaluation = self.whole(request, Some(&mut steps));
        Explanation { evaluation, steps }
    }

    fn whole(&self, request: &Request<'_>, mut steps: Option<&mut Vec<Step>>) -> Evaluation {
        if self.is_built_in {
            return Evaluation::passing("(built-in)".into(), self.mode);
        }
        let evaluation = self.literally(request, steps.as_deref_mut());
        let evaluation = self.as_unpacked(request, evaluation, steps);
        self.as_answer_of_task(request, evaluation)
    }

    /// As it stands there.
    pub(super) fn literally(&self, request: &Request<'_>, steps: Option<&mut Vec<Step>>) -> Evaluation {
        let facts = Facts::of(request, &self.words);
        let mut evaluation = self.by_rules(&facts, request.message, steps);
        // A message within the message has what is left.
        let effort = facts.effort;
        if request.direction == Direction::ToServer {
            for (method, response) in request.message.answered_within() {
                let facts = Facts::of_response(request, &self.words, method, response);
                let facts = Facts { effort: effort.clone(), ..facts };
                evaluation = stronger(evaluation, self.by_rules(&facts, request.message, None));
            }
            return evaluation;
        }
        for Asked { method, params } in request.message.asked_within() {
            let Some(method) = method else {
                evaluation = stronger(
                    evaluation,
                    self.of_responses(Effect::Deny { as_result: false }, "(unreadable-request)".into()),
                );
                continue;
            };
            let facts = Facts::of_parts(request.direction, request.context, &self.words, &method, params);
            let facts = Facts { revision: request.revision, effort: effort.clone(), ..facts };
            let asked = self.by_rules(&facts, request.message, None);
            evaluation = stronger(evaluation, asked);
        }
        if let Some(number) = self.responses.forbidden(request.message) {
            let rule = format!("(response-pattern-{number})").into();
            evaluation = stronger(evaluation, self.of_responses(Effect::Deny { as_result: false }, rule));
        }
        if let Some(listed) = self.of_list(request, &effort) {
            evaluation = stronger(evaluation, listed);
        }
        evaluation
    }

    fn of_responses(&self, effect: Effect, rule: Box<str>) -> Evaluation {
        Evaluation { effect, ..Evaluation::passing(rule, self.mode) }
    }

    /// By the first rule that matches.
    pub(super) fn by_rules(
        &self,
        facts: &Facts<'_>,
        message: &Message,
        mut steps: Option<&mut Vec<Step>>,
    ) -> Evaluation {
        let mut dry_run = Vec::new();
        let mut errors: Vec<Box<str>> = Vec::new();
        for rule in self.rules.iter() {
            let (matched, checked) = matches(rule, facts);
            if let Checked::Error(miss, why) = &checked {
                errors.push(format!("{}: {}: {why}", rule.name, miss.key()).into());
            }
            if let Some(steps) = steps.as_deref_mut() {
                let outcome = Outcome::of(&checked, matched.is_some(), facts);
                steps.push(Step { rule: rule.name.clone(), dry_run: rule.dry_run, outcome });
            }
            let Some(action) = matched else { continue };
            let effect = effect(rule, action, message, facts.part);
            if rule.dry_run {
                dry_run.push((rule.name.clone(), effect));
                continue;
            }
            let mode = rule.mode.unwrap_or(self.mode);
            return Evaluation { effect, dry_run, errors, ..Evaluation::passing(rule.name.clone(), mode) };
        }
        let passes = facts.is_answer || facts.only_tells;
        let (effect, rule) = if passes {
            (Effect::Allow, IMPLICIT_ALLOW)
        } else {
            (Effect::Deny { as_result: false }, IMPLICIT_DENY)
        };
        Evaluation { effect, dry_run, errors, ..Evaluation::passing(rule.into(), self.mode) }
    }

    /// What a list of tools loses: the tools this client cannot call, whatever the arguments.
    fn of_list(&self, request: &Request<'_>, effort: &Effort) -> Option<Evaluation> {
        let tools = request.message.result()?.get("tools").filter(|tools| tools.is_array())?;
        let (mut enforced, mut observed) = (Vec::new(), Vec::new());
        for (position, tool) in tools.elements().enumerate() {
            let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
            match self.refuses(request, &name, effort) {
                Some(Mode::Enforce) => enforced.push(position),
                Some(Mode::Observe) => observed.push(position),
                None => {}
            }
        }
        let (positions, mode) = match (enforced.is_empty(), observed.is_empty()) {
            (false, _) => (enforced, Mode::Enforce),
            (true, false) => (observed, Mode::Observe),
            (true, true) => return None,
        };
        let effect = Effect::Redact(remove_elements(tools, &positions));
        Some(Evaluation { mode, ..self.of_responses(effect, "(tool-not-offered)".into()) })
    }

    /// Whether whoever sends, or is sent, `request` may see the tool `name` in a list: it may be called with some
    /// arguments, and `allowed_tools` has it. A rule that depends on arguments does not hide a tool it denies, and does
    /// not show one that a rule behind it denies whatever the arguments, unless it allows.
    #[must_use]
    pub fn offers(&self, request: &Request<'_>, name: &str) -> bool {
        self.refuses(request, name, &Effort::default()) != Some(Mode::Enforce)
    }

    /// The mode in which every call of the tool is refused; `None` where some call passes.
    fn refuses(&self, request: &Request<'_>, name: &str, effort: &Effort) -> Option<Mode> {
        if self.is_built_in {
            return None;
        }
        if !self.responses.offers(name) {
            return Some(self.mode);
        }
        let facts = Facts::of_any_call(request.context, &self.words, request.revision, name);
        let facts = Facts { effort: effort.clone(), ..facts };
        for rule in self.rules.iter().filter(|rule| !rule.dry_run) {
            match (matches(rule, &facts), rule.action) {
                ((Some(Action::Deny { .. }), _), _) => return Some(rule.mode.unwrap_or(self.mode)),
                ((Some(Action::Allow | Action::Redact | Action::Hold), _), _)
                | ((None, Checked::Maybe), Action::Allow | Action::Redact | Action::Hold) => return None,
                ((None, Checked::Maybe), Action::Deny { .. })
                | ((None, Checked::Yes | Checked::No(_) | Checked::Error(..)), _) => {}
            }
        }
        Some(self.mode)
    }
}

/// What `rule` does if it matches, and how that was found.
///
/// A rule that redacts lets pass, so it does only where it certainly matches; where it only may, it denies: otherwise
/// one spelling of a secret's name would do what the rule is there to prevent, or another pass what no rule allows.
fn matches(rule: &Rule, facts: &Facts<'_>) -> (Option<Action>, Checked) {
    let checked = rule.conditions.check(facts, rule.action.side());
    let action = match (&checked, rule.action) {
        (Checked::No(_) | Checked::Maybe, _) | (Checked::Error(..), Action::Allow) => None,
        (Checked::Yes, Action::Redact) => match rule.conditions.check(facts, Side::Strict) {
            Checked::Yes => Some(Action::Redact),
            Checked::No(_) | Checked::Maybe | Checked::Error(..) => Some(Action::Deny { as_result: false }),
        },
        (Checked::Error(..), Action::Redact) => Some(Action::Deny { as_result: false }),
        (Checked::Yes, action) | (Checked::Error(..), action) => Some(action),
    };
    (action, checked)
}

fn effect(rule: &Rule, action: Action, message: &Message, part: Option<Value<'_>>) -> Effect {
    match action {
        Action::Allow => Effect::Allow,
        Action::Deny { as_result } => Effect::Deny { as_result },
        Action::Hold => Effect::Hold,
        Action::Redact => {
            let edits = rule.redact.as_ref().map(|redact| redact.edits(message, part)).unwrap_or_default();
            if edits.is_empty() { Effect::Allow } else { Effect::Redact(edits) }
        }
    }
}

/// Of two evaluations the one that restricts more; edits of both, where both only change the message.
pub(super) fn stronger(mut a: Evaluation, mut b: Evaluation) -> Evaluation {
    let rank = |evaluation: &Evaluation| {
        let effect = match &evaluation.effect {
            Effect::Allow => return 0,
            Effect::Redact(_) => 1,
            Effect::Hold => 2,
            Effect::Deny { .. } => 3,
        };
        if evaluation.mode == Mode::Enforce { effect + 3 } else { effect }
    };
    if rank(&b) > rank(&a) {
        std::mem::swap(&mut a, &mut b);
    }
    if a.mode == b.mode {
        match (&mut a.effect, &mut b.effect) {
            (Effect::Redact(edits), Effect::Redact(more)) => edits.append(more),
            // Whoever approves a message does not approve what would be taken out of it.
            (Effect::Hold, Effect::Redact(more)) => a.once_approved.append(more),
            (Effect::Hold, Effect::Hold) => a.once_approved.append(&mut b.once_approved),
            (Effect::Allow | Effect::Redact(_) | Effect::Deny { .. } | Effect::Hold, _) => {}
        }
    }
    a.errors.append(&mut b.errors);
    a.dry_run.append(&mut b.dry_run);
    a
}

/// The condition, for [`Outcome`].
pub(super) fn why(miss: &Miss, facts: &Facts<'_>) -> String {
    match miss {
        Miss::Answer => "it is an answer, and the rule names no `directions`".to_owned(),
        Miss::Argument(name, true) => format!("there is no argument `{name}`"),
        Miss::Argument(name, false) => format!("the argument `{name}` does not match"),
        Miss::When => "the expression is false".to_owned(),
        Miss::List(key) => {
            let values = facts.values(key);
            if values.is_empty() {
                return match *key {
                    "tools" => "it is no tool call".to_owned(),
                    "prompts" => "it names no prompt".to_owned(),
                    "resources" => "it names no resource".to_owned(),
                    _ => "it is not known".to_owned(),
                };
            }
            let shown: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("{} is not among them", shown.join(", "))
        }
    }
}
