//! Whose something in AWS is: one judgement for all rooms.

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
pub struct Claim {
    /// The document adopts what it declares, whoever's it is. Adopting says "take over what I
    /// declare", so it is no claim to what is not declared.
    pub adopts: bool,
    /// The record names its ARN as made or adopted by us: it counts when there is no owner tag at
    /// all, for then someone removed it.
    pub recorded: bool,
}

impl<'t> Owner<'t> {
    /// Whose something is that was seen with these tags.
    pub fn of(tags: &'t BTreeMap<String, String>, deployment: &DeploymentName, claim: Claim) -> Self {
        match tags.get(TAG_OWNER).map(String::as_str) {
            Some(owner) if owner == deployment.as_str() => Self::Ours,
            _ if claim.adopts => Self::Ours,
            None if claim.recorded => Self::Ours,
            owner => Self::Foreign(owner),
        }
    }

    /// Whether it is ours.
    pub fn is_ours(self) -> bool {
        self == Self::Ours
    }
}

/// Says that something is in the way, and what can be done about it.
pub fn in_the_way(noun: &str, name: &str, owner: Option<&str>, instead: &str) -> String {
    let owner = match owner {
        Some(owner) => format!("belongs to deployment `{owner}`"),
        None => "was not created by Evenkeel".to_owned(),
    };
    format!("{noun} `{name}` exists and {owner}; set `spec.adopt: true` to take it over, or {instead}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_tag_decides_unless_the_document_adopts() {
        let shop = DeploymentName::from("shop");
        let tagged = |owner: &str| BTreeMap::from([(TAG_OWNER.to_owned(), owner.to_owned())]);
        let (nobody, ours, others) = (BTreeMap::new(), tagged("shop"), tagged("blog"));
        let recorded = Claim { recorded: true, ..Claim::default() };
        let adopts = Claim { adopts: true, ..Claim::default() };
        for claim in [Claim::default(), recorded, adopts] {
            assert_eq!(Owner::of(&ours, &shop, claim), Owner::Ours);
            assert_eq!(Owner::of(&others, &shop, claim).is_ours(), claim.adopts, "{claim:?}");
            assert_eq!(Owner::of(&nobody, &shop, claim).is_ours(), claim != Claim::default(), "{claim:?}");
        }
        assert_eq!(Owner::of(&others, &shop, recorded), Owner::Foreign(Some("blog")));
    }
}
