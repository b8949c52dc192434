//! "Did you mean".

/// The one of `names` that `wrong` most resembles, as a hint; the whole list where none does and it is short.
pub(crate) fn suggest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<&str> = names.into_iter().collect();
    match closest(wrong, &names) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if names.is_empty() => None,
        None if names.len() <= 12 => Some(format!("there is {}", listed(&names))),
        None => None,
    }
}

/// The name that `wrong` most resembles, if any does.
pub(crate) fn closest<'a>(wrong: &str, names: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wrong = plain(wrong);
    let scored = names.iter().map(|name| (strsim::jaro_winkler(&wrong, &plain(name)), *name));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    let edits = strsim::damerau_levenshtein(&wrong, &plain(best.1));
    (best.0 > 0.8 || edits <= 1).then_some(best.1)
}

/// `a`, `b` and `c`, each in back quotes.
pub(crate) fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
