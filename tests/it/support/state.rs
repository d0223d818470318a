//! The file state store, watched: tests count saves, make them fail, and die at them.

use evenkeel::model::ids::DeploymentName;
use evenkeel::model::request::Request;
use evenkeel::model::status::Record;
use evenkeel::state::{Error, FileRecordStore, Loaded, RecordStore, Requests, StoreReport};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// When a save is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

type Observer = Arc<dyn Fn(Moment, &Record) + Send + Sync>;

/// What happens to saves: shared by all controllers of a world, also after a restart.
#[derive(Clone, Default)]
pub struct Saves {
    inner: Arc<Mutex<Inner>>,
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

    /// Tells every save of a record, before and after; may panic, as a controller dies that is
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
        Err(Error::Io { action: "write", path: PathBuf::from("state"), source })
    }
}

/// The file state store with its saves watched.
pub struct Watched {
    pub inner: FileRecordStore,
    pub saves: Saves,
}

impl RecordStore for Watched {
    async fn load_all(&self) -> Result<Loaded, Error> {
        self.inner.load_all().await
    }

    async fn load(&self, name: &DeploymentName) -> Result<Option<Record>, Error> {
        self.inner.load(name).await
    }

    async fn save(&self, record: &Record) -> Result<(), Error> {
        self.saves.room()?;
        self.saves.tell(Moment::Before, record);
        self.inner.save(record).await?;
        self.saves.tell(Moment::After, record);
        Ok(())
    }

    async fn delete(&self, name: &DeploymentName) -> Result<(), Error> {
        self.inner.delete(name).await
    }

    async fn requests(&self) -> Result<Requests, Error> {
        self.inner.requests().await
    }

    async fn put_request(&self, request: &Request) -> Result<(), Error> {
        self.inner.put_request(request).await
    }

    async fn withdraw_request(&self, request: &Request) -> Result<(), Error> {
        self.inner.withdraw_request(request).await
    }

    async fn save_report(&self, report: &StoreReport) -> Result<(), Error> {
        self.saves.room()?;
        self.inner.save_report(report).await
    }

    async fn load_report(&self) -> Result<Option<StoreReport>, Error> {
        self.inner.load_report().await
    }
}
