//! Whose something in AWS is: one decision for all layers.

use super::ids::DeploymentName;
use super::resource::TAG_OWNER;
use std::collections::BTreeMap;

/// Whose a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'t> {
    /// Ours, or to be taken over.
    Ours,
    /// Of the deployment in its owner tag, or of nobody that we know.
    Foreign(Option<&'t str>),
}

/// What makes something ours that does not carry our owner tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnershipBasis {
    /// The document adopts what it declares and nobody's tag is on. Adopting says "take over what I
    /// declare", so it does not cover what is not declared; what another deployment's tag is on is
    /// never taken over, for two controllers might fight over it.
    pub adopts: bool,
    /// The record names its ARN as made or adopted by us: it counts when there is no owner tag at
    /// all, for then someone removed it.
    pub recorded: bool,
}

impl<'t> Owner<'t> {
    /// Whose something is that was seen with these tags.
    pub fn of(
        tags: &'t BTreeMap<String, String>,
        deployment: &DeploymentName,
        basis: OwnershipBasis,
    ) -> Self {
        match tags.get(TAG_OWNER).map(String::as_str) {
            Some(owner) if owner == deployment.as_str() => Self::Ours,
            None if basis.adopts || basis.recorded => Self::Ours,
            owner => Self::Foreign(owner),
        }
    }

    /// Whether it is ours.
    pub fn is_ours(self) -> bool {
        self == Self::Ours
    }
}

/// Says that something (`service `shop-web``) is in the way, and what can be done about it.
pub fn in_the_way(what: &str, owner: Option<&str>, instead: &str) -> String {
    match owner {
        Some(owner) => format!(
            "{what} exists and belongs to deployment `{owner}`; {instead}, or, once `{owner}` does not declare it any more, take its tag \
             `{TAG_OWNER}` off to adopt it"
        ),
        None => format!(
            "{what} exists and was not created by Evenkeel; take it over with `ctl adopt` or `spec.adopt: true`, or {instead}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_tag_decides_and_what_has_none_can_be_adopted() {
        let shop = DeploymentName::from("shop");
        let tagged = |owner: &str| BTreeMap::from([(TAG_OWNER.to_owned(), owner.to_owned())]);
        let (nobody, ours, others) = (BTreeMap::new(), tagged("shop"), tagged("blog"));
        let recorded = OwnershipBasis { recorded: true, ..OwnershipBasis::default() };
        let adopts = OwnershipBasis { adopts: true, ..OwnershipBasis::default() };
        for basis in [OwnershipBasis::default(), recorded, adopts] {
            assert_eq!(Owner::of(&ours, &shop, basis), Owner::Ours);
            assert_eq!(Owner::of(&others, &shop, basis), Owner::Foreign(Some("blog")), "{basis:?}");
            assert_eq!(
                Owner::of(&nobody, &shop, basis).is_ours(),
                basis != OwnershipBasis::default(),
                "{basis:?}"
            );
        }
    }
}
