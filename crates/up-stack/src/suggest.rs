//! "Did you mean …?"

use std::cell::Cell;

/// How many pairs of characters one load compares. It is enough for the mistakes of a person, and keeps a file that
/// consists of mistakes from taking long.
const BUDGET: usize = 10_000_000;

/// Suggests names for misspelt ones, within the budget of one load.
#[derive(Debug)]
pub(crate) struct Suggestions {
    budget: Cell<usize>,
}

impl Default for Suggestions {
    fn default() -> Self {
        Self { budget: Cell::new(BUDGET) }
    }
}

impl Suggestions {
    /// A hint with the one of `names` that is most similar to `wrong`, or with all of them if none is and they are few.
    pub(crate) fn hint<'a>(&self, wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
        if self.budget.get() == 0 {
            return None;
        }
        let names: Vec<&str> = names.into_iter().collect();
        match self.closest(wrong, &names) {
            Some(name) => Some(format!("did you mean `{name}`?")),
            None if names.is_empty() => None,
            None if names.len() == 1 => Some(format!("use {}", listed(&names))),
            None if names.len() <= 12 => Some(format!("use one of {}", listed(&names))),
            None => None,
        }
    }

    /// The name that is most similar to `wrong`: a few edits away, or with the same beginning.
    pub(crate) fn closest<'a>(&self, wrong: &str, names: &[&'a str]) -> Option<&'a str> {
        let cost = names.iter().map(|name| name.len() + 1).sum::<usize>().saturating_mul(wrong.len() + 1);
        let left = self.budget.get().checked_sub(cost);
        self.budget.set(left.unwrap_or(0));
        left?;
        let plain = |text: &str| text.to_lowercase().replace('-', "_");
        let wrong = plain(wrong);
        let similarity = |name: &str| strsim::jaro_winkler(&wrong, &plain(name));
        let most_similar =
            |names: Vec<&'a str>| names.into_iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
        let edits = |name: &str| strsim::damerau_levenshtein(&wrong, &plain(name));
        let few = (wrong.len() / 4).max(1);
        let near = names.iter().copied().filter(|name| edits(name) <= few && edits(name) < wrong.len());
        let near: Vec<_> = near.collect();
        let fewest = near.iter().map(|name| edits(name)).min();
        let nearest = near.into_iter().filter(|name| Some(edits(name)) == fewest).collect();
        most_similar(nearest).or_else(|| most_similar(names.to_vec()).filter(|name| similarity(name) > 0.82))
    }
}

/// `a`, `b` and `c`, each in back quotes.
pub(crate) fn listed(names: &[&str]) -> String {
    let quoted = |name: &&str| if name.is_empty() { "`\"\"`".to_owned() } else { format!("`{name}`") };
    let quoted: Vec<_> = names.iter().map(quoted).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
