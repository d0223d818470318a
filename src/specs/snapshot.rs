//! Everything that a store declares at one moment, and the memory that makes a broken edit
//! harmless.

use super::document::{FileContent, StoredDocument};
use super::scan::Scan;
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a document must be absent before it counts as removed: editors and deployment tools
/// take files away for moments.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// Everything that a store declares at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The documents in force, by name: as they stand in the store, or in their last good version.
    pub documents: BTreeMap<DeploymentName, Arc<StoredDocument>>,
    /// Those of them that the store does not hold at this look: they are back in a moment, or gone.
    pub absent: BTreeSet<DeploymentName>,
    /// Those of the absent ones of which the next look, a second later, tells whether they are
    /// gone.
    pub settling: BTreeSet<DeploymentName>,
    /// Names whose text in the store is refused, with everything that is wrong with it. Where a
    /// good version was seen before, that one is in `documents`. A second document that claims a
    /// name is here too.
    pub refused: BTreeMap<DeploymentName, Vec<Finding>>,
    /// What could be read of refused texts, to be checked for sense and for nothing else (see
    /// [`super::Refused::partial`]).
    pub partial: BTreeMap<DeploymentName, Arc<StoredDocument>>,
    /// What is wrong with the store itself or with texts whose document has no readable name.
    pub problems: Vec<Finding>,
    /// Whether something could not be read, so that absence proves nothing.
    pub incomplete: bool,
}

impl Snapshot {
    /// Whether the store certainly no longer holds a document of this name.
    pub fn is_gone(&self, name: &DeploymentName) -> bool {
        !self.incomplete && !self.documents.contains_key(name) && !self.refused.contains_key(name)
    }

    /// Whether the store certainly holds nothing at all, good or refused.
    pub fn is_empty(&self) -> bool {
        !self.incomplete && self.documents.is_empty() && self.refused.is_empty()
    }

    /// This store with the documents of another one in the place of its own of the same names: as
    /// it will be once they are in it. What is wrong is told of the other one alone.
    #[must_use]
    pub fn with(mut self, given: Self) -> Self {
        let is_given =
            |name: &DeploymentName| given.documents.contains_key(name) || given.refused.contains_key(name);
        self.documents.retain(|name, _| !is_given(name));
        self.refused.retain(|name, _| !is_given(name));
        self.partial.retain(|name, _| !is_given(name));
        self.documents.extend(given.documents);
        self.refused.extend(given.refused);
        self.partial.extend(given.partial);
        Self { problems: given.problems, incomplete: given.incomplete || self.incomplete, ..self }
    }

    /// Every finding there is, those of the store first.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.problems.iter().chain(self.refused.values().flatten())
    }
}

impl From<Scan> for Snapshot {
    /// What a scan shows by itself, without a memory of what was good before.
    fn from(scan: Scan) -> Self {
        claims(scan, &BTreeMap::new())
    }
}

/// What was good before: what makes a broken edit harmless, and a moment's absence.
#[derive(Debug, Default)]
pub struct LastGood {
    good: BTreeMap<DeploymentName, Arc<StoredDocument>>,
    absent_since: BTreeMap<DeploymentName, Instant>,
    /// The file that each name was last declared in, also before this process.
    holders: BTreeMap<DeploymentName, String>,
}

impl LastGood {
    /// When the next document that is absent counts as removed.
    pub fn next_settled(&self) -> Option<Instant> {
        self.absent_since.values().min().map(|since| *since + SETTLE)
    }

    /// Names whose documents are in force from before this process, with the files that they stand
    /// in.
    pub fn hold(&mut self, holders: BTreeMap<DeploymentName, String>) {
        self.holders = holders;
    }

