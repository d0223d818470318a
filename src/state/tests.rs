//! Records in files: whole or old, never guessed at, one controller at a time.

use super::{Error, FileRecordStore, RecordStore, StoreReport};
use crate::model::finding::Finding;
use crate::model::ids::DeploymentName;
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

#[tokio::test]
async fn a_confirmation_lasts_until_the_record_is_deleted() {
    let dir = TempDir::new().unwrap();
    let state = FileRecordStore::open(dir.path()).unwrap();
    let person = FileRecordStore::open_read_only(dir.path()).unwrap();
    let shop = DeploymentName::from("shop");
    state.save(&record("shop")).await.unwrap();
    assert!(state.confirmed().await.unwrap().is_empty());
    person.confirm(&shop).await.unwrap();
    assert_eq!(state.confirmed().await.unwrap(), [shop.clone()].into());
    assert_eq!(state.load_all().await.unwrap().records.len(), 1, "a confirmation is no record");
    state.withdraw(&shop).await.unwrap();
    assert!(state.confirmed().await.unwrap().is_empty());
    state.withdraw(&shop).await.unwrap();
    person.confirm(&shop).await.unwrap();
    state.delete(&shop).await.unwrap();
    assert!(state.confirmed().await.unwrap().is_empty());
    assert_eq!(load(&state, "shop").await.unwrap(), None);
    state.delete(&shop).await.unwrap();
}

#[tokio::test]
async fn names_that_are_no_file_names_stay_inside_the_folder() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("state");
    let state = FileRecordStore::open(&folder).unwrap();
    let odd = ["../shop", "a/b", ".hidden", "", "SHOP", "sh op", "ключ", &"x".repeat(400), "store-report"];
    for name in odd {
        state.save(&record(name)).await.unwrap();
        state.confirm(&name.into()).await.unwrap();
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
