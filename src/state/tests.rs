//! Records in files: whole or old, never guessed at, one controller at a time.

use super::{
    Error, ErrorKind, FileRecordStore, MemoryRecords, RecordStore, StoreReport, open, open_existing,
};
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::location::Location;
use crate::model::request::{Request, RequestKind};
use crate::model::status::{Event, EventKind, EventReason, Record};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

fn record(name: &str) -> Record {
    let event = Event {
        at: Timestamp::UNIX_EPOCH,
        kind: EventKind::Normal,
        reason: EventReason::Ready,
        object: String::new(),
        message: "all is well".to_owned(),
        count: 1,
    };
    Record { events: vec![event], ..Record::new(name.into()) }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn load(state: &dyn RecordStore, name: &str) -> Result<Option<Record>, Error> {
    state.load(&DeploymentName::from(name)).await
}

async fn held(folder: impl Into<PathBuf>) -> FileRecordStore {
    let state = FileRecordStore::new(folder);
    state.hold("test").await.unwrap();
    state
}

fn request(name: &str, kind: RequestKind) -> Request {
    let (by, reason) = ("ops".to_owned(), "incident 42".to_owned());
    Request { deployment: name.into(), kind, by, reason, at: "2026-06-01T12:00:00Z".parse().unwrap() }
}

fn retry(component: Option<&str>) -> RequestKind {
    RequestKind::Retry { component: component.map(Into::into) }
}

async fn requests(state: &dyn RecordStore) -> Vec<Request> {
    state.requests().await.unwrap().requests
}

/// Opens one store of records as often as a test wants.
struct StoreFactory {
    open: Box<dyn Fn() -> Arc<dyn RecordStore>>,
    _folder: Option<TempDir>,
}

/// One store of each kind: the contract holds for all of them.
fn stores() -> [StoreFactory; 2] {
    let dir = TempDir::new().unwrap();
    let location = Location::File(dir.path().join("new/state"));
    let memory = MemoryRecords::default();
    [
        StoreFactory { open: Box::new(move || open(&location)), _folder: Some(dir) },
        StoreFactory { open: Box::new(move || Arc::new(memory.open())), _folder: None },
    ]
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_kept() {
    for store in stores() {
        let state = (store.open)();
        state.hold("one").await.unwrap();
        assert_eq!(load(&*state, "shop").await.unwrap(), None);
        state.save(&record("shop")).await.unwrap();
        state.save(&record("api")).await.unwrap();
        let reader = (store.open)();
        assert_eq!(load(&*reader, "shop").await.unwrap(), Some(record("shop")));
        let all = reader.load_all().await.unwrap();
        assert_eq!(all.records, vec![record("api"), record("shop")]);
        assert!(all.damaged.is_empty());
    }
}

#[tokio::test]
async fn one_controller_holds_a_place_and_each_lease_exceeds_the_one_before() {
    for store in stores() {
        let first = (store.open)();
        let lease = first.hold("first").await.unwrap();
        assert_eq!(first.hold("first").await.unwrap().token(), lease.token(), "it has it already");
        let second = (store.open)();
        let error = second.hold("second").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Held);
        assert!(error.to_string().contains("another controller"), "{error}");
        drop(first);
        assert!(second.hold("second").await.unwrap().token() > lease.token());
    }
}

#[tokio::test]
async fn what_is_not_held_is_read_and_never_written() {
    for store in stores() {
        let holder = (store.open)();
        holder.hold("one").await.unwrap();
        let state = (store.open)();
        let shop = DeploymentName::from("shop");
        let refused = [
            state.save(&record("shop")).await,
            state.delete(&shop).await,
            state.save_report(&StoreReport::default()).await,
        ];
        for refused in refused {
            assert_eq!(refused.unwrap_err().kind, ErrorKind::Held);
        }
        assert!(state.load_all().await.unwrap().records.is_empty());
    }
}

#[tokio::test]
async fn a_request_lasts_until_it_is_withdrawn_or_the_record_is_deleted() {
    for store in stores() {
        let state = (store.open)();
        state.hold("one").await.unwrap();
        let person = (store.open)();
        let until = "2026-06-01T13:00:00Z".parse().unwrap();
        let pause = request("shop", RequestKind::Pause { until });
        let all = [
            request("shop", RequestKind::ConfirmDeletion),
            pause.clone(),
            request("shop", retry(Some("web"))),
            request("shop", retry(Some("a.b"))),
            request("shop", retry(None)),
        ];
        state.save(&record("shop")).await.unwrap();
        for request in &all {
            person.put_request(request).await.unwrap();
        }
        person.put_request(&request("shop.retry", RequestKind::Resume)).await.unwrap();
        let found = requests(&*state).await;
        assert!(found.len() == 6 && all.iter().all(|request| found.contains(request)), "{found:?}");
        assert_eq!(state.load_all().await.unwrap().records.len(), 1, "a request is no record");
        // What has replaced it is not withdrawn with it.
        let resume = request("shop", RequestKind::Resume);
        person.put_request(&resume).await.unwrap();
        state.withdraw_request(&pause).await.unwrap();
        assert!(requests(&*state).await.contains(&resume));
        state.withdraw_request(&resume).await.unwrap();
        assert_eq!(requests(&*state).await.len(), 5);
        state.delete(&"shop".into()).await.unwrap();
        assert_eq!(requests(&*state).await, [request("shop.retry", RequestKind::Resume)]);
        assert_eq!(load(&*state, "shop").await.unwrap(), None);
        state.delete(&"shop".into()).await.unwrap();
    }
}

#[tokio::test]
async fn a_confirmation_of_an_earlier_version_is_read_and_withdrawn() {
    let dir = TempDir::new().unwrap();
    let state = held(dir.path()).await;
    std::fs::write(dir.path().join("shop.confirmed"), "").unwrap();
    let found = requests(&state).await;
    assert!(found.len() == 1 && found[0].is_confirmation() && found[0].deployment.as_str() == "shop");
    state.withdraw_request(&found[0]).await.unwrap();
    assert!(requests(&state).await.is_empty());
}

#[tokio::test]
async fn a_damaged_request_hides_no_other_one() {
    let dir = TempDir::new().unwrap();
    let state = held(dir.path()).await;
    let resume = request("shop", RequestKind::Resume);
    state.put_request(&resume).await.unwrap();
    std::fs::write(dir.path().join("shop.retry.request"), "half").unwrap();
    let found = state.requests().await.unwrap();
    assert_eq!((found.requests, found.damaged.len()), (vec![resume.clone()], 1));
    state.withdraw_request(&resume).await.unwrap();
    assert!(requests(&state).await.is_empty());
}

#[tokio::test]
async fn a_folder_that_was_replaced_is_written_no_more_until_it_is_back() {
    let dir = TempDir::new().unwrap();
    let (folder, aside) = (dir.path().join("state"), dir.path().join("aside"));
    let first = FileRecordStore::new(&folder);
    let lease = first.hold("first").await.unwrap();
    std::fs::rename(&folder, &aside).unwrap();
    let second = held(&folder).await;
    assert_eq!(first.save(&record("shop")).await.unwrap_err().kind, ErrorKind::Held);
    assert!(!lease.holds());
    second.save(&record("shop")).await.unwrap();
    drop(second);
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    first.save(&record("shop")).await.unwrap();
    assert!(lease.holds());
}

#[tokio::test]
async fn a_lease_with_a_greater_token_ends_the_one_before() {
    let dir = TempDir::new().unwrap();
    let state = FileRecordStore::new(dir.path());
    let lease = state.hold("first").await.unwrap();
    let newer = super::lease::Term { holder: "second".to_owned(), token: lease.token() + 1 };
    std::fs::write(dir.path().join(".lease"), super::encode(&newer)).unwrap();
    let error = state.save(&record("shop")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Held);
    assert!(!lease.holds());
    assert_eq!(names(dir.path()), [".lease", ".lock"]);
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_harmless() {
    let dir = TempDir::new().unwrap();
    let state = held(dir.path()).await;
    state.save(&record("shop")).await.unwrap();
    std::fs::write(dir.path().join(".shop.json.tmp"), "{\"format\": 1, \"chec").unwrap();
    let all = state.load_all().await.unwrap();
    assert_eq!((all.records.len(), all.damaged.len()), (1, 0));
    state.save(&record("shop")).await.unwrap();
    assert_eq!(names(dir.path()), [".lease", ".lock", "shop.json"]);
}

#[tokio::test]
async fn a_damaged_file_is_reported_and_kept_aside_once() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("shop.json");
    let state = held(dir.path()).await;
    state.save(&record("shop")).await.unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    let truncated = whole[..whole.len() / 2].to_owned();
    let changed = whole.replace("all is well", "all is lost");
    for (number, (damage, why)) in
        [(truncated, "not a whole record"), (changed, "checksum"), (String::new(), "not a whole")]
            .into_iter()
            .enumerate()
    {
        std::fs::write(&path, &damage).unwrap();
        state.save(&record("api")).await.unwrap();
        let all = state.load_all().await.unwrap();
        assert_eq!(all.records, vec![record("api")], "the others are not touched");
        let [found] = all.damaged.as_slice() else { panic!("{:?}", all.damaged) };
        assert!(found.error.to_string().contains(why), "{found:?}");
        assert_eq!(found.deployment, Some("shop".into()));
        assert_eq!(state.load_all().await.unwrap().damaged.len(), 1, "as long as it lies there");
        state.save(&record("shop")).await.unwrap();
        let aside = dir.path().join(format!("shop.json.damaged-{}", number + 1));
        assert_eq!(std::fs::read_to_string(aside).unwrap(), damage);
        assert!(state.load_all().await.unwrap().damaged.is_empty(), "it is reported once");
    }
    assert_eq!(load(&state, "shop").await.unwrap(), Some(record("shop")));
}

#[tokio::test]
async fn a_file_of_a_newer_format_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("shop.json");
    let state = held(dir.path()).await;
    // A newer format may be quite different.
    for newer in [r#"{"format": 2, "parts": [1, 2]}"#, r#"{"format": 2, "checksum": "", "content": {}}"#] {
        std::fs::write(&path, newer).unwrap();
        let error = state.load_all().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooNew);
        assert!(error.to_string().contains("format 2, this version reads up to 1"), "{error}");
        assert!(error.to_string().contains("run the newer version"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
    }
}

#[tokio::test]
async fn a_folder_stays_held_while_a_part_of_its_store_works() {
    let dir = TempDir::new().unwrap();
    let first = held(dir.path()).await;
    let clone = first.clone();
    drop(first);
    assert!(FileRecordStore::new(dir.path()).hold("second").await.is_err(), "a part of it still works");
    drop(clone);
    held(dir.path()).await;
}

#[tokio::test]
async fn a_reader_locks_nothing_and_moves_nothing() {
    let dir = TempDir::new().unwrap();
    let writer = held(dir.path()).await;
    let reader = FileRecordStore::existing(dir.path()).unwrap();
    writer.save(&record("shop")).await.unwrap();
    assert_eq!(load(&reader, "shop").await.unwrap(), Some(record("shop")));
    std::fs::write(dir.path().join("shop.json"), "{").unwrap();
    for _ in 0..2 {
        assert_eq!(load(&reader, "shop").await.unwrap_err().kind, ErrorKind::Damaged);
        assert_eq!(reader.load_all().await.unwrap().damaged.len(), 1);
    }
    assert_eq!(names(dir.path()), [".lease", ".lock", "shop.json"]);
}

#[tokio::test]
async fn names_that_are_no_file_names_stay_inside_the_folder() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("state");
    let state = held(&folder).await;
    let odd = ["../shop", "a/b", ".hidden", "", "SHOP", "sh op", "ключ", &"x".repeat(400), "store-report"];
    for name in odd {
        state.save(&record(name)).await.unwrap();
        let component = "c".repeat(300);
        state.put_request(&request(name, retry(Some(&component)))).await.unwrap();
        assert_eq!(load(&state, name).await.unwrap(), Some(record(name)), "{name}");
    }
    state.save_report(&StoreReport::default()).await.unwrap();
    assert_eq!(names(dir.path()), ["state"]);
    assert_eq!(state.load_all().await.unwrap().records.len(), odd.len());
    for name in odd {
        state.delete(&name.into()).await.unwrap();
    }
    assert_eq!(names(&folder), [".lease", ".lock", "_store-report.json"]);
}

