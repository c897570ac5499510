//! `when:`: an expression in CEL over the message and its circumstances.
//!
//! It is compiled and its names are checked when the policy is loaded. It sees numbers as CEL has them: integers of 64 bits,
//! and otherwise doubles; a number that neither can hold is an error, as is every error while it runs. The cost is bounded:
//! by the expression's length, and by the values it may be shown, fewer the more loops it has within one another.

mod search;

use std::collections::HashMap;
use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use cel::objects::Key;
use cel::{Context, Env, Program, Value as Cel};

use super::facts::{Arguments, Facts};
use super::leaf::has_twins;
use super::text::{Readings, Side};
use crate::json::{Kind, Value};

/// Bytes of an expression at most.
const MAX_LENGTH: usize = 4096;
/// Characters of a key shown in an error at most.
const MAX_SHOWN: usize = 80;
/// Steps an evaluation may take: values shown to it, to the power of the loops within one another.
const MAX_STEPS: usize = 1_000_000;
/// Bytes of JSON shown to an expression at most.
const MAX_BYTES: usize = 1 << 20;
/// What an expression may name.
const VARIABLES: [&str; 13] = [
    "method",
    "tool",
    "arguments",
    "uri",
    "prompt",
    "server",
    "direction",
    "subject",
    "roles",
    "transport",
    "client",
    "revision",
    "params",
];
const RESULT: &str = "result";
/// Functions of the standard library; operators are no names.
const FUNCTIONS: [&str; 19] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "type",
    "dyn",
    "has",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
];

/// A compiled expression.
#[derive(Debug)]
pub(super) struct When {
    program: Program,
    /// Which of the variables it names.
    named: Vec<&'static str>,
    /// Loops within one another.
    depth: u32,
    env: Shared,
}

/// The standard library, shared.
struct Shared(Arc<Env>);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Env")
    }
}

impl When {
    pub(super) fn new(written: &str) -> Result<Self, String> {
        if written.len() > MAX_LENGTH {
            return Err(format!("the expression is longer than {MAX_LENGTH} bytes"));
        }
        // The compiler and what runs its result call themselves for what is nested.
        if nesting(written) > 32 {
            return Err("the expression is nested deeper than 32 levels".to_owned());
        }
        let env = Arc::new(search::env()?);
        let program = env.compile(written).map_err(|errors| {
            let first = errors.errors.first();
            first.map_or_else(
                || "it is no expression".to_owned(),
                |error| format!("it is no expression: {} (at column {})", error.msg, error.pos.1),
            )
        })?;
        let mut own = Vec::new();
        let depth = loops(program.expression(), &mut own);
        let mut named = Vec::new();
        for name in program.references().variables() {
            match VARIABLES.iter().chain([&RESULT]).find(|known| **known == name) {
                Some(known) => named.push(*known),
                None if own.iter().any(|own| own == name) => {}
                None => return Err(unknown("variable", name, &[&VARIABLES[..], &[RESULT]].concat())),
            }
        }
        for name in program.references().functions() {
            let is_operator = !name.starts_with(|first: char| first.is_ascii_alphabetic());
            if !is_operator && !FUNCTIONS.contains(&name) {
                return Err(unknown("function", name, &FUNCTIONS));
            }
        }
        Ok(Self { program, named, depth, env: Shared(env) })
    }

    /// It can only be evaluated on answers.
    pub(super) fn names_result(&self) -> bool {
        self.named.contains(&RESULT)
    }

    /// Whether it is true of a message. Where that permits, no object it is shown may have names that differ by case only:
    /// it sees the one, and some servers take the other.
    pub(super) fn holds(&self, facts: &Facts<'_>, side: Side) -> Result<bool, Box<str>> {
        let mut context = Context::with_env(Arc::clone(&self.env.0));
        let most = root(MAX_STEPS, self.depth);
        let mut budget = Budget { values: most, bytes: MAX_BYTES, side };
        for name in &self.named {
            context.add_variable_from_value(*name, variable(name, facts, &mut budget)?);
        }
        let steps = (most - budget.values).saturating_pow(self.depth.max(1));
        facts.effort.spend(steps.max(1), MAX_BYTES - budget.bytes).map_err(|why| why.to_string())?;
        search::begin();
        match self.program.execute(&context) {
            Ok(Cel::Bool(value)) => Ok(value),
            Ok(other) => Err(format!("it came to {}, not to true or false", other.type_of()).into()),
            // What the error holds of the message stays out of logs.
            Err(error) => Err(what(&error).into()),
        }
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let meant = crate::yaml::nearest(name, known).map_or_else(
        || format!(", expected one of: {}", known.join(", ")),
        |meant| format!(", did you mean `{meant}`?"),
    );
    format!("unknown {what} `{name}`{meant}")
}

/// What an error is, without the values it is about.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the crate's list of errors is open, and all of them deny"
)]
fn what(error: &cel::ExecutionError) -> String {
    use cel::ExecutionError as E;
    match error {
        E::NoSuchKey(key) => {
            let key: String = key.chars().take(MAX_SHOWN).collect();
            format!("there is no `{key}`; `has()` asks whether there is")
        }
        E::NoSuchOverload(_) | E::ValuesNotComparable(..) => {
            "values of these types cannot be compared".to_owned()
        }
        E::Overflow(..) => "a number is too large".to_owned(),
        E::DivisionByZero(_) | E::RemainderByZero(_) => "a division by zero".to_owned(),
        E::IndexOutOfBounds(_) => "an index is out of bounds".to_owned(),
        _ => "it cannot be evaluated".to_owned(),
    }
}

