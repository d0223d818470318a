//! Policy documents.
//!
//! Sources: IAM User Guide, "IAM JSON policy elements reference" and "Grammar of the IAM JSON
//! policy language".

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    condition::Condition,
    pattern::Pattern,
    question::{Context, Question},
};
use crate::error::ApiError;
use crate::one_or_many::OneOrMany;

/// A policy document that was read.
#[derive(Debug, Clone)]
pub struct Document {
    statements: Vec<Statement>,
}

/// What a statement does to what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone)]
struct Statement {
    effect: Effect,
    actions: Names,
    resources: Names,
    conditions: Vec<Condition>,
    /// Whether `${…}` are variables; they are in version 2012-10-17 only.
    variables: bool,
}

/// What `Action` or `NotAction`, `Resource` or `NotResource` name.
#[derive(Debug, Clone)]
struct Names {
    all_but: bool,
    patterns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawDocument {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<RawStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RawStatement {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, OneOrMany<Value>>>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// `MalformedPolicyDocument` for a text that is none, an unknown element, a statement with both
    /// or none of `Action` and `NotAction` (or of `Resource` and `NotResource`), a version or a
    /// condition operator that AWS does not have.
    pub fn read(document: &Value) -> Result<Self, ApiError> {
        let raw: RawDocument =
            serde_json::from_value(document.clone()).map_err(|error| malformed(&error.to_string()))?;
        // Without one it is of the older version: "Version".
        let version = raw.version.as_deref().unwrap_or("2008-10-17");
        if !["2008-10-17", "2012-10-17"].contains(&version) {
            return Err(malformed(&format!(
                "The policy must contain a valid version string, not {version}."
            )));
        }
        let variables = version == "2012-10-17";
        let statements = raw.statement.list().into_iter().map(|raw| Statement::read(raw, variables));
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// Whether a statement with this effect matches.
    pub(super) fn says(&self, effect: Effect, question: &Question) -> bool {
        self.statements.iter().any(|statement| statement.effect == effect && statement.matches(question))
    }

    /// Whether a statement denies an action on any resource, under any condition.
    pub(super) fn may_deny(&self, action: &str) -> bool {
        self.statements
            .iter()
            .any(|statement| statement.effect == Effect::Deny && statement.actions.match_action(action))
    }

    /// Whether a statement allows an action on everything, under no condition.
    pub(super) fn always_allows(&self, action: &str) -> bool {
        self.statements.iter().any(|statement| {
            statement.effect == Effect::Allow
                && statement.conditions.is_empty()
                && !statement.resources.all_but
                && statement.resources.patterns.iter().any(|pattern| pattern == "*")
                && statement.actions.match_action(action)
        })
    }
}

impl Statement {
    fn read(raw: RawStatement, variables: bool) -> Result<Self, ApiError> {
        let mut conditions = Vec::new();
        for (operator, keys) in raw.condition {
            for (key, values) in keys {
                let texts = values.list().iter().map(text).collect::<Option<_>>();
                let texts = texts.ok_or_else(|| malformed("A condition's values must be texts."))?;
                conditions.push(Condition::read(&operator, &key, texts).map_err(|why| malformed(&why))?);
            }
        }
        Ok(Self {
            effect: raw.effect,
            actions: Names::read("Action", raw.action, raw.not_action)?,
            resources: Names::read("Resource", raw.resource, raw.not_resource)?,
            conditions,
            variables,
        })
    }

    fn matches(&self, question: &Question) -> bool {
        let context = self.variables.then_some(&question.context);
        self.actions.match_action(&question.action)
            && self.resources.match_arn(&question.resource, context)
            && self.conditions.iter().all(|condition| condition.holds(&question.context, context))
    }
}

/// A condition's value: JSON's numbers and truth values are taken as their texts.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Names {
    fn read(
        name: &str,
        given: Option<OneOrMany<String>>,
        not: Option<OneOrMany<String>>,
    ) -> Result<Self, ApiError> {
        match (given, not) {
            (Some(given), None) => Ok(Self { all_but: false, patterns: given.list() }),
            (None, Some(not)) => Ok(Self { all_but: true, patterns: not.list() }),
            _ => Err(malformed(&format!("A statement must contain one of {name} and Not{name}."))),
        }
    }

    /// Names of services and actions are not case-sensitive, and know no variables: "Action".
    fn match_action(&self, action: &str) -> bool {
        let fits = |pattern: &String| {
            Pattern::read(pattern, None).is_some_and(|pattern| pattern.matches_caseless(action))
        };
        self.patterns.iter().any(fits) != self.all_but
    }

    fn match_arn(&self, arn: &str, context: Option<&Context>) -> bool {
        let fits = |text: &String| {
            text == "*" || Pattern::read(text, context).is_some_and(|pattern| pattern.matches_arn(arn))
        };
        self.patterns.iter().any(fits) != self.all_but
    }
}

fn malformed(why: &str) -> ApiError {
    ApiError::new(400, "MalformedPolicyDocument", why)
}
