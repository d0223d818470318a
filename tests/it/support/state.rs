//! The file state store, watched: tests count saves, make them fail, and die at them.

use evenkeel::model::heartbeat::Heartbeat;
use evenkeel::model::ids::DeploymentName;
use evenkeel::model::request::Request;
use evenkeel::model::status::Record;
use evenkeel::state::{Error, FileRecordStore, Lease, Loaded, RecordStore, Requests, StoreReport};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::fmt;
use std::sync::{Arc, Mutex};

/// When a save is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

type Observer = Arc<dyn Fn(Moment, &Record) + Send + Sync>;

/// What happens to saves: shared by all controllers of a fixture, also after a restart.
#[derive(Clone, Default)]
pub struct Saves {
    inner: Arc<Mutex<Inner>>,
}

impl fmt::Debug for Saves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Saves")
    }
}

#[derive(Default)]
struct Inner {
    full: bool,
    observer: Option<Observer>,
}

impl Saves {
    /// From now on the disk is full, or no longer.
    pub fn full(&self, full: bool) {
        self.inner.lock().unwrap().full = full;
    }

    /// Reports every save of a record, before and after; may panic, as a controller dies that is
    /// killed there.
    pub fn on_save(&self, observer: impl Fn(Moment, &Record) + Send + Sync + 'static) {
        self.inner.lock().unwrap().observer = Some(Arc::new(observer));
    }

    fn tell(&self, moment: Moment, record: &Record) {
        let observer = self.inner.lock().unwrap().observer.clone();
        if let Some(observer) = observer {
            observer(moment, record);
        }
    }

    fn room(&self) -> Result<(), Error> {
        if !self.inner.lock().unwrap().full {
            return Ok(());
        }
        let source = std::io::Error::new(std::io::ErrorKind::StorageFull, "No space left on device");
        Err(Error::io("write", "state", source))
    }
}

/// The file state store with its saves watched.
#[derive(Debug)]
pub struct Watched {
    pub inner: FileRecordStore,
    pub saves: Saves,
}

impl RecordStore for Watched {
    fn hold<'a>(&'a self, holder: &'a str) -> BoxFuture<'a, Result<Lease, Error>> {
        self.inner.hold(holder)
    }

    fn load_all(&self) -> BoxFuture<'_, Result<Loaded, Error>> {
        self.inner.load_all()
    }

    fn load<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<Option<Record>, Error>> {
        self.inner.load(name)
    }

    fn save<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            self.saves.room()?;
            self.saves.tell(Moment::Before, record);
            self.inner.save(record).await?;
            self.saves.tell(Moment::After, record);
            Ok(())
        }
        .boxed()
    }

    fn delete<'a>(&'a self, name: &'a DeploymentName) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.delete(name)
    }

    fn requests(&self) -> BoxFuture<'_, Result<Requests, Error>> {
        self.inner.requests()
    }

    fn put_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.put_request(request)
    }

    fn withdraw_request<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<(), Error>> {
        self.inner.withdraw_request(request)
    }

    fn save_report<'a>(&'a self, report: &'a StoreReport) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            self.saves.room()?;
            self.inner.save_report(report).await
        }
        .boxed()
    }

    fn load_report(&self) -> BoxFuture<'_, Result<Option<StoreReport>, Error>> {
        self.inner.load_report()
    }

    fn beat<'a>(&'a self, heartbeat: &'a Heartbeat) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            self.saves.room()?;
            self.inner.beat(heartbeat).await
        }
        .boxed()
    }

    fn load_heartbeat(&self) -> BoxFuture<'_, Result<Option<Heartbeat>, Error>> {
        self.inner.load_heartbeat()
    }
}