/// Brackets within one another, and operators that nest without them.
fn nesting(written: &str) -> usize {
    let (mut depth, mut most, mut unary) = (0_usize, 0, 0);
    for character in written.chars() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '!' | '-' | '?' => unary += 1,
            _ => {}
        }
        most = most.max(depth);
    }
    most.max(unary)
}

/// Loops within one another, at most; their variables go to `own`.
fn loops(expression: &IdedExpr, own: &mut Vec<String>) -> u32 {
    let mut most =
        |parts: &mut dyn Iterator<Item = &IdedExpr>| parts.map(|part| loops(part, own)).max().unwrap_or(0);
    match &expression.expr {
        Expr::Call(call) => most(&mut call.target.as_deref().into_iter().chain(&call.args)),
        Expr::List(list) => most(&mut list.elements.iter()),
        Expr::Select(select) => most(&mut std::iter::once(&*select.operand)),
        Expr::Map(map) => most(&mut map.entries.iter().flat_map(|entry| entry_parts(&entry.expr))),
        Expr::Struct(parts) => most(&mut parts.entries.iter().flat_map(|entry| entry_parts(&entry.expr))),
        Expr::Comprehension(body) => {
            let before = most(&mut [&body.iter_range, &body.accu_init].into_iter());
            let within = most(&mut [&body.loop_cond, &body.loop_step, &body.result].into_iter());
            own.push(body.iter_var.clone());
            own.extend(body.iter_var2.clone());
            own.push(body.accu_var.clone());
            before.max(within + 1)
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => 0,
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

/// The largest number whose `depth`th power is not above `steps`.
fn root(steps: usize, depth: u32) -> usize {
    match depth {
        0 | 1 => steps / 10,
        2 => 1000,
        3 => 100,
        _ => 16,
    }
}

/// What may still be shown to an expression.
struct Budget {
    values: usize,
    bytes: usize,
    side: Side,
}

fn variable(name: &str, facts: &Facts<'_>, budget: &mut Budget) -> Result<Cel, Box<str>> {
    let text = |text: Option<&str>| text.map_or(Cel::Null, |text| Cel::String(Arc::new(text.to_owned())));
    let readings = |readings: Option<&Readings<'_>>| text(readings.map(Readings::raw));
    let json = |value: Option<Value<'_>>, budget: &mut Budget| {
        value.map_or(Ok(Cel::Map(HashMap::<Key, Cel>::new().into())), |value| convert(value, budget))
    };
    let context = facts.context;
    Ok(match name {
        "method" => readings(facts.method.as_ref()),
        "tool" => readings(facts.tool.as_ref()),
        "prompt" => readings(facts.prompt.as_ref()),
        "uri" => readings(facts.resources.first()),
        "server" => text(Some(&context.server)),
        "direction" => text(Some(facts.direction.as_str())),
        "subject" => text(context.principal.subject.as_deref()),
        "roles" => {
            let roles = context.principal.roles.iter().map(|role| text(Some(role)));
            Cel::List(Arc::new(roles.collect()))
        }
        "transport" => text(Some(context.transport.as_str())),
        "client" => text(context.client.as_deref()),
        "revision" => text(facts.revision.map(crate::mcp::Revision::as_str)),
        "params" => json(facts.params, budget)?,
        RESULT => json(facts.result, budget)?,
        _ => match facts.arguments {
            Arguments::Known(arguments) => json(arguments, budget)?,
            Arguments::Any => return Err("the arguments are not known".into()),
        },
    })
}

/// A JSON value as CEL has it. The document's depth is bounded, and with it the recursion.
fn convert(value: Value<'_>, budget: &mut Budget) -> Result<Cel, Box<str>> {
    budget.values =
        budget.values.checked_sub(1).ok_or("it has more values than an expression may look at")?;
    Ok(match value.kind() {
        Kind::Null => Cel::Null,
        Kind::True => Cel::Bool(true),
        Kind::False => Cel::Bool(false),
        Kind::Number => number(value.raw())?,
        Kind::String => Cel::String(Arc::new(string(value, budget)?)),
        Kind::Array => {
            let elements: Result<Vec<Cel>, Box<str>> =
                value.elements().map(|element| convert(element, budget)).collect();
            Cel::List(Arc::new(elements?))
        }
        Kind::Object if budget.side == Side::Strict && has_twins(value) => {
            return Err("names in it differ by case only".into());
        }
        Kind::Object => {
            let mut map: HashMap<Key, Cel> = HashMap::new();
            for (key, value) in value.members() {
                map.insert(Key::String(Arc::new(string(key, budget)?)), convert(value, budget)?);
            }
            Cel::Map(map.into())
        }
    })
}

fn string(value: Value<'_>, budget: &mut Budget) -> Result<String, Box<str>> {
    let text = value.as_str().unwrap_or_default();
    budget.bytes =
        budget.bytes.checked_sub(text.len()).ok_or("it is longer than an expression may look at")?;
    Ok(text.into_owned())
}

fn number(spelling: &str) -> Result<Cel, Box<str>> {
    if let Ok(integer) = spelling.parse::<i64>() {
        return Ok(Cel::Int(integer));
    }
    if let Ok(integer) = spelling.parse::<u64>() {
        return Ok(Cel::UInt(integer));
    }
    let double = spelling.parse::<f64>().ok().filter(|double| double.is_finite());
    double.map(Cel::Float).ok_or_else(|| "a number is too large".into())
}
