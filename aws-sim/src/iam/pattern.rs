//! Names with wildcards and policy variables.
//!
//! Sources: IAM User Guide, "IAM JSON policy elements: Variables and tags" and "… Resource".

use super::question::Context;

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    Char(char),
    /// `?`: one character.
    One,
    /// `*`: any number of characters.
    Many,
}

/// A text of a policy, its variables replaced.
pub(super) struct Pattern(Vec<Piece>);

impl Pattern {
    /// Reads a text with wildcards and, when `context` is given, with variables; `None` when a
    /// variable has no value or more than one: then the element matches nothing.
    pub(super) fn read(text: &str, context: Option<&Context>) -> Option<Self> {
        let mut pieces = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let (Some(context), Some(inner)) = (context, rest.strip_prefix("${"))
                && let Some((name, after)) = inner.split_once('}')
            {
                pieces.extend(variable(name, context)?.chars().map(Piece::Char));
                rest = after;
                continue;
            }
            pieces.push(match first {
                '*' => Piece::Many,
                '?' => Piece::One,
                other => Piece::Char(other),
            });
            rest = &rest[first.len_utf8()..];
        }
        Some(Self(pieces))
    }

    /// The same, all of it literal but for variables.
    pub(super) fn literal(text: &str, context: Option<&Context>) -> Option<String> {
        let Some(context) = context else { return Some(text.to_owned()) };
        let mut found = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, inner)) = rest.split_once("${") {
            let Some((name, after)) = inner.split_once('}') else { break };
            found.push_str(before);
            found.push_str(&variable(name, context)?);
            rest = after;
        }
        found.push_str(rest);
        Some(found)
    }

    /// Whether the whole text matches; wildcards stand for any characters.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        glob(&self.0, &text)
    }

    /// The same without regard to case, as actions are matched.
    pub(super) fn matches_caseless(&self, text: &str) -> bool {
        let lower = |piece: &Piece| match piece {
            Piece::Char(one) => Piece::Char(one.to_ascii_lowercase()),
            other => *other,
        };
        Self(self.0.iter().map(lower).collect()).matches(&text.to_ascii_lowercase())
    }

    /// Whether an ARN matches, each of its six parts by itself: a wildcard does not reach beyond a
    /// colon, but for one at the very end of the pattern's last part.
    pub(super) fn matches_arn(&self, arn: &str) -> bool {
        let parts: Vec<&[Piece]> = self.0.splitn(6, |piece| *piece == Piece::Char(':')).collect();
        let arn: Vec<&str> = arn.splitn(6, ':').collect();
        let shorter = parts.len() < 6 && parts.last().is_some_and(|part| part.last() == Some(&Piece::Many));
        if shorter {
            // "If the * wildcard is the last character of a resource ARN segment, it can expand to
            // match beyond the colon boundaries."
            return self.matches(&arn.join(":"));
        }
        parts.len() == arn.len()
            && parts.iter().zip(arn).all(|(part, text)| glob(part, &text.chars().collect::<Vec<_>>()))
    }
}

/// The value of `${name}` or `${name, 'default'}`; `${*}`, `${?}` and `${$}` are those characters.
fn variable(name: &str, context: &Context) -> Option<String> {
    if let "*" | "?" | "$" = name {
        return Some(name.to_owned());
    }
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key.trim(), default.trim().strip_prefix('\'')?.strip_suffix('\'')),
        None => (name.trim(), None),
    };
    match context.get(key) {
        Some([one]) => Some(one.clone()),
        Some(_) => None,
        None => default.map(str::to_owned),
    }
}

/// Whether a text matches, with the place of the last `*` to come back to.
fn glob(pattern: &[Piece], text: &[char]) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while next < text.len() {
        match pattern.get(at) {
            Some(Piece::Many) => {
                back = Some((at, next));
                at += 1;
            }
            Some(Piece::One) => (at, next) = (at + 1, next + 1),
            Some(Piece::Char(one)) if *one == text[next] => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((star, from)) = back else { return false };
                back = Some((star, from + 1));
                (at, next) = (star + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|piece| *piece == Piece::Many)
}
