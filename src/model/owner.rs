//! Whose something in AWS is: one decision for all layers.

use super::desired::DesiredState;
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

/// What makes something ours that carries nobody's owner tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnershipBasis {
    /// The document adopts what it declares and nobody's tag is on. Adopting says "take over what I
    /// declare", so it does not cover what is not declared; what another deployment's tag is on is
    /// taken over only where a person asked for it and that deployment is a document of the same
    /// store, for two controllers might fight over it.
    pub adopts: bool,
    /// The record names its ARN as made or adopted by us: it counts when there is no owner tag at
    /// all, for then someone removed it.
    pub recorded: bool,
}

impl<'t> Owner<'t> {
    /// Whose something is that was seen with this ARN and these tags.
    ///
    /// What goes over from one document of the store to another is of the one that declares it by
    /// now, though the tag still names the other.
    pub fn of(
        arn: &str,
        tags: &'t BTreeMap<String, String>,
        desired: &'t DesiredState,
        basis: OwnershipBasis,
    ) -> Self {
        let name = |handed: &'t BTreeMap<String, DeploymentName>| handed.get(arn).map(DeploymentName::as_str);
        let (to, from) = (name(&desired.handover.to), name(&desired.handover.from));
        let tag = tags.get(TAG_OWNER).map(String::as_str);
        let left = tag.and_then(|owner| desired.adopts_from.get(owner)).filter(|_| basis.adopts);
        let from = from.or(left.map(DeploymentName::as_str));
        Self::decided(tag, desired.deployment.as_str(), (to, from), basis)
    }

    fn decided(
        tag: Option<&'t str>,
        own: &str,
        (to, from): (Option<&'t str>, Option<&'t str>),
        basis: OwnershipBasis,
    ) -> Self {
        match tag {
            None if to.is_some() => Self::Foreign(to),
            None if basis.adopts || basis.recorded => Self::Ours,
            Some(owner) if owner == own => to.map_or(Self::Ours, |to| Self::Foreign(Some(to))),
            Some(owner) if from == Some(owner) => Self::Ours,
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
            "{what} exists and belongs to deployment `{owner}`; {instead}, or take it out of `{owner}`: it then goes over as it stands (what \
             `{owner}` left when it was removed, or does not declare any more, is taken over with `ctl adopt`; what is of another store, or \
             of a removed document without a record, once its tag `{TAG_OWNER}` is off)"
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
        let recorded = OwnershipBasis { recorded: true, ..OwnershipBasis::default() };
        let adopts = OwnershipBasis { adopts: true, ..OwnershipBasis::default() };
        for basis in [OwnershipBasis::default(), recorded, adopts] {
            let owner = |tag| Owner::decided(tag, "shop", (None, None), basis);
            assert_eq!(owner(Some("shop")), Owner::Ours);
            assert_eq!(owner(Some("blog")), Owner::Foreign(Some("blog")), "{basis:?}");
            assert_eq!(owner(None).is_ours(), basis != OwnershipBasis::default(), "{basis:?}");
        }
    }

    #[test]
    fn what_goes_over_is_of_the_document_that_declares_it_by_now() {
        let recorded = OwnershipBasis { recorded: true, ..OwnershipBasis::default() };
        for basis in [OwnershipBasis::default(), recorded] {
            let gives = |tag| Owner::decided(tag, "shop", (Some("front"), None), basis);
            for tag in [Some("shop"), None, Some("front")] {
                assert_eq!(gives(tag), Owner::Foreign(Some("front")), "{tag:?}");
            }
            let takes = |tag| Owner::decided(tag, "front", (None, Some("shop")), basis);
            assert_eq!(takes(Some("shop")), Owner::Ours);
            assert_eq!(takes(Some("front")), Owner::Ours);
            assert_eq!(takes(Some("blog")), Owner::Foreign(Some("blog")), "from nobody else");
        }
    }
}