    /// Makes a snapshot of what a scan found and of what was good before.
    pub fn merge(&mut self, scan: Scan, now: Instant) -> Snapshot {
        let mut snapshot = claims(scan, &self.holders);
        let seen = |name: &DeploymentName| {
            snapshot.documents.contains_key(name) || snapshot.refused.contains_key(name)
        };
        self.absent_since.retain(|name, _| !seen(name));
        let (mut kept, mut absent) = (Vec::new(), BTreeSet::new());
        let mut settling = BTreeSet::new();
        for (name, declared) in &self.good {
            let keep = if seen(name) {
                !snapshot.documents.contains_key(name)
            } else if snapshot.incomplete {
                self.absent_since.remove(name);
                true
            } else {
                let since = *self.absent_since.entry(name.clone()).or_insert(now);
                let settles = now.duration_since(since) < SETTLE;
                if settles {
                    settling.insert(name.clone());
                }
                settles
            };
            if keep && !seen(name) {
                absent.insert(name.clone());
            }
            if keep {
                kept.push((name.clone(), declared.clone()));
            }
        }
        // While some that are absent still count as there, one that does not must not look as if it
        // were gone alone.
        snapshot.incomplete |= !settling.is_empty();
        snapshot.documents.extend(kept);
        (snapshot.absent, snapshot.settling) = (absent, settling);
        self.good.clone_from(&snapshot.documents);
        for (name, declared) in &self.good {
            let file = &declared.source.file;
            if self.holders.get(name) != Some(file) {
                self.holders.insert(name.clone(), file.clone());
            }
        }
        self.absent_since.retain(|name, _| self.good.contains_key(name));
        snapshot
    }
}

/// Gives each name to the file that had it before, as long as that claims it; else to the first
/// file that does, in the order of paths. What runs is not taken over by a file that is called
/// otherwise.
fn claims(scan: Scan, holders: &BTreeMap<DeploymentName, String>) -> Snapshot {
    let mut snapshot =
        Snapshot { problems: scan.problems, incomplete: scan.incomplete, ..Snapshot::default() };
    let owners = owners(&scan.items, holders);
    for (file, content) in &scan.items {
        for declared in &content.documents {
            let name = &declared.name;
            match owners.get(name) {
                Some(owner) if *owner != (file.as_str(), declared.source.line) => {
                    let finding = claimed_twice(declared, &format!("{}:{}", owner.0, owner.1));
                    snapshot.refused.entry(name.clone()).or_default().push(finding);
                }
                _ => {
                    snapshot.documents.insert(name.clone(), declared.clone());
                }
            }
        }
        for refused in &content.refused {
            let Some(name) = &refused.name else {
                snapshot.problems.extend(refused.findings.iter().cloned());
                snapshot.incomplete = true;
                continue;
            };
            snapshot.refused.entry(name.clone()).or_default().extend(refused.findings.iter().cloned());
            if let Some(partial) = &refused.partial {
                snapshot.partial.insert(name.clone(), Arc::clone(partial));
            }
        }
    }
    snapshot
}

/// The file and line that each name belongs to.
fn owners<'s>(
    items: &'s BTreeMap<String, Arc<FileContent>>,
    holders: &BTreeMap<DeploymentName, String>,
) -> BTreeMap<&'s DeploymentName, (&'s str, u32)> {
    let mut owners: BTreeMap<&DeploymentName, (&str, u32)> = BTreeMap::new();
    for (file, content) in items {
        let refused = content.refused.iter().filter_map(|refused| {
            let line =
                refused.findings.first().and_then(|finding| finding.place.as_ref()).map_or(1, |p| p.line);
            Some((refused.name.as_ref()?, line))
        });
        let documents = content.documents.iter().map(|declared| (&declared.name, declared.source.line));
        for (name, line) in documents.chain(refused) {
            let holds = |file: &str| holders.get(name).is_some_and(|holder| holder == file);
            let takes = owners.get(name).is_none_or(|(owner, _)| holds(file) && !holds(owner));
            if takes {
                owners.insert(name, (file.as_str(), line));
            }
        }
    }
    owners
}

fn claimed_twice(declared: &StoredDocument, other: &str) -> Finding {
    let mut finding = Finding::error(
        "metadata.name",
        format!("`{}` is already declared in {other}", declared.name),
        "names are unique in the whole store, whatever the kind; rename or remove one of the two",
    );
    finding.place = declared.places.place("metadata.name");
    finding
}
