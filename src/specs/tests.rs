//! Golden cases (`tests/cases/specs/<case>/{in/…, out.txt}`) and a store that changes over time.

mod hostile;

use super::*;
use crate::model::ids::DeploymentName;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What a store shows, for people to review.
fn shown(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for (name, declared) in &snapshot.documents {
        let source = &declared.source;
        writeln!(out, "in force: {name} {}:{} {}", source.file, source.line, source.content_hash).unwrap();
    }
    for (name, findings) in &snapshot.refused {
        writeln!(out, "refused: {name}, {} findings", findings.len()).unwrap();
    }
    if snapshot.incomplete {
        writeln!(out, "incomplete: nothing counts as removed").unwrap();
    }
    for finding in snapshot.findings() {
        writeln!(out, "{finding}").unwrap();
    }
    out
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/specs")
}

#[tokio::test]
async fn golden_cases() {
    let update = crate::golden::updates();
    let mut names: Vec<_> =
        std::fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert!(names.len() >= 14, "the cases are gone: {names:?}");
    for name in names {
        let case = cases().join(&name);
        let mut store = FileSpecStore::new(case.join("in"), Duration::from_secs(30));
        let actual = shown(&store.load().await);
        if update {
            std::fs::write(case.join("out.txt"), &actual).unwrap();
        }
        let expected = std::fs::read_to_string(case.join("out.txt")).unwrap_or_default();
        similar_asserts::assert_eq!(
            expected,
            actual,
            "case {name:?}; UPDATE_GOLDEN=1 accepts the new output"
        );
    }
}

fn document(name: &str, image: &str) -> String {
    format!(
        "apiVersion: evenkeel.dev/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\nspec:\n  \
         placement: {{region: eu-west-1, cluster: c}}\n  components:\n    web:\n      taskDefinition:\n        \
         containerDefinitions: [{{name: web, image: \"{image}\"}}]\n      service: {{}}\n"
    )
}

fn image(snapshot: &Snapshot, name: &str) -> Option<String> {
    let json = snapshot.documents.get(name)?.text.to_json();
    let found = json.pointer("/spec/components/web/taskDefinition/containerDefinitions/0/image");
    found.and_then(|image| image.as_str()).map(str::to_owned)
}

struct Folder {
    dir: tempfile::TempDir,
    store: FileSpecStore,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = FileSpecStore::new(dir.path(), Duration::from_secs(30));
        Self { dir, store }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.dir.path().join(name)).unwrap();
    }
}

fn name(text: &str) -> DeploymentName {
    DeploymentName::from(text)
}

