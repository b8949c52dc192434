//! "Did you mean".

use std::cell::Cell;

/// Pairs of characters that one load compares: enough for every mistake of a person, and soon over for a file that is
/// nothing but mistakes, or one of names without end.
const MOST_COMPARED: usize = 10_000_000;

thread_local! {
    /// How many are left. Each load has a thread of its own.
    static LEFT: Cell<usize> = const { Cell::new(MOST_COMPARED) };
}

/// The one of `names` that `wrong` most resembles, as a hint; the whole list where none does and it is short.
pub(crate) fn suggest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    if LEFT.get() == 0 {
        return None;
    }
    let names: Vec<&str> = names.into_iter().collect();
    match closest(wrong, &names) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if names.is_empty() => None,
        None if names.len() <= 12 => Some(format!("there is {}", listed(&names))),
        None => None,
    }
}

/// The name that `wrong` most resembles, if any does: by few edits, or else by a common beginning.
pub(crate) fn closest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    let cost = names.iter().map(|name| name.len() + 1).sum::<usize>().saturating_mul(wrong.len() + 1);
    let left = LEFT.get().checked_sub(cost);
    LEFT.set(left.unwrap_or(0));
    left?;
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wrong = plain(wrong);
    let likeness = |name: &str| strsim::jaro_winkler(&wrong, &plain(name));
    let most_alike = |names: Vec<&'a str>| names.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let edits = |name: &str| strsim::damerau_levenshtein(&wrong, &plain(name));
    let few = (wrong.len() / 4).max(1);
    let near = names.iter().copied().filter(|name| edits(name) <= few && edits(name) < wrong.len());
    let near: Vec<_> = near.collect();
    let fewest = near.iter().map(|name| edits(name)).min();
    let nearest = near.into_iter().filter(|name| Some(edits(name)) == fewest).collect();
    most_alike(nearest).or_else(|| most_alike(names.to_vec()).filter(|name| likeness(name) > 0.82))
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
