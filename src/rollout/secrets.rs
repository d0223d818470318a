//! Rotated secrets are left to settle before they roll tasks.

use crate::model::desired::{DesiredComponent, DesiredState, ResolvedState};
use crate::model::observed::{ObservedState, Seen};
use crate::model::rollout::{Revision, RolloutState, SecretVersion};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Seconds that a new version must have been the newest before it rolls anything: rotations come in
/// bursts (several secrets at once, or a rotation that is redone), and each roll replaces every
/// task.
pub const ROTATION_SETTLE_SECONDS: i64 = 30;

/// Decides which version of each secret is in force, and from which a change is pending.
///
/// The first version seen counts at once. A newer one counts once it has been the newest for
/// [`ROTATION_SETTLE_SECONDS`]. A secret that cannot be seen keeps its version: a failed
/// observation never rolls tasks.
pub fn settle_secrets(
    prior: &RolloutState,
    observed: &ObservedState,
    now: Timestamp,
) -> BTreeMap<String, SecretVersion> {
    let mut settled: BTreeMap<String, SecretVersion> = prior
        .secrets
        .iter()
        .filter(|(id, _)| observed.secrets.contains_key(*id) || observed.secrets.is_empty())
        .map(|(id, version)| (id.clone(), version.clone()))
        .collect();
    for (id, seen) in &observed.secrets {
        let Seen::Present(secret) = seen else { continue };
        let Some(newest) = &secret.version else { continue };
        let next = match settled.get(id) {
            None => SecretVersion { version: newest.clone(), pending: None },
            Some(known) => settle(known, newest, now),
        };
        settled.insert(id.clone(), next);
    }
    settled
}

/// Takes a rotated secret as it is by now for every component that is to get another content
/// anyway, or the same anew because its revision is gone: its new tasks read the newest version,
/// and would be replaced for nothing once that has settled. True when anything changed.
pub fn hasten_secrets(
    secrets: &mut BTreeMap<String, SecretVersion>,
    prior: &RolloutState,
    desired: &DesiredState,
    resolved: &ResolvedState,
    observed: &ObservedState,
) -> bool {
    let is_lost = |revision: &Revision| match observed.definitions.get(&revision.arn) {
        Some(Seen::Present(definition)) => definition.status != "ACTIVE",
        Some(Seen::Absent) => true,
        Some(Seen::NotRead | Seen::Unknown(_)) | None => false,
    };
    let is_new = |component: &&DesiredComponent| {
        let wanted = resolved.components.get(&component.name).and_then(|one| one.definition.as_ref());
        let known = prior.components.get(&component.name).and_then(|known| known.revision.as_ref());
        wanted.is_some_and(|wanted| known.is_none_or(|known| known.hash != wanted.hash || is_lost(known)))
    };
    let mut changed = false;
    for using in desired.components.values().filter(is_new).flat_map(|component| &component.secrets) {
        if let Some(known) = secrets.get_mut(&using.secret_id).filter(|_| using.restarts)
            && let Some((newest, _)) = known.pending.take()
        {
            known.version = newest;
            changed = true;
        }
    }
    changed
}

fn settle(known: &SecretVersion, newest: &str, now: Timestamp) -> SecretVersion {
    if known.version == newest {
        return SecretVersion { version: known.version.clone(), pending: None };
    }
    match &known.pending {
        Some((pending, since)) if pending == newest => {
            if now.duration_since(*since) >= SignedDuration::from_secs(ROTATION_SETTLE_SECONDS) {
                SecretVersion { version: newest.to_owned(), pending: None }
            } else {
                // The clock may have been ahead when it was stored.
                let since = (*since).min(now);
                SecretVersion { version: known.version.clone(), pending: Some((newest.to_owned(), since)) }
            }
        }
        _ => SecretVersion { version: known.version.clone(), pending: Some((newest.to_owned(), now)) },
    }
}
