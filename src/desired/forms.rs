//! The forms of names.

use crate::model::arn::Arn;

/// A name of a deployment, component or key: 1 to 63 lower-case letters, digits and hyphens,
/// starting with a letter and not ending with a hyphen.
pub(in crate::desired) fn is_label(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(plain)
}

/// A region: `eu-west-1`, `us-gov-west-1`.
pub(super) fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            words.len() >= 2
                && words.iter().all(word)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => false,
    }
}

/// A name of a cluster, service, family or container: 1 to 255 letters, digits, hyphens and
/// underscores. Source: ECS API.
pub(super) fn is_ecs_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=255).contains(&name.len()) && name.chars().all(plain)
}

/// The ARN of an IAM role.
pub(super) fn is_role(role: &str) -> bool {
    Arn::parse(role)
        .is_some_and(|arn| arn.service == "iam" && arn.has_account() && arn.resource.starts_with("role/"))
}

/// An id of EC2's: `subnet-0123abcd`, `sg-…`, `vpc-…`.
pub(super) fn is_ec2_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| {
        (8..=17).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The ARN of something in Elastic Load Balancing, such as `targetgroup/`.
pub(super) fn is_balancing_arn(text: &str, resource: &str) -> bool {
    Arn::parse(text)
        .is_some_and(|arn| arn.service == "elasticloadbalancing" && arn.resource.starts_with(resource))
}