#[tokio::test]
async fn the_report_of_the_store_is_kept_beside_the_records() {
    let dir = TempDir::new().unwrap();
    let state = held(dir.path()).await;
    assert_eq!(state.load_report().await.unwrap(), None);
    let report = StoreReport {
        problems: vec![Finding::warning("", "odd", "")],
        prune_held: Some("too many are gone at once".to_owned()),
    };
    state.save_report(&report).await.unwrap();
    assert_eq!(state.load_report().await.unwrap(), Some(report));
    assert!(state.load_all().await.unwrap().records.is_empty());
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("nowhere");
    let error = open_existing(&Location::File(missing.clone())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
    let error = error.to_string();
    assert!(error.contains("cannot read the records in") && error.contains("nowhere"), "{error}");
    assert!(!missing.exists(), "who only reads makes nothing");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = FileRecordStore::new(&file).hold("test").await.unwrap_err().to_string();
    assert!(error.contains("cannot make the folder for records"), "{error}");
    let state = held(dir.path().join("state")).await;
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    assert_eq!(state.load_all().await.unwrap_err().kind, ErrorKind::Io);
    let error = state.save(&record("shop")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Held);
    assert!(error.to_string().contains("it was replaced"), "{error}");
}

#[tokio::test]
async fn a_folder_in_the_place_of_a_request_holds_nothing_up_and_is_said_as_what_it_is() {
    let dir = TempDir::new().unwrap();
    let state = held(dir.path()).await;
    std::fs::create_dir(dir.path().join("shop.retry.request")).unwrap();
    let found = state.requests().await.unwrap();
    let [damaged] = found.damaged.as_slice() else { panic!("{found:?}") };
    assert_eq!((damaged.deployment.as_str(), damaged.slot.as_str()), ("shop", "retry"));
    let text = damaged.error.to_string();
    assert!(text.contains("shop.retry.request` cannot be used; delete it, and ask again"), "{text}");
}

#[tokio::test]
async fn records_are_read_by_nobody_else_for_documents_hold_what_they_say() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("deep/state");
    let state = held(&inner).await;
    state.save(&record("shop")).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    for name in names(&inner) {
        assert_eq!(mode(&inner.join(&name)) & 0o077, 0, "{name}");
    }
}
