//! `valueFrom`: which secret, and which part of it. Source: ECS developer guide, "Pass Secrets
//! Manager secrets through Amazon ECS environment variables", and ECS API, Secret.
//!
//! To ECS a text that is no ARN is the name of a Parameter Store parameter of the task's region.
//! Documents here may name secrets, too. Names with a `/` inside, a `:` behind or one of `+=@`
//! cannot be parameters (Systems Manager API, PutParameter: a name in a hierarchy begins with `/`),
//! so they are secrets and nothing else. A name that begins with `/` is a parameter, as in ECS. A
//! plain name could be either: it is taken for a secret, which is said in a warning, and
//! `secretsmanager:` or `ssm:` before the name settles it.

use crate::model::arn::{Arn, is_arn};

/// What a `valueFrom` (or `credentialsParameter`) points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretRef<'a> {
    /// A Parameter Store parameter: this, its ARN or name, is what ECS takes.
    Parameter {
        /// ARN or name.
        id: &'a str,
    },
    /// A secret in Secrets Manager.
    Secret {
        /// Name or ARN, without what follows.
        id: &'a str,
        /// `json-key`, `key:stage`, `key:stage:version` or nothing.
        suffix: &'a str,
    },
}

/// What says that a name is one of a parameter.
const PARAMETER: &str = "ssm:";
/// What says that a name is one of a secret.
const SECRET: &str = "secretsmanager:";

impl<'a> SecretRef<'a> {
    /// Splits a `valueFrom`. Every text can be split; whether it makes sense is asked by
    /// [`SecretRef::fault`].
    pub(super) fn parse(value_from: &'a str) -> Self {
        if let Some(id) = value_from.strip_prefix(PARAMETER) {
            return Self::Parameter { id };
        }
        let by_prefix = value_from.strip_prefix(SECRET);
        if by_prefix.is_none() && value_from.starts_with('/') {
            return Self::Parameter { id: value_from };
        }
        let value_from = by_prefix.unwrap_or(value_from);
        let parts = match Arn::parse(value_from) {
            Some(arn) if arn.service == "ssm" => return Self::Parameter { id: value_from },
            // arn:partition:secretsmanager:region:account:secret:name
            Some(_) => 7,
            None => 1,
        };
        let end = value_from.match_indices(':').nth(parts - 1).map_or(value_from.len(), |(index, _)| index);
        let (id, rest) = value_from.split_at(end);
        Self::Secret { id, suffix: rest.strip_prefix(':').unwrap_or_default() }
    }

    /// What is wrong with it, if anything follows from the text alone.
    pub(super) fn fault(value_from: &str) -> Option<String> {
        if value_from.is_empty() {
            return Some("it is empty".to_owned());
        }
        if value_from.contains(char::is_whitespace) {
            return Some("it contains white space".to_owned());
        }
        let (id, suffix) = match SecretRef::parse(value_from) {
            SecretRef::Secret { id, suffix } => (id, suffix),
            SecretRef::Parameter { id } => {
                let good = is_arn(id) || could_be_parameter(id) || id.starts_with('/');
                return (!good).then(|| "a parameter's name has letters, digits and ./_- only".to_owned());
            }
        };
        if suffix.matches(':').count() > 2 {
            return Some("more than json-key:stage:version follows the secret".to_owned());
        }
        let suffix: Vec<&str> = suffix.split(':').collect();
        if let [_, stage, version] = suffix.as_slice()
            && !stage.is_empty()
            && !version.is_empty()
        {
            return Some("it has a version stage and a version id, of which ECS takes only one".to_owned());
        }
        if is_arn(id) {
            let arn = Arn::parse(id);
            let good =
                arn.is_some_and(|arn| arn.service == "secretsmanager" && arn.resource.starts_with("secret:"));
            return (!good).then(|| "it is an ARN, but neither of a secret nor of a parameter".to_owned());
        }
        // Secrets Manager API, CreateSecret, Name.
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        (id.len() > 512 || !id.chars().all(plain))
            .then(|| "a secret's name has at most 512 letters, digits and /_+=.@-".to_owned())
    }

