//! What `http` and the binaries may know of a running controller.

use super::metrics::Metrics;
use crate::model::condition::ConditionType;
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::status::{DeploymentStatus, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, info};

/// The loop counts as alive when it woke within this time.
const ALIVE_WITHIN: Duration = Duration::from_secs(120);

/// A cheap view of a running controller.
#[derive(Clone, Debug)]
pub struct Handle {
    inner: Arc<Mutex<Inner>>,
    metrics: Metrics,
    /// Counts changes of statuses.
    changes: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Inner {
    last_beat: Instant,
    store_read: bool,
    /// What is wrong with the store as a whole, an error each.
    store_errors: Vec<String>,
    /// Deployments without a pass since their declaration came into force: their status speaks of
    /// an earlier declaration, or of an earlier run.
    pending: BTreeSet<DeploymentName>,
    /// Why records could not be saved, by deployment; `None` is the report on the store.
    unsaved: BTreeMap<Option<DeploymentName>, String>,
    statuses: BTreeMap<DeploymentName, Arc<DeploymentStatus>>,
}

impl Handle {
    /// A view of a controller that has not started.
    pub fn new(metrics: Metrics) -> Self {
        let inner = Inner {
            last_beat: Instant::now(),
            store_read: false,
            store_errors: Vec::new(),
            pending: BTreeSet::new(),
            unsaved: BTreeMap::new(),
            statuses: BTreeMap::new(),
        };
        let changes = Arc::new(watch::Sender::new(0));
        Self { inner: Arc::new(Mutex::new(inner)), metrics, changes }
    }

    /// The loop woke.
    pub(super) fn beat(&self) {
        self.with(|inner| inner.last_beat = Instant::now());
    }

    /// The store was read, and what it declares is in force.
    pub(super) fn store_was_read(&self) {
        if !self.with(|inner| std::mem::replace(&mut inner.store_read, true)) {
            self.changed();
        }
    }

    /// What is wrong with the store as a whole; logged when it changes.
    pub(super) fn store_problems(&self, problems: &[Finding]) {
        let errors: Vec<String> =
            problems.iter().filter(|finding| finding.is_error()).map(Finding::to_string).collect();
        self.metrics.store_findings(errors.len(), problems.len() - errors.len());
        if self.with(|inner| std::mem::replace(&mut inner.store_errors, errors.clone()) == errors) {
            return;
        }
        for error in &errors {
            error!("spec store: {error}");
        }
        if errors.is_empty() {
            info!("spec store: no errors any more");
        }
        self.changed();
    }

    /// What is wrong with the spec store as a whole, an error each.
    pub fn store_errors(&self) -> Vec<String> {
        self.with(|inner| inner.store_errors.clone())
    }

    /// A declaration came into force: its status says nothing of it yet.
    pub(super) fn declared(&self, name: &DeploymentName) {
        self.with(|inner| inner.pending.insert(name.clone()));
    }

    /// The declaration in force had its first pass, or needs none.
    pub(super) fn reconciled(&self, name: &DeploymentName) {
        if self.with(|inner| inner.pending.remove(name)) {
            self.changed();
        }
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// The newest record of a deployment is saved; without a name, the report on the store is.
    pub(super) fn saved(&self, name: Option<&DeploymentName>) {
        self.with(|inner| {
            if !inner.unsaved.is_empty() {
                inner.unsaved.remove(&name.cloned());
            }
        });
    }

    /// The same could not be saved.
    pub(super) fn save_failed(&self, name: Option<&DeploymentName>, error: String) {
        self.with(|inner| inner.unsaved.insert(name.cloned(), error));
    }

    /// Deployments whose newest record is not saved.
    pub(super) fn unsaved(&self) -> Vec<DeploymentName> {
        self.with(|inner| inner.unsaved.keys().flatten().cloned().collect())
    }

    /// A record as it stands now.
    pub(super) fn publish(&self, record: &Record) {
        let Some(status) = &record.status else { return };
        let changed = self.with(|inner| match inner.statuses.get(&record.name) {
            Some(known) if known == status => false,
            _ => {
                inner.statuses.insert(record.name.clone(), Arc::clone(status));
                true
            }
        });
        if changed {
            self.changed();
        }
    }

    /// A deployment of which nothing is left.
    pub(super) fn forget(&self, name: &DeploymentName) {
        self.with(|inner| {
            inner.statuses.remove(name);
            inner.pending.remove(name);
            inner.unsaved.remove(&Some(name.clone()));
        });
        self.changed();
    }

    /// Counts things for the metrics.
    pub(super) fn sizes(&self, deployments: usize, queue: usize) {
        let ready = self.with(|inner| inner.statuses.values().filter(|status| is_ready(status)).count());
        self.metrics.sizes(deployments, ready, queue);
    }

    /// Where things are counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The newest status of every deployment.
    pub fn statuses(&self) -> Vec<Arc<DeploymentStatus>> {
        self.with(|inner| inner.statuses.values().cloned().collect())
    }

    /// Wakes whenever a status changes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether the spec store has been read.
    pub fn store_is_read(&self) -> bool {
        self.with(|inner| inner.store_read)
    }

    /// Whether the store was read and all that it declares had a pass, so that every status speaks
    /// of what is declared now.
    pub fn is_up_to_date(&self) -> bool {
        self.with(|inner| inner.store_read && inner.pending.is_empty())
    }

    /// Whether the loop turns; the reason when not.
    pub fn alive(&self) -> Result<(), String> {
        let idle = self.with(|inner| inner.last_beat.elapsed());
        if idle <= ALIVE_WITHIN {
            Ok(())
        } else {
            Err(format!("the loop has not last_beat for {} s", idle.as_secs()))
        }
    }

    /// Whether it does its work; the reason when not.
    pub fn ready(&self) -> Result<(), String> {
        self.with(|inner| {
            match (inner.unsaved.values().next(), inner.store_read, inner.store_errors.as_slice()) {
                (Some(error), _, _) => Err(error.clone()),
                (None, false, _) => Err("the spec store has not been read yet".to_owned()),
                (None, true, [first, more @ ..]) => {
                    let more =
                        if more.is_empty() { String::new() } else { format!(" (and {} more)", more.len()) };
                    Err(format!("spec store: {first}{more}"))
                }
                (None, true, []) => Ok(()),
            }
        })
    }

    fn with<T>(&self, access: impl FnOnce(&mut Inner) -> T) -> T {
        access(&mut self.inner.lock().expect("nothing panics while it holds the lock"))
    }
}

/// Whether a status says Ready.
pub fn is_ready(status: &DeploymentStatus) -> bool {
    status.is(ConditionType::Ready)
}

/// Whether nothing more happens by itself: ready, stalled, suspended or orphaned.
pub fn is_at_rest(status: &DeploymentStatus) -> bool {
    status.orphaned
        || [ConditionType::Ready, ConditionType::Stalled, ConditionType::Suspended]
            .into_iter()
            .any(|kind| status.is(kind))
}
