//! What is wrong, or odd, with a document: found all at once, each with its place and its mend.

use super::visible::visible;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Whether a finding stops the document from being used.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display, JsonSchema,
)]
#[strum(serialize_all = "lowercase")]
pub enum Severity {
    /// The document is refused; the last good version stays in force.
    Error,
    /// The document is used; a person should know.
    Warning,
}

/// A place in a source file, both numbers counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file, as a path relative to the spec store's root.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing that is wrong or odd.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// The field, from the document's root:
    /// `spec.components.web.taskDefinition.containerDefinitions[0].image`. Map keys that are not
    /// plain words stand in brackets and quotes: `spec.logGroups["/ecs/web"]`.
    pub field: String,
    /// What is wrong, as a sentence without a final period.
    pub message: String,
    /// What to do, as a sentence without a final period; empty when the message says it all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// Where it stands in its source; filled in by the store, which knows the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Finding {
    /// An error at `field`.
    pub fn error(field: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            field: field.into(),
            message: message.into(),
            help: help.into(),
            place: None,
        }
    }

    /// A warning at `field`.
    pub fn warning(field: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(field, message, help) }
    }

    /// Whether this finding stops the document from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// One line: `file:line:column: error: field: message (help)`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}: ", visible(&place.to_string()))?;
        }
        write!(f, "{}: ", self.severity)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", visible(&self.field))?;
        }
        f.write_str(&visible(&self.message))?;
        if !self.help.is_empty() {
            write!(f, " ({})", visible(&self.help))?;
        }
        Ok(())
    }
}

/// Findings so far, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds an error.
    pub fn error(&mut self, field: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Finding::error(field, message, help));
    }

    /// Adds a warning.
    pub fn warning(&mut self, field: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Finding::warning(field, message, help));
    }

    /// An error when the value is not one of the allowed words.
    pub fn one_of(&mut self, field: String, value: Option<&str>, allowed: &[&str]) {
        if let Some(value) = value
            && !allowed.contains(&value)
        {
            self.error(field, format!("`{value}` is not known"), format!("one of {}", allowed.join(", ")));
        }
    }

    /// An error when the number is outside of the range.
    pub fn within(&mut self, field: String, value: Option<i64>, from: i64, to: i64) {
        if let Some(value) = value
            && !(from..=to).contains(&value)
        {
            self.error(field, format!("{value} is out of range"), format!("{from} to {to}"));
        }
    }

    /// An error when the text has more characters than this.
    pub fn no_longer_than(&mut self, field: String, text: Option<&str>, most: usize) {
        let length = text.map_or(0, |text| text.chars().count());
        if length > most {
            self.error(field, format!("{length} characters are too many"), format!("{most} at most"));
        }
    }

    /// An error for each value that was there before, at an earlier field.
    pub fn duplicates<T: Ord + fmt::Display>(
        &mut self,
        what: &str,
        values: impl IntoIterator<Item = (String, T)>,
    ) {
        let mut seen: BTreeMap<T, String> = BTreeMap::new();
        for (field, value) in values {
            match seen.get(&value) {
                Some(first) => {
                    let message = format!("{what} `{value}` is already there, at {first}");
                    self.error(field, message, "remove one of them");
                }
                None => {
                    seen.insert(value, field);
                }
            }
        }
    }

    /// All of them, each once: several components may have found the same.
    pub fn finish(mut self) -> Vec<Finding> {
        let mut seen = BTreeSet::new();
        self.0.retain(|finding| seen.insert(finding.clone()));
        self.0
    }
}

/// Appends a map key to a field path, quoted when it is not a plain word.
pub fn field_key(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { format!("{path}.{key}") } else { format!("{path}[\"{key}\"]") }
}