    /// Whether ECS would take the text for another thing, a parameter, than what it is here.
    pub(super) fn is_ambiguous(value_from: &str) -> bool {
        !value_from.starts_with('/') && could_be_parameter(value_from)
    }

    /// The text with the word that says that a secret is meant, where it could be a parameter.
    pub(super) fn as_secret(value_from: &str) -> String {
        let word = if Self::is_ambiguous(value_from) { SECRET } else { "" };
        format!("{word}{value_from}")
    }

    /// The `valueFrom` for ECS, given the full ARN: all three colons are there once one part
    /// follows, as ECS demands.
    pub(super) fn with_arn(arn: &str, suffix: &str) -> String {
        if suffix.is_empty() {
            return arn.to_owned();
        }
        let missing = 2usize.saturating_sub(suffix.matches(':').count());
        format!("{arn}:{suffix}{}", ":".repeat(missing))
    }
}

/// Whether a text can be the name of a parameter. Source: Systems Manager API, PutParameter.
pub(super) fn could_be_parameter(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let in_hierarchy = name.starts_with('/') && name.split('/').skip(1).all(|part| part.chars().all(plain));
    !name.is_empty() && (in_hierarchy || name.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:db/main-AbCdEf";

    #[test]
    fn names_and_arns_are_split_from_what_follows() {
        let with_key = format!("{ARN}:password::");
        for (text, id, suffix) in [
            ("db/main", "db/main", ""),
            ("db/main:password::", "db/main", "password::"),
            ("db/main:password", "db/main", "password"),
            (ARN, ARN, ""),
            (with_key.as_str(), ARN, "password::"),
        ] {
            assert_eq!(SecretRef::parse(text), SecretRef::Secret { id, suffix }, "{text}");
            assert_eq!(SecretRef::fault(text), None, "{text}");
        }
    }

    #[test]
    fn parameters_are_left_to_ecs() {
        let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db";
        for (text, id) in
            [("/shop/db", "/shop/db"), (arn, arn), ("ssm:db-name", "db-name"), ("ssm:/a/b", "/a/b")]
        {
            assert_eq!(SecretRef::parse(text), SecretRef::Parameter { id });
            assert_eq!(SecretRef::fault(text), None);
        }
        assert!(SecretRef::fault("ssm:").is_some() && SecretRef::fault("ssm:key::").is_some());
    }

    #[test]
    fn what_could_be_a_parameter_or_a_secret_is_known() {
        for text in ["db-name-staging", "db", "DB_1.x"] {
            assert!(SecretRef::is_ambiguous(text), "{text}");
            assert_eq!(SecretRef::parse(text), SecretRef::Secret { id: text, suffix: "" });
        }
        for text in ["shop/db", "db:key::", "/shop/db", "a+b", "ssm:db", "secretsmanager:db", ARN] {
            assert!(!SecretRef::is_ambiguous(text), "{text}");
        }
        let by_prefix = SecretRef::parse("secretsmanager:/shop/db:key::");
        assert_eq!(by_prefix, SecretRef::Secret { id: "/shop/db", suffix: "key::" });
    }

    #[test]
    fn ecs_gets_all_three_colons() {
        assert_eq!(SecretRef::with_arn("A", ""), "A");
        assert_eq!(SecretRef::with_arn("A", "key"), "A:key::");
        assert_eq!(SecretRef::with_arn("A", "key:AWSPREVIOUS"), "A:key:AWSPREVIOUS:");
        assert_eq!(SecretRef::with_arn("A", "key::v1"), "A:key::v1");
    }

    #[test]
    fn what_can_be_no_reference_is_said() {
        for text in ["", "two words", "a:b:c:d:e", "k:j:stage:version", "arn:aws:s3:::bucket", "näme"] {
            assert!(SecretRef::fault(text).is_some(), "{text}");
        }
    }
}
