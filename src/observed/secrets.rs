//! Secrets: whether they exist and which version is current. Never their values.

use super::collector::Ask;
use super::look::{Look, seen};
use crate::aws::secrets::read;
use crate::model::observed::{ObservedSecret, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// The secrets of a batch of deployments, by id as declared.
pub(super) struct Secrets(BTreeMap<String, Seen<ObservedSecret>>);

impl Secrets {
    /// Looks at every secret that a component uses, each once.
    pub(super) async fn read(look: &Look<'_>, asks: &[Ask<'_>]) -> Self {
        let ids: BTreeSet<&str> = asks.iter().flat_map(ids).collect();
        let read = |id: &str| {
            let id = id.to_owned();
            async move {
                let answer = read::describe_secret(look.clients, &id).await;
                (id, seen(answer))
            }
        };
        Self(look.each(ids, read).await.into_iter().collect())
    }

    /// The secrets of one deployment.
    pub(super) fn of(&self, ask: &Ask<'_>) -> BTreeMap<String, Seen<ObservedSecret>> {
        ids(ask).map(|id| (id.to_owned(), self.0.get(id).cloned().unwrap_or_default())).collect()
    }
}

fn ids<'a>(ask: &Ask<'a>) -> impl Iterator<Item = &'a str> {
    ask.desired
        .components
        .values()
        .flat_map(|component| &component.secrets)
        .map(|usage| usage.secret_id.as_str())
}