#[tokio::test(start_paused = true)]
async fn a_broken_edit_keeps_the_last_good_version_and_says_why() {
    let mut folder = Folder::new();
    folder.write("a.yaml", &document("web", "nginx:1"));
    assert_eq!(image(&folder.store.load().await, "web").as_deref(), Some("nginx:1"));

    folder.write("a.yaml", &document("web", "nginx:2").replace("service:", "servise:"));
    let snapshot = folder.store.load().await;
    assert_eq!(image(&snapshot, "web").as_deref(), Some("nginx:1"));
    assert!(snapshot.refused["web"][0].message.contains("unknown field `servise`"));
    assert!(!snapshot.incomplete, "the name could be read, so absence of others still counts");

    folder.write("a.yaml", "apiVersion: [");
    let snapshot = folder.store.load().await;
    assert_eq!(image(&snapshot, "web").as_deref(), Some("nginx:1"));
    assert!(snapshot.incomplete);

    folder.write("a.yaml", &document("web", "nginx:3"));
    let snapshot = folder.store.load().await;
    assert_eq!(image(&snapshot, "web").as_deref(), Some("nginx:3"));
    assert!(snapshot.refused.is_empty() && snapshot.problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_empty_file_removes_nothing() {
    let mut folder = Folder::new();
    folder.write("a.yaml", &document("web", "nginx:1"));
    folder.store.load().await;
    for nothing in ["", " \n\t\n", "\u{feff}"] {
        folder.write("a.yaml", nothing);
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(5)).await;
            let snapshot = folder.store.load().await;
            assert_eq!(image(&snapshot, "web").as_deref(), Some("nginx:1"));
            assert!(snapshot.problems[0].message.contains("the file is empty"), "{:?}", snapshot.problems);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_claimed_twice_stays_with_the_file_that_had_it() {
    let mut folder = Folder::new();
    folder.write("m.yaml", &document("web", "nginx:1"));
    folder.store.load().await;
    for other in ["a.yaml", "z.yaml"] {
        folder.write(other, &document("web", "evil:1"));
        let snapshot = folder.store.load().await;
        assert_eq!(image(&snapshot, "web").as_deref(), Some("nginx:1"), "{other}");
        assert!(snapshot.refused["web"][0].message.contains("already declared in m.yaml:"), "{other}");
    }
    // A broken edit of the one that has it does not give it away either.
    folder.write("m.yaml", &document("web", "nginx:2").replace("service:", "servise:"));
    assert_eq!(image(&folder.store.load().await, "web").as_deref(), Some("nginx:1"));
    // Another process knows it from the records.
    folder.write("m.yaml", &document("web", "nginx:1"));
    let mut store = FileSpecStore::new(folder.dir.path(), Duration::from_secs(10));
    store.hold(BTreeMap::from([(name("web"), "m.yaml".to_owned())]));
    assert_eq!(image(&store.load().await, "web").as_deref(), Some("nginx:1"));
}

#[tokio::test(start_paused = true)]
async fn a_removed_document_is_gone_only_after_a_second() {
    let mut folder = Folder::new();
    folder.write("a.yaml", &document("web", "nginx:1"));
    folder.store.load().await;
    folder.remove("a.yaml");
    let snapshot = folder.store.load().await;
    assert!(!snapshot.is_gone(&name("web")) && snapshot.documents.contains_key("web"));

    let before = Instant::now();
    folder.store.changed().await;
    while before.elapsed() < Duration::from_millis(990) {
        folder.store.changed().await;
    }
    let snapshot = folder.store.load().await;
    assert!(snapshot.is_gone(&name("web")) && snapshot.documents.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_document_that_moves_to_another_file_is_never_gone() {
    let mut folder = Folder::new();
    folder.write("a.yaml", &document("web", "nginx:1"));
    folder.store.load().await;
    folder.remove("a.yaml");
    folder.store.load().await;
    folder.write("b.yaml", &document("web", "nginx:2"));
    tokio::time::advance(Duration::from_secs(5)).await;
    let snapshot = folder.store.load().await;
    assert_eq!(image(&snapshot, "web").as_deref(), Some("nginx:2"));
}

#[tokio::test(start_paused = true)]
async fn a_vanished_folder_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("specs");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("a.yaml"), document("web", "nginx:1")).unwrap();
    let mut store = FileSpecStore::new(&root, Duration::from_secs(30));
    store.load().await;
    std::fs::remove_dir_all(&root).unwrap();
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(5)).await;
        let snapshot = store.load().await;
        assert_eq!(image(&snapshot, "web").as_deref(), Some("nginx:1"));
        assert!(snapshot.incomplete && !snapshot.is_gone(&name("web")));
        assert!(snapshot.problems[0].message.contains("cannot be read"), "{}", snapshot.problems[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_elsewhere_keeps_an_absent_document() {
    let mut folder = Folder::new();
    folder.write("a.yaml", &document("web", "nginx:1"));
    folder.write("b.yaml", &document("api", "nginx:1"));
    folder.store.load().await;
    folder.remove("a.yaml");
    folder.write("b.yaml", "{");
    tokio::time::advance(Duration::from_secs(5)).await;
    let snapshot = folder.store.load().await;
    assert_eq!(snapshot.documents.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_more_than_10_mib_is_refused_unread() {
    let mut folder = Folder::new();
    folder.write("a.yaml", &"#".repeat(11 * 1024 * 1024));
    let snapshot = folder.store.load().await;
    assert_eq!(
        snapshot.problems[0].to_string(),
        "a.yaml:1:1: error: the file has 11534336 bytes; more than 10485760 (10 MiB) are not read \
         (split it, or keep files that are not documents elsewhere)"
    );
}

#[tokio::test(start_paused = true)]
async fn one_file_is_a_store_too() {
    let mut folder = Folder::new();
    folder.write("only.yaml", &document("web", "nginx:1"));
    folder.write("other.yaml", &document("api", "nginx:1"));
    folder.store = FileSpecStore::new(folder.dir.path().join("only.yaml"), Duration::from_secs(30));
    let snapshot = folder.store.load().await;
    assert_eq!(snapshot.documents.keys().collect::<Vec<_>>(), [&name("web")]);
    assert_eq!(snapshot.documents["web"].source.file, "only.yaml");
}

#[tokio::test(start_paused = true)]
async fn without_any_event_the_rescan_comes() {
    let mut folder = Folder::new();
    folder.store.load().await;
    let before = Instant::now();
    folder.store.changed().await;
    assert!(before.elapsed() <= Duration::from_secs(31));
}

/// Real time, because the events are: returns whether a hint came well before the rescan.
async fn hinted(store: &mut FileSpecStore) -> bool {
    timeout(Duration::from_secs(5), store.changed()).await.is_ok()
}

#[tokio::test]
async fn a_saved_file_wakes_the_store() {
    let mut folder = Folder::new();
    folder.write("a.yaml", &document("web", "nginx:1"));
    folder.store.load().await;
    folder.write("a.yaml", &document("web", "nginx:2"));
    assert!(hinted(&mut folder.store).await, "a write is seen");
    assert_eq!(image(&folder.store.load().await, "web").as_deref(), Some("nginx:2"));

    folder.write("a.yaml.tmp", &document("web", "nginx:3"));
    std::fs::rename(folder.dir.path().join("a.yaml.tmp"), folder.dir.path().join("a.yaml")).unwrap();
    assert!(hinted(&mut folder.store).await, "a rename is seen");
    assert_eq!(image(&folder.store.load().await, "web").as_deref(), Some("nginx:3"));

    std::fs::create_dir_all(folder.dir.path().join("new/deep")).unwrap();
    assert!(hinted(&mut folder.store).await, "a new folder is seen");
    folder.store.load().await;
    folder.write("new/deep/b.yaml", &document("api", "nginx:1"));
    assert!(hinted(&mut folder.store).await, "a file in a new folder is seen");
    assert_eq!(folder.store.load().await.documents.len(), 2);
}

#[tokio::test]
async fn reading_does_not_wake_the_store() {
    let mut folder = Folder::new();
    folder.write("a.yaml", &document("web", "nginx:1"));
    folder.store.load().await;
    while timeout(Duration::from_millis(200), folder.store.changed()).await.is_ok() {}
    folder.store.load().await;
    assert!(timeout(Duration::from_millis(300), folder.store.changed()).await.is_err());
}

#[tokio::test]
async fn a_swapped_config_map_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path);
    for (version, tag) in [("..v1", "nginx:1"), ("..v2", "nginx:2")] {
        std::fs::create_dir(at(version)).unwrap();
        std::fs::write(at(version).join("web.yaml"), document("web", tag)).unwrap();
    }
    std::os::unix::fs::symlink("..v1", at("..data")).unwrap();
    std::os::unix::fs::symlink("..data/web.yaml", at("web.yaml")).unwrap();
    let mut store = FileSpecStore::new(dir.path(), Duration::from_secs(30));
    assert_eq!(image(&store.load().await, "web").as_deref(), Some("nginx:1"));
    std::os::unix::fs::symlink("..v2", at("..data_tmp")).unwrap();
    std::fs::rename(at("..data_tmp"), at("..data")).unwrap();
    assert!(hinted(&mut store).await);
    assert_eq!(image(&store.load().await, "web").as_deref(), Some("nginx:2"));
}

#[tokio::test]
async fn a_folder_that_comes_later_is_found_and_watched() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("specs");
    let mut store = FileSpecStore::new(&root, Duration::from_secs(30));
    assert!(store.load().await.incomplete);
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("a.yaml"), document("web", "nginx:1")).unwrap();
    assert!(hinted(&mut store).await, "an unwatched folder is scanned every second");
    assert_eq!(store.load().await.documents.len(), 1);
    std::fs::remove_dir_all(&root).unwrap();
    assert!(hinted(&mut store).await, "its removal is seen");
    assert!(store.load().await.incomplete);
}

#[test]
fn a_field_has_the_place_of_its_key_and_a_missing_one_that_of_its_nearest_ancestor() {
    let content = read("a.yaml", document("web", "nginx:1").as_bytes());
    let places = &content.documents[0].places;
    let at = |field: &str| places.place(field).map(|place| (place.line, place.column));
    assert_eq!(at(""), Some((1, 1)));
    assert_eq!(at("spec.components.web.service"), Some((10, 7)));
    assert_eq!(at("spec.components.web.service.desiredCount"), Some((10, 7)));
    assert_eq!(at("spec.components.web.taskDefinition.containerDefinitions[0].image"), Some((9, 44)));
    assert_eq!(at("nowhere"), Some((1, 1)));
}

#[test]
fn the_content_hash_does_not_depend_on_order_or_notation() {
    let yaml = read("a.yaml", b"apiVersion: evenkeel.dev/v1alpha1\nkind: Application\nmetadata: {name: a, labels: {x: '1', y: '2'}}\nspec: {components: {}, placement: {cluster: c, region: r}}\n");
    let json = read("b.json", br#"{"spec":{"placement":{"region":"r","cluster":"c"},"components":{}},"metadata":{"labels":{"y":"2","x":"1"},"name":"a"},"kind":"Application","apiVersion":"evenkeel.dev/v1alpha1"}"#);
    let hash = |content: &FileContent| content.documents[0].source.content_hash.clone();
    assert_eq!(hash(&yaml), hash(&json));
    assert_eq!(hash(&yaml).len(), 16);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\\n\\t:{}\\[\\]&*!|>'\"#-]{0,200}") {
        read("a.yaml", text.as_bytes());
    }

    #[test]
    fn a_cut_document_never_panics_and_never_loses_its_place(cut in 0usize..400) {
        let text = document("web", "nginx:1");
        let cut = cut.min(text.len());
        for refused in read("a.yaml", &text.as_bytes()[..cut]).refused {
            for finding in refused.findings {
                proptest::prop_assert!(finding.place.is_some());
            }
        }
    }
}
