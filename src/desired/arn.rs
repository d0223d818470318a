//! Amazon resource names, of any partition (`aws`, `aws-cn`, `aws-us-gov`, …). Source: AWS General
//! Reference, ARN format.

/// The parts of an ARN; borrowed, never rebuilt, so that no partition is ever guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Reads `arn:partition:service:region:account:resource`; `None` for anything else.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (arn, partition) = (parts.next()?, parts.next()?);
        let (service, region, account) = (parts.next()?, parts.next()?, parts.next()?);
        let resource = parts.next()?;
        let known = arn == "arn" && (partition == "aws" || partition.starts_with("aws-"));
        (known && !service.is_empty() && !resource.is_empty()).then_some(Self {
            service,
            region,
            account,
            resource,
        })
    }

    /// Whether the account is twelve digits.
    pub(super) fn has_account(&self) -> bool {
        self.account.len() == 12 && self.account.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Name of a cluster that is given by name or ARN.
pub(super) fn cluster_name(cluster: &str) -> &str {
    Arn::parse(cluster).and_then(|arn| arn.resource.strip_prefix("cluster/")).unwrap_or(cluster)
}

/// Name of a load balancer that is given by name or ARN (`loadbalancer/app/NAME/ID`).
pub(super) fn load_balancer_name(load_balancer: &str) -> &str {
    Arn::parse(load_balancer).and_then(|arn| arn.resource.split('/').nth(2)).unwrap_or(load_balancer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_every_partition_are_read() {
        for partition in ["aws", "aws-cn", "aws-us-gov"] {
            let text = format!("arn:{partition}:ecs:cn-north-1:123456789012:cluster/shop");
            let arn = Arn::parse(&text).unwrap();
            assert_eq!((arn.service, arn.account, arn.has_account()), ("ecs", "123456789012", true));
            assert_eq!(cluster_name(&text), "shop");
        }
    }

    #[test]
    fn what_is_not_an_arn_is_a_name() {
        assert_eq!(Arn::parse("shop"), None);
        assert_eq!(Arn::parse("arn:aws:ecs"), None);
        assert_eq!(Arn::parse("arn:other:ecs:r:1:x"), None);
        assert_eq!((cluster_name("shop"), load_balancer_name("front")), ("shop", "front"));
    }

    #[test]
    fn the_name_of_a_load_balancer_stands_in_its_arn() {
        let arn =
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/front/50dc6c495c0c9188";
        assert_eq!(load_balancer_name(arn), "front");
    }
}
