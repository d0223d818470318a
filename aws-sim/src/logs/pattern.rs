//! Filter patterns of FilterLogEvents, for unstructured text.

use super::invalid;
use crate::error::ApiError;

/// A pattern of terms: `ERROR timeout` (all must occur), `?ERROR ?WARN` (one of them), `-debug`
/// (must not occur), `"two words"`. Terms are matched with case, as AWS does. Patterns for JSON (`{
/// $.a = 1 }`), columns (`[a, b]`) and regular expressions (`%x%`) are refused instead of being
/// matched wrongly.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    /// Reads a pattern; an empty one matches everything.
    ///
    /// # Errors
    /// `InvalidParameterException` for a pattern that cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let text = text.trim();
        if text.starts_with(['{', '[', '%']) {
            return Err(invalid(format!(
                "Invalid filter pattern: {text}: only patterns of terms are simulated"
            )));
        }
        let mut pattern = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (sign, tail) = match rest.as_bytes()[0] {
                b'?' => ('?', &rest[1..]),
                b'-' => ('-', &rest[1..]),
                _ => ('+', rest),
            };
            let (term, after) = match tail.strip_prefix('"') {
                Some(quoted) => quoted
                    .split_once('"')
                    .ok_or_else(|| invalid(format!("Invalid filter pattern: {text}")))?,
                None => tail.split_once(char::is_whitespace).unwrap_or((tail, "")),
            };
            let list = match sign {
                '?' => &mut pattern.any,
                '-' => &mut pattern.none,
                _ => &mut pattern.all,
            };
            list.push(term.to_owned());
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    /// Whether a message matches. Optional terms count only when there are no others, as in AWS.
    pub(super) fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        let optional = self.any.is_empty() || !self.all.is_empty() || self.any.iter().any(has);
        optional && self.all.iter().all(has) && !self.none.iter().any(has)
    }
}
