//! Records in memory.

use super::lease::Lease;
use super::{Error, Loaded, RecordStore, Requests, StoreReport};
use crate::model::heartbeat::Heartbeat;
use crate::model::ids::DeploymentName;
use crate::model::request::Request;
use crate::model::status::Record;
use futures_util::future::{BoxFuture, FutureExt, ready};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What errors call it.
const PLACE: &str = "memory:";

/// Records that are gone with the process. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct MemoryRecords {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    records: BTreeMap<DeploymentName, Record>,
    /// By deployment and slot.
    requests: BTreeMap<(DeploymentName, String), Request>,
    report: Option<StoreReport>,
    heartbeat: Option<Heartbeat>,
    /// Of the newest lease.
    token: u64,
    /// Alive as long as the store that has the newest lease.
    holder: Weak<Lease>,
}

impl MemoryRecords {
    /// What one controller, or one reader, opens.
    pub fn open(&self) -> MemoryRecordStore {
        MemoryRecordStore { place: self.clone(), lease: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records in memory as one controller, or one reader, sees them.
#[derive(Debug)]
pub struct MemoryRecordStore {
    place: MemoryRecords,
    lease: Mutex<Option<Arc<Lease>>>,
}

impl MemoryRecordStore {
    fn take(&self, holder: &str) -> Result<Lease, Error> {
        let mut own = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = &*own {
            return Ok(Lease::clone(lease));
        }
        let mut inner = self.place.lock();
        if inner.holder.strong_count() > 0 {
            return Err(Error::held(PLACE));
        }
        let lease = Arc::new(Lease::after(inner.token, holder));
        inner.token = lease.token();
        inner.holder = Arc::downgrade(&lease);
        *own = Some(Arc::clone(&lease));
        Ok(Lease::clone(&lease))
    }

    /// Changes something, if the lease still holds.
    fn write(&self, change: impl FnOnce(&mut Inner)) -> Result<(), Error> {
        let own = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inner = self.place.lock();
        let Some(lease) = &*own else { return Err(Error::lost(PLACE)) };
        lease.seen(lease.token() == inner.token);
        if !lease.holds() {
            return Err(Error::lost(PLACE));
        }
        change(&mut inner);
        Ok(())
    }
}

fn at_once<'a, T: Send + 'a>(result: T) -> BoxFuture<'a, T> {
    ready(result).boxed()
}

impl RecordStore for MemoryRecordStore {
    fn hold<'a>(&'a self, holder: &'a str) -> BoxFuture<'a, Result<Lease, Error>> {
        at_once(self.take(holder))
    }

    fn load_all(&self) -> BoxFuture<'_, Result<Loaded, Error>> {
        let records = self.place.lock().records.values().cloned().collect();
        at_once(Ok(Loaded { records, damaged: Vec::new() }))
    }

    fn load<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<Option<Record>, Error>> {
        at_once(Ok(self.place.lock().records.get(name).cloned()))
    }

    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Error>> {
        at_once(self.write(|inner| {
            inner.records.insert(record.name.clone(), record.clone());
        }))
    }

    fn delete<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<(), Error>> {
        at_once(self.write(|inner| {
            inner.requests.retain(|(of, _), _| of != name);
            inner.records.remove(name);
        }))
    }

    fn requests(&self) -> BoxFuture<'_, Result<Requests, Error>> {
        let requests = self.place.lock().requests.values().cloned().collect();
        at_once(Ok(Requests { requests, damaged: Vec::new() }))
    }

    fn put_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>> {
        let key = (request.deployment.clone(), request.slot());
        self.place.lock().requests.insert(key, request.clone());
        at_once(Ok(()))
    }

    fn withdraw_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>> {
        self.place.lock().requests.retain(|_, known| known != request);
        at_once(Ok(()))
    }

    fn save_report<'a>(&'a self, report: &'a StoreReport) -> BoxFuture<'a, Result<(), Error>> {
        at_once(self.write(|inner| inner.report = Some(report.clone())))
    }

    fn load_report(&self) -> BoxFuture<'_, Result<Option<StoreReport>, Error>> {
        at_once(Ok(self.place.lock().report.clone()))
    }

    fn beat<'a>(&'a self, heartbeat: &'a Heartbeat) -> BoxFuture<'a, Result<(), Error>> {
        at_once(self.write(|inner| inner.heartbeat = Some(heartbeat.clone())))
    }

    fn load_heartbeat(&self) -> BoxFuture<'_, Result<Option<Heartbeat>, Error>> {
        at_once(Ok(self.place.lock().heartbeat.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ErrorKind;

    #[tokio::test]
    async fn what_a_controller_writes_after_a_newer_one_took_over_is_refused() {
        let place = MemoryRecords::default();
        let store = place.open();
        let lease = store.hold("one").await.unwrap();
        place.lock().token += 1;
        let error = store.save(&Record::new("shop".into())).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Held);
        assert!(!lease.holds());
        assert!(store.load_all().await.unwrap().records.is_empty());
    }
}
