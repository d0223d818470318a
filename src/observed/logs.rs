//! Log groups.

use super::collector::Ask;
use super::look::{Look, refused, seen};
use crate::aws::logs::read::{self, GROUPS_PER_CALL};
use crate::model::observed::{ObservedResource, Seen};
use crate::model::resource::{ResourceId, ResourceKind};
use std::collections::{BTreeMap, BTreeSet};

/// The log groups of a batch of deployments, by name.
pub(super) struct LogGroups(BTreeMap<String, Seen<ObservedResource>>);

impl LogGroups {
    /// Reads all log groups that are declared or recorded, and their tags.
    pub(super) async fn read(look: &Look<'_>, asks: &[Ask<'_>]) -> Self {
        let names: BTreeSet<String> = asks.iter().flat_map(names).map(str::to_owned).collect();
        let read = |names: Vec<String>| async move { read::log_groups(look.clients, &names).await };
        let answers = look.batches(names.into_iter().collect(), GROUPS_PER_CALL, refused, read).await;
        let mut groups = BTreeMap::new();
        for (names, answer) in answers {
            match answer {
                Ok(mut found) => groups.extend(names.into_iter().map(|name| {
                    let seen = found.remove(&name).map_or(Seen::Absent, Seen::Present);
                    (name, seen)
                })),
                Err(error) => {
                    groups.extend(names.into_iter().map(|name| (name, Seen::Unknown(error.clone().into()))));
                }
            }
        }
        let tagged =
            look.each(groups, |(name, group)| async move { (name, tagged(look, group).await) }).await;
        Self(tagged.into_iter().collect())
    }

    /// The log groups of one deployment.
    pub(super) fn of(&self, ask: &Ask<'_>) -> impl Iterator<Item = (ResourceId, Seen<ObservedResource>)> {
        let names: BTreeSet<&str> = names(ask).collect();
        names.into_iter().map(|name| {
            let seen = self.0.get(name).cloned().unwrap_or_default();
            (ResourceId::new(ResourceKind::LogGroup, name), seen)
        })
    }
}

async fn tagged(look: &Look<'_>, group: Seen<ObservedResource>) -> Seen<ObservedResource> {
    let Seen::Present(group) = group else { return group };
    // Without its tags nobody knows whose it is, so then it is not seen at all.
    seen(read::log_group_tags(look.clients, &group.arn).await.map(|tags| ObservedResource { tags, ..group }))
}

/// A log group's key is its name.
fn names<'a>(ask: &Ask<'a>) -> impl Iterator<Item = &'a str> {
    let ids = ask.desired.resources.keys().chain(ask.rollout.arns.keys());
    ids.filter(|id| id.kind == ResourceKind::LogGroup).map(|id| id.key.as_str())
}
