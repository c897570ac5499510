//! From one reading to the next.

use super::blob::{self, Opened};
use super::budget::Budget;
use super::hidden;
use super::made::{Made, Map};
use super::reading::{Layer, Layers, Reading};
use super::scan::{self, Signs};
use super::spelled;
use super::unescape;
use super::unmask;

/// Encodings that are opened, one within the other.
const DEPTH: usize = 4;

/// What a reading may still become.
#[derive(Debug, Clone, Copy)]
struct Todo {
    fold: bool,
    spell: bool,
    rot13: bool,
    depth: usize,
}

struct Walk<'w> {
    budget: &'w mut Budget,
    visit: &'w mut dyn FnMut(&Reading<'_>),
}

/// Shows `visit` each reading of `text`; the text as it came first, always.
///
/// A text of 4 GiB or more has no other readings, and exhausts the budget.
pub fn readings(text: &str, budget: &mut Budget, visit: &mut dyn FnMut(&Reading<'_>)) {
    let came = Reading::as_it_came(text);
    visit(&came);
    if u32::try_from(text.len()).is_err() {
        budget.exhaust();
        return;
    }
    let signs = scan::signs(text);
    if signs.is_none() && text.len() < blob::SHORTEST {
        return;
    }
    let mut walk = Walk { budget, visit };
    walk.onward(&came, Todo { fold: true, spell: true, rot13: true, depth: DEPTH }, signs);
}

impl Walk<'_> {
    /// What can be made of `of`, and of what is made.
    fn onward(&mut self, of: &Reading<'_>, todo: Todo, signs: Signs) {
        if todo.fold && (signs.beyond_ascii || signs.controls || signs.blanks) {
            let made = unmask::edits(of.text).apply(of.text, self.budget);
            let spell = todo.spell && !signs.spelled;
            self.add(of, made, &[Layer::Folded], Todo { fold: false, spell, ..todo });
        }
        if todo.spell && signs.spelled {
            let made = spelled::edits(of.text).apply(of.text, self.budget);
            self.add(of, made, &[Layer::Spelled], Todo { spell: false, ..todo });
        }
        // Each is shorter than what hides it, so there are few within each other.
        if todo.fold && signs.beyond_ascii {
            for (layer, made) in hidden::texts(of.text, self.budget) {
                self.add(of, Some(made), &[layer], todo);
            }
        }
        self.decode(of, todo, signs);
    }

    fn decode(&mut self, of: &Reading<'_>, todo: Todo, signs: Signs) {
        // What stands in the text this one was made of as it does here has been decoded there.
        let made_of = of.made_of.map(|(_, map)| map);
        let is_new = |range| made_of.is_none_or(|map: &Map| !map.is_copied(&range));
        let in_place =
            signs.escapes.then(|| unescape::edits(of.text)).filter(|(edits, _)| edits.any_strong(is_new));
        let mut apart = Opened::default();
        blob::runs(of.text, &mut |run| {
            if is_new(run.clone()) {
                apart.open(of.text, run, self.budget);
            }
        });
        let Some(depth) = todo.depth.checked_sub(1) else {
            // So many encodings around one text: nobody does that who does not hide something.
            if in_place.is_some() || !apart.is_empty() {
                self.budget.exhaust();
            }
            return;
        };
        if signs.rot13 && todo.rot13 {
            let made = unescape::rot13(of.text, self.budget);
            self.add(of, made, &[Layer::Rot13], Todo { rot13: false, ..todo });
        }
        let todo = Todo { fold: true, spell: true, depth, ..todo };
        if let Some((edits, layers)) = in_place {
            let made = edits.apply(of.text, self.budget);
            self.add(of, made, &layers, todo);
        }
        for (layers, made) in apart.into_texts() {
            self.add(of, Some(made), layers, todo);
        }
    }

    fn add(&mut self, of: &Reading<'_>, made: Option<Made>, layers: &[Layer], todo: Todo) {
        let Some(made) = made else { return };
        if made.text == of.text || !self.budget.take_reading() {
            return;
        }
        let layers = layers.iter().fold(of.layers, |layers: Layers, layer| layers.with(*layer));
        let reading =
            Reading { text: &made.text, layers, made_of: Some((of, &made.map)), respaced: made.respaced };
        (self.visit)(&reading);
        self.onward(&reading, todo, scan::signs(&made.text));
    }
}
