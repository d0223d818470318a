//! Tags of what Elastic Load Balancing keeps, twenty things at a time.

use crate::aws::elbv2::read::{self, NAMES_PER_CALL};
use crate::model::observed::{ObservedResource, Seen};
use crate::observed::reader::{Reader, propagate, refused_or_missing, seen_from_error};
use std::collections::{BTreeMap, BTreeSet};

/// Tags by ARN.
pub(super) struct Tags(BTreeMap<String, Seen<BTreeMap<String, String>>>);

/// Reads the tags of some resources, by their ARNs.
pub(super) async fn read(reader: &Reader<'_>, arns: BTreeSet<String>) -> Tags {
    let arns = arns.into_iter().collect();
    let call = |arns: Vec<String>| async move { read::tags(reader.clients, &arns).await };
    let mut tags = BTreeMap::new();
    for (arns, answer) in reader.batches(arns, NAMES_PER_CALL, refused_or_missing, call).await {
        match answer {
            Ok(found) => tags.extend(found.into_iter().map(|(arn, tags)| (arn, Seen::Present(tags)))),
            Err(error) => tags.extend(arns.into_iter().map(|arn| (arn, seen_from_error(&error)))),
        }
    }
    Tags(tags)
}

impl Tags {
    /// A resource with its tags, if they were read here. Without its tags nobody knows whose it is,
    /// so then it is not seen at all.
    pub(super) fn put_on(&self, seen: Seen<ObservedResource>) -> Seen<ObservedResource> {
        let Seen::Present(resource) = seen else { return seen };
        match self.0.get(&resource.arn) {
            Some(Seen::Present(tags)) => Seen::Present(ObservedResource { tags: tags.clone(), ..resource }),
            Some(lacking) => propagate(lacking).unwrap_or_default(),
            None => Seen::Present(resource),
        }
    }
}
