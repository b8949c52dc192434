//! Finds where an unclosed array or inline table begins.

use toml_parser::{Source, lexer::TokenKind};

/// The byte of the bracket that is not closed by its counterpart.
pub(crate) fn unclosed(text: &str) -> Option<usize> {
    let mut open: Vec<(TokenKind, usize)> = vec![];
    for token in Source::new(text).lex() {
        let opening = match token.kind() {
            kind @ (TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket) => {
                open.push((kind, token.span().start()));
                continue;
            }
            TokenKind::RightSquareBracket => TokenKind::LeftSquareBracket,
            TokenKind::RightCurlyBracket => TokenKind::LeftCurlyBracket,
            _ => continue,
        };
        match open.pop() {
            Some((kind, at)) if kind != opening => return Some(at),
            _ => {}
        }
    }
    open.first().map(|(_, at)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unclosed_bracket_is_found() {
        for (text, at) in [
            ("[a]\nb = [1, { c = 2 }]\n", None),
            ("a = {\n  b = 1\n[c]\nd = [1]\n", Some(4)),
            ("a = { b = [1 }\n", Some(10)),
            ("a = '{' # [\nb = \"\"\"[\"\"\"\n", None),
            ("a = 1 }\nb = [\n", Some(12)),
        ] {
            assert_eq!(unclosed(text), at, "{text}");
        }
    }
}
