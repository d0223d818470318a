//! Records in files: whole or old, never guessed at, one controller at a time.

use super::{Error, FileRecordStore, RecordStore, StoreReport};
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
use crate::model::request::{Request, RequestKind};
use crate::model::status::{Event, EventKind, Record};
use jiff::Timestamp;
use std::path::Path;
use tempfile::TempDir;

fn record(name: &str) -> Record {
    let event = Event {
        at: Timestamp::UNIX_EPOCH,
        kind: EventKind::Normal,
        reason: "Reconciled".to_owned(),
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

async fn load(state: &FileRecordStore, name: &str) -> Result<Option<Record>, Error> {
    state.load(&DeploymentName::from(name)).await
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_kept() {
    let dir = TempDir::new().unwrap();
    let state = FileRecordStore::open(dir.path().join("new/state")).unwrap();
    assert_eq!(load(&state, "shop").await.unwrap(), None);
    state.save(&record("shop")).await.unwrap();
    state.save(&record("api")).await.unwrap();
    assert_eq!(load(&state, "shop").await.unwrap(), Some(record("shop")));
    let all = state.load_all().await.unwrap();
    assert_eq!(all.records, vec![record("api"), record("shop")]);
    assert!(all.damaged.is_empty());
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_harmless() {
    let dir = TempDir::new().unwrap();
    let state = FileRecordStore::open(dir.path()).unwrap();
    state.save(&record("shop")).await.unwrap();
    std::fs::write(dir.path().join(".shop.json.tmp"), "{\"format\": 1, \"chec").unwrap();
    let all = state.load_all().await.unwrap();
    assert_eq!((all.records.len(), all.damaged.len()), (1, 0));
    state.save(&record("shop")).await.unwrap();
    assert_eq!(names(dir.path()), [".lock", "shop.json"]);
}

#[tokio::test]
async fn a_damaged_file_is_reported_and_kept_aside_once() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("shop.json");
    let state = FileRecordStore::open(dir.path()).unwrap();
    state.save(&record("shop")).await.unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    let truncated = whole[..whole.len() / 2].to_owned();
    let changed = whole.replace("\"Reconciled\"", "\"reconciled\"");
    for (number, (damage, why)) in
        [(truncated, "not a whole state file"), (changed, "checksum"), (String::new(), "not a whole")]
            .into_iter()
            .enumerate()
    {
        std::fs::write(&path, &damage).unwrap();
        state.save(&record("api")).await.unwrap();
        let all = state.load_all().await.unwrap();
        assert_eq!(all.records, vec![record("api")], "the others are not touched");
        let [error] = all.damaged.as_slice() else { panic!("{:?}", all.damaged) };
        assert!(error.to_string().contains(why), "{error}");
        let aside = dir.path().join(format!("shop.json.damaged-{}", number + 1));
        assert_eq!(std::fs::read_to_string(aside).unwrap(), damage);
        assert!(state.load_all().await.unwrap().damaged.is_empty(), "it is reported once");
    }
    assert_eq!(load(&state, "shop").await.unwrap(), None);
}

#[tokio::test]
async fn a_file_of_a_newer_format_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("shop.json");
    let state = FileRecordStore::open(dir.path()).unwrap();
    // A newer format may look quite different.
    for newer in [r#"{"format": 2, "parts": [1, 2]}"#, r#"{"format": 2, "checksum": "", "content": {}}"#] {
        std::fs::write(&path, newer).unwrap();
        let error = state.load_all().await.unwrap_err();
        assert!(matches!(error, Error::TooNew { found: 2, known: 1, .. }), "{error}");
        assert!(error.to_string().contains("run the newer version"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
    }
}

#[tokio::test]
async fn a_second_controller_is_kept_out_until_the_first_has_gone() {
    let dir = TempDir::new().unwrap();
    let first = FileRecordStore::open(dir.path()).unwrap();
    let clone = first.clone();
    let error = FileRecordStore::open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert!(error.to_string().contains("another controller"), "{error}");
    drop(first);
    assert!(FileRecordStore::open(dir.path()).is_err(), "a part of it still works");
    drop(clone);
    FileRecordStore::open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_reader_locks_nothing_and_moves_nothing() {
    let dir = TempDir::new().unwrap();
    let reader = FileRecordStore::open_read_only(dir.path()).unwrap();
    let writer = FileRecordStore::open(dir.path()).unwrap();
    writer.save(&record("shop")).await.unwrap();
    assert_eq!(load(&reader, "shop").await.unwrap(), Some(record("shop")));
    std::fs::write(dir.path().join("shop.json"), "{").unwrap();
    for _ in 0..2 {
        assert!(matches!(load(&reader, "shop").await, Err(Error::Corrupt { .. })));
        assert_eq!(reader.load_all().await.unwrap().damaged.len(), 1);
    }
    assert_eq!(names(dir.path()), [".lock", "shop.json"]);
}

fn request(name: &str, kind: RequestKind) -> Request {
    let (by, reason) = ("ops".to_owned(), "incident 42".to_owned());
    Request { deployment: name.into(), kind, by, reason, at: "2026-06-01T12:00:00Z".parse().unwrap() }
}

async fn requests(state: &FileRecordStore) -> Vec<Request> {
    state.requests().await.unwrap().requests
}

#[tokio::test]
async fn a_request_lasts_until_it_is_withdrawn_or_the_record_is_deleted() {
    let dir = TempDir::new().unwrap();
    let state = FileRecordStore::open(dir.path()).unwrap();
    let person = FileRecordStore::open_read_only(dir.path()).unwrap();
    let until = "2026-06-01T13:00:00Z".parse().unwrap();
    let pause = request("shop", RequestKind::Pause { until });
    let all = [
        request("shop", RequestKind::ConfirmDeletion),
        pause.clone(),
        request("shop", RequestKind::Retry { component: Some("web".into()) }),
        request("shop", RequestKind::Retry { component: Some("a.b".into()) }),
        request("shop", RequestKind::Retry { component: None }),
    ];
    state.save(&record("shop")).await.unwrap();
    for request in &all {
        person.put_request(request).await.unwrap();
    }
    person.put_request(&request("shop.retry", RequestKind::Resume)).await.unwrap();
    let found = requests(&state).await;
    assert!(found.len() == 6 && all.iter().all(|request| found.contains(request)), "{found:?}");
    assert_eq!(state.load_all().await.unwrap().records.len(), 1, "a request is no record");
    // What has replaced it is not withdrawn with it.
    let resume = request("shop", RequestKind::Resume);
    person.put_request(&resume).await.unwrap();
    state.withdraw_request(&pause).await.unwrap();
    assert!(requests(&state).await.contains(&resume));
    state.withdraw_request(&resume).await.unwrap();
    assert_eq!(requests(&state).await.len(), 5);
    state.delete(&"shop".into()).await.unwrap();
    assert_eq!(requests(&state).await, [request("shop.retry", RequestKind::Resume)]);
    assert_eq!(load(&state, "shop").await.unwrap(), None);
    state.delete(&"shop".into()).await.unwrap();
}

#[tokio::test]
async fn a_confirmation_of_an_earlier_version_is_read_and_withdrawn() {
    let dir = TempDir::new().unwrap();
    let state = FileRecordStore::open(dir.path()).unwrap();
    std::fs::write(dir.path().join("shop.confirmed"), "").unwrap();
    let found = requests(&state).await;
    assert!(found.len() == 1 && found[0].is_confirmation() && found[0].deployment.as_str() == "shop");
    state.withdraw_request(&found[0]).await.unwrap();
    assert!(requests(&state).await.is_empty());
}

#[tokio::test]
async fn a_damaged_request_hides_no_other_one() {
    let dir = TempDir::new().unwrap();
    let state = FileRecordStore::open(dir.path()).unwrap();
    let resume = request("shop", RequestKind::Resume);
    state.put_request(&resume).await.unwrap();
    std::fs::write(dir.path().join("shop.retry.request"), "half").unwrap();
    let found = state.requests().await.unwrap();
    assert_eq!((found.requests, found.damaged.len()), (vec![resume.clone()], 1));
    state.withdraw_request(&resume).await.unwrap();
    assert!(requests(&state).await.is_empty());
}

#[tokio::test]
async fn names_that_are_no_file_names_stay_inside_the_folder() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("state");
    let state = FileRecordStore::open(&folder).unwrap();
    let odd = ["../shop", "a/b", ".hidden", "", "SHOP", "sh op", "ключ", &"x".repeat(400), "store-report"];
    for name in odd {
        state.save(&record(name)).await.unwrap();
        let component = Some("c".repeat(300).as_str().into());
        state.put_request(&request(name, RequestKind::Retry { component })).await.unwrap();
        assert_eq!(load(&state, name).await.unwrap(), Some(record(name)), "{name}");
    }
    state.save_report(&StoreReport::default()).await.unwrap();
    assert_eq!(names(dir.path()), ["state"]);
    assert_eq!(state.load_all().await.unwrap().records.len(), odd.len());
    for name in odd {
        state.delete(&name.into()).await.unwrap();
    }
    assert_eq!(names(&folder), [".lock", "_store-report.json"]);
}

#[tokio::test]
async fn the_report_of_the_store_is_kept_beside_the_records() {
    let dir = TempDir::new().unwrap();
    let state = FileRecordStore::open(dir.path()).unwrap();
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
    let error = FileRecordStore::open_read_only(&missing).unwrap_err().to_string();
    assert!(error.contains("cannot read the state folder") && error.contains("nowhere"), "{error}");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = FileRecordStore::open(&file).unwrap_err().to_string();
    assert!(error.contains("cannot make the state folder"), "{error}");
    let state = FileRecordStore::open(dir.path().join("state")).unwrap();
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    assert!(matches!(state.load_all().await, Err(Error::Io { .. })));
    assert!(matches!(state.save(&record("shop")).await, Err(Error::Io { .. })));
}
