//! Secrets: whether they exist and which version is current. Never their values.

use super::kept::Kept;
use super::reader::{Reader, seen_or_absent};
use super::request::ObservationRequest;
use crate::aws::secrets::read;
use crate::model::observed::{ObservedSecret, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// The secrets of a batch of deployments, by id as declared.
pub(super) struct Secrets(BTreeMap<String, Seen<ObservedSecret>>);

impl Secrets {
    /// Reads every secret that a component uses, each once, but those that are kept.
    pub(super) async fn read(reader: &Reader<'_>, requests: &[ObservationRequest<'_>]) -> Self {
        let kept = requests.iter().filter_map(|request| request.kept).flat_map(Kept::secrets);
        let mut all: BTreeMap<String, Seen<ObservedSecret>> =
            kept.map(|(id, secret)| (id.clone(), Seen::Present(secret.clone()))).collect();
        let ids: BTreeSet<&str> = requests.iter().flat_map(ids).filter(|id| !all.contains_key(*id)).collect();
        let read = |id: &str| {
            let id = id.to_owned();
            async move {
                let answer = read::describe_secret(reader.clients, &id).await;
                (id, seen_or_absent(answer))
            }
        };
        let read = reader.each(ids, read).await;
        all.extend(read);
        Self(all)
    }

    /// The secrets of one deployment.
    pub(super) fn of(&self, request: &ObservationRequest<'_>) -> BTreeMap<String, Seen<ObservedSecret>> {
        ids(request).map(|id| (id.to_owned(), self.0.get(id).cloned().unwrap_or_default())).collect()
    }
}

fn ids<'a>(request: &ObservationRequest<'a>) -> impl Iterator<Item = &'a str> {
    request
        .desired
        .components
        .values()
        .flat_map(|component| &component.secrets)
        .map(|usage| usage.secret_id.as_str())
}
