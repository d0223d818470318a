//! Keys under which a document declares what was found.

use crate::model::resource::ResourceKind;
use std::collections::BTreeMap;

/// Longest key.
const LONGEST: usize = 63;

/// Keys by kind and ARN, unique in their kind.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<(ResourceKind, String), String>);

impl Keys {
    /// Gives something its key, with a number behind it when another one has that.
    pub(super) fn add(&mut self, kind: ResourceKind, arn: &str, key: String) -> String {
        let mut given = key.clone();
        let mut number = 2;
        while self.0.iter().any(|((other, _), taken)| *other == kind && *taken == given) {
            given = format!("{key}-{number}");
            number += 1;
        }
        self.0.insert((kind, arn.to_owned()), given.clone());
        given
    }

    /// The key of something; none for what is not declared.
    pub(super) fn of(&self, kind: ResourceKind, arn: &str) -> Option<String> {
        self.0.get(&(kind, arn.to_owned())).cloned()
    }

    /// The ARN of the target group, listener or rule that a field belongs to.
    pub(super) fn arn_at(&self, field: &str) -> Option<String> {
        let maps = [
            ("targetGroups", ResourceKind::TargetGroup),
            ("listeners", ResourceKind::Listener),
            ("rules", ResourceKind::Rule),
        ];
        let (map, rest) = field.strip_prefix("spec.")?.split_once('.')?;
        let (_, kind) = maps.into_iter().find(|(name, _)| *name == map)?;
        let is_below = |key: &str| {
            let rest = rest.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let found = self.0.iter().find(|((other, _), key)| *other == kind && is_below(key));
        found.map(|((_, arn), _)| arn.clone())
    }
}

/// A text as a name of a deployment, component or key: lower-case letters, digits and hyphens,
/// beginning with a letter.
pub(super) fn label(text: &str) -> String {
    let plain = |c: char| {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }
    };
    let text: String = text.chars().map(plain).collect();
    let mut text = text.trim_matches('-').to_owned();
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        text.insert_str(0, "app-");
    }
    text.truncate(LONGEST);
    text.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_aws_becomes_one_that_a_document_takes() {
        let long = "x".repeat(80);
        for (text, expected) in [
            ("Shop_Web", "shop-web"),
            ("1st", "app-1st"),
            ("--a--", "a"),
            ("web.v2/x", "web-v2-x"),
            ("", "app"),
            (long.as_str(), &long[..63]),
        ] {
            assert_eq!(label(text), expected);
        }
    }

    #[test]
    fn keys_are_unique_in_their_kind_and_found_by_the_fields_below_them() {
        let mut keys = Keys::default();
        assert_eq!(keys.add(ResourceKind::Rule, "a", "web".to_owned()), "web");
        assert_eq!(keys.add(ResourceKind::Rule, "b", "web".to_owned()), "web-2");
        assert_eq!(keys.add(ResourceKind::Listener, "c", "web".to_owned()), "web");
        assert_eq!(keys.arn_at("spec.rules.web-2.actions[0].type").as_deref(), Some("b"));
        assert_eq!(keys.arn_at("spec.rules.web"), Some("a".to_owned()));
        assert_eq!(keys.arn_at("spec.components.web.service"), None);
    }
}
