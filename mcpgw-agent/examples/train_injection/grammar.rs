//! Sentences from a grammar: `@name` begins a list of forms, one a line; `<name>` is one of another list's forms, `(a/b)`
//! is a or b. Lists named `attack…` and `benign…` are what sentences begin with.

use std::collections::BTreeMap;

use crate::corpus::Sample;
use crate::random::Random;

/// Nested deeper is nothing.
const DEPTH: usize = 12;

#[derive(Debug)]
pub(crate) struct Grammar<'a> {
    lists: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Grammar<'a> {
    pub(crate) fn read(text: &'a str) -> Self {
        let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut name = "";
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("# ")) {
            match line.strip_prefix('@') {
                Some(other) => name = other.trim(),
                None => lists.entry(name).or_default().push(line),
            }
        }
        Self { lists }
    }

    /// `times` sentences of each form, alone and inside other text.
    pub(crate) fn samples(&self, times: usize) -> Vec<Sample> {
        let mut random = Random::new(11);
        let mut samples = Vec::new();
        for (name, forms) in &self.lists {
            let attack = name.starts_with("attack");
            if !attack && !name.starts_with("benign") {
                continue;
            }
            for (number, form) in forms.iter().enumerate() {
                let mut last = String::new();
                for time in 0..times {
                    let mut text = String::new();
                    self.expand(form, DEPTH, &mut random, &mut text);
                    if text == last {
                        continue;
                    }
                    last.clone_from(&text);
                    if time % 2 == 1 && !name.ends_with(".alone") {
                        let carrier = self.pick("carrier", &mut random);
                        let mut around = String::new();
                        self.expand(carrier, DEPTH, &mut random, &mut around);
                        text = around.replace("PAYLOAD", &text);
                    }
                    samples.push(Sample {
                        text: text.replace("\\n", "\n").replace('÷', "/"),
                        attack,
                        tier: "grammar".to_owned(),
                        source: format!("grammar:{name}"),
                        group: format!("{name}{number}"),
                    });
                }
            }
        }
        samples
    }

    fn pick(&self, name: &str, random: &mut Random) -> &'a str {
        let forms = self.lists.get(name).unwrap_or_else(|| panic!("no list {name}"));
        forms[random.below(forms.len())]
    }

    fn expand(&self, form: &str, depth: usize, random: &mut Random, into: &mut String) {
        let mut rest = form;
        while let Some(at) = rest.find(['<', '(']) {
            let (before, from) = rest.split_at(at);
            into.push_str(before);
            let close = if from.starts_with('<') { '>' } else { ')' };
            let inner = from.find(close).map(|end| (&from[1..end], &from[end + 1..]));
            match inner {
                Some((name, after)) if close == '>' && self.lists.contains_key(name) && depth > 0 => {
                    let form = self.pick(name, random);
                    self.expand(form, depth - 1, random, into);
                    rest = after;
                }
                Some((choices, after)) if close == ')' && choices.contains('/') => {
                    let choices: Vec<&str> = choices.split('/').collect();
                    let choice = choices[random.below(choices.len())];
                    self.expand(choice, depth.saturating_sub(1), random, into);
                    rest = after;
                }
                _ => {
                    into.push_str(&from[..1]);
                    rest = &from[1..];
                }
            }
        }
        into.push_str(rest);
    }
}
