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

/// Regions that AWS has opened. Source: AWS Regions and Availability Zones, lists of the
/// commercial, China, GovCloud, European Sovereign and isolated partitions.
const REGIONS: [&str; 44] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-west-1",
    "us-west-2",
];

/// The region that this name most likely stands for, when it is none that is known; `None` of one
/// that is known, and where none is like it: AWS opens new ones.
pub(super) fn likely_region(region: &str) -> Option<&'static str> {
    if REGIONS.contains(&region) {
        return None;
    }
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let same_letters = |known: &&&str| letters(known) == letters(region);
    let close = |known: &&&str| {
        let same = known.chars().zip(region.chars()).take_while(|(one, other)| one == other).count();
        let from_end =
            known.chars().rev().zip(region.chars().rev()).take_while(|(one, other)| one == other).count();
        known.len().abs_diff(region.len()) <= 1 && same + from_end + 1 >= known.len().max(region.len())
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let mut known = REGIONS.iter().filter(|known| digits(known) == digits(region));
    known.find(|known| same_letters(known) || close(known)).copied()
}

/// The partition of a region, as its ARNs name it.
pub(super) fn partition_of(region: &str) -> &'static str {
    let prefixes = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    prefixes
        .into_iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
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
