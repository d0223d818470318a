//! `valueFrom`: which secret, and which part of it. Source: ECS developer guide, "Pass Secrets
//! Manager secrets through Amazon ECS environment variables", and ECS API, Secret.

use crate::model::arn::{Arn, is_arn};

/// What a `valueFrom` (or `credentialsParameter`) points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretRef<'a> {
    /// A Parameter Store parameter, by ARN or by a name that starts with `/`: passed to ECS as it
    /// is.
    Parameter,
    /// A secret in Secrets Manager.
    Secret {
        /// Name or ARN, without what follows.
        id: &'a str,
        /// `json-key`, `key:stage`, `key:stage:version` or nothing.
        suffix: &'a str,
    },
}

impl<'a> SecretRef<'a> {
    /// Splits a `valueFrom`. Every text can be split; whether it makes sense is asked by
    /// [`SecretRef::fault`].
    pub(super) fn parse(value_from: &'a str) -> Self {
        if value_from.starts_with('/') {
            return Self::Parameter;
        }
        let parts = match Arn::parse(value_from) {
            Some(arn) if arn.service == "ssm" => return Self::Parameter,
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
        let SecretRef::Secret { id, suffix } = SecretRef::parse(value_from) else { return None };
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
        for text in ["/shop/db", "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db"] {
            assert_eq!(SecretRef::parse(text), SecretRef::Parameter);
            assert_eq!(SecretRef::fault(text), None);
        }
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
