//! What the file state store needs of a disk: so that a simulated one can fail, be full, and forget
//! what was not synced.

use std::fmt::Debug;
use std::fs::{DirBuilder, File, Metadata, TryLockError};
use std::future::Future;
use std::io;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A disk. Each method is one step that either happens or does not; what a power cut leaves of it
/// is said with each.
pub trait Disk: Clone + Debug + Send + Sync + 'static {
    /// Kept for as long as a folder is locked; dropping it unlocks.
    type Lock: Debug + Send + Sync + 'static;

    /// Does work that may wait for the disk, without holding up the loop.
    fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> + Send;

    /// Makes a folder with all that lead to it, where it is missing.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;

    /// Locks by a file that is made when it is missing; `None` while somebody else holds the lock.
    fn lock(&self, path: &Path) -> io::Result<Option<Self::Lock>>;

    /// Whether a lock is still that of the file at this path, and not of one that was removed or
    /// replaced.
    fn is_locked(&self, lock: &Self::Lock, path: &Path) -> bool;

    /// The paths in a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// A file's content.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Whether there is such a path.
    fn exists(&self, path: &Path) -> bool;

    /// Replaces a file's content and syncs it. Cut off, it leaves any beginning of the new content,
    /// or nothing.
    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Renames a file, over another one if it must. Cut off before the folder is synced, it may be
    /// undone.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes renames and removals in a folder last.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Removes a file. Cut off before the folder is synced, it may be undone.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The disk of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    type Lock = File;

    async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        tokio::task::spawn_blocking(work).await.expect("file work does not panic")
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        // Documents are in the records, with the values of their variables.
        DirBuilder::new().recursive(true).mode(0o700).create(folder)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<File>> {
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn is_locked(&self, lock: &File, path: &Path) -> bool {
        let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
        let (locked, there) = (lock.metadata().map(identity), std::fs::metadata(path).map(identity));
        locked.is_ok_and(|locked| there.is_ok_and(|there| there == locked))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(std::fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}
