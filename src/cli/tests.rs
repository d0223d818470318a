//! Tests of the windows: what people read, exit codes, and a plan against a simulated AWS on a
//! port.

use super::records::Records;
use super::*;
use crate::model::condition::{Condition, ConditionType, Truth};
use crate::model::finding::Finding;
use crate::model::heartbeat::Heartbeat;
use crate::model::ids::{DeploymentName, Generation};
use crate::model::kinds::DocumentText;
use crate::model::plan::{Waiting, WaitingOn};
use crate::model::request::Request;
use crate::model::resource::{ResourceId, ResourceKind};
use crate::model::status::{
    ComponentStatus, DeploymentStatus, Event, EventKind, EventReason, LastGoodDocument, Record, Source,
    TargetCount,
};
use crate::model::view::DeploymentView;
use crate::reconcile::Clock;
use crate::specs;
use crate::state::{FileRecordStore, RecordStore, Recorded, StoreReport};
use clap::CommandFactory;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

pub(super) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

pub(super) fn condition(kind: ConditionType, status: Truth, reason: &str, message: &str) -> Condition {
    Condition {
        kind,
        status,
        reason: serde_json::from_value(reason.into()).unwrap(),
        message: message.to_owned(),
        observed_generation: Generation(3),
        last_transition_time: now() - SignedDuration::from_mins(5),
    }
}

/// A deployment with a task and a service; Ready when `why` is empty.
pub(super) fn status(name: &str, why: &str) -> DeploymentStatus {
    let ready = if why.is_empty() { Truth::True } else { Truth::False };
    let busy = if why.is_empty() { Truth::False } else { Truth::True };
    let component = |workload: &str, phase: &str, running| ComponentStatus {
        workload: workload.to_owned(),
        phase: phase.to_owned(),
        message: String::new(),
        desired: if workload == "task" { 0 } else { 2 },
        running,
        pending: 0,
        revision: Some(format!("{name}-web:7")),
        wanted_revision: None,
        image: format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{name}:1.4.2"),
        targets: Default::default(),
        service: None,
        pause: None,
    };
    let mut web = component("service", if why.is_empty() { "Complete" } else { "Rolling" }, 1);
    web.targets.insert("web".to_owned(), TargetCount { healthy: 1, total: 2 });
    DeploymentStatus {
        name: name.into(),
        kind: "Application".to_owned(),
        generation: Generation(3),
        observed_generation: Generation(3),
        source: Source { file: "shop.yaml".to_owned(), line: 4, content_hash: "00ff".to_owned() },
        region: "eu-west-1".to_owned(),
        cluster: "main".to_owned(),
        conditions: vec![
            condition(
                ConditionType::Ready,
                ready,
                if why.is_empty() { "AllGood" } else { "Progressing" },
                why,
            ),
            condition(ConditionType::Reconciling, busy, "Progressing", why),
            condition(ConditionType::Stalled, Truth::False, "NotStalled", "nothing holds it for good"),
        ],
        components: [("migrate".into(), component("task", "Complete", 0).into()), ("web".into(), web.into())]
            .into(),
        waiting_on: Vec::new(),
        findings: Vec::new(),
        notes: Vec::new(),
        last_drift: None,
        orphaned: false,
        removing: false,
        updated_at: now() - SignedDuration::from_secs(90),
    }
}

/// One that is stalled, one of which the newest edit is refused, and one whose document is gone.
pub(super) fn troubled() -> [DeploymentStatus; 3] {
    let mut stalled = status("blog", "migrate: exited 1");
    stalled.conditions[2] = condition(ConditionType::Stalled, Truth::True, "TaskFailed", "migrate: exited 1");
    let mut refused = status("edit", "");
    refused.findings.push(Finding::error("spec.x", "unknown field `x`", ""));
    let mut gone = status("gone", "");
    gone.orphaned = true;
    [stalled, refused, gone]
}

pub(super) fn record(status: DeploymentStatus) -> Record {
    let mut record = Record::new(status.name.clone());
    record.status = Some(Arc::new(status));
    record
}

fn shown(records: Vec<Record>, wide: bool) -> String {
    plain(&status::all(
        &Recorded { records, heartbeat: Some(alive(now())), ..Default::default() }.list(now()),
        wide,
    ))
}

#[test]
fn the_command_line_is_well_formed_and_every_command_shows_an_example() {
    Cli::command().debug_assert();
    for command in Cli::command().get_subcommands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains(&format!("ctl {}", command.get_name())), "{}: {help}", command.get_name());
    }
}

#[test]
fn the_table_says_why_what_is_not_green_is_not() {
    let [stalled, refused, gone] = troubled();
    let mut going = status("going", "the document is gone");
    going.removing = true;
    let records = vec![
        record(stalled),
        record(refused),
        record(going),
        record(gone),
        record(status("shop", "")),
        record(status("web", "web: 1 of 2 running")),
        Record::new("young".into()),
    ];
    similar_asserts::assert_eq!(
        shown(records, false),
        "\
NAME    KIND          READY     STATUS                      COMPONENTS   UPDATED   MESSAGE
blog    Application   False     Stalled (TaskFailed)        1/2          90s       migrate: exited 1
edit    Application   True      Ready (EditRefused)         2/2          90s       1 error: error: spec.x: unknown field `x`
going   Application   False     Removing                    1/2          90s       the document is gone
gone    Application   True      Orphaned                    2/2          90s       the document is gone; what was made for it stays
shop    Application   True      Ready                       2/2          90s
web     Application   False     Reconciling (Progressing)   1/2          90s       web: 1 of 2 running
young   -             Unknown   Pending                     -            -         not looked at yet
"
    );
}

#[test]
fn the_wide_table_adds_where_it_runs_and_where_it_is_declared() {
    let mut refused = status("shop", "");
    refused.generation = Generation(4);
    similar_asserts::assert_eq!(
        shown(vec![record(refused), Record::new("young".into())], true),
        "\
NAME    KIND          READY     STATUS    COMPONENTS   UPDATED   GENERATION   CLUSTER   IMAGE        REVISION     TARGETS   SOURCE        MESSAGE
shop    Application   True      Ready     2/2          90s       4 (at 3)     main      shop:1.4.2   shop-web:7   1/2       shop.yaml:4
young   -             Unknown   Pending   -            -         -            -         -            -            -         -             not looked at yet
"
    );
}

#[test]
fn one_deployment_shows_its_components_and_what_it_waits_for() {
    let mut waiting = status("shop", "web: 1 of 2 running");
    let web = ResourceId::new(ResourceKind::Service, "web");
    for because in ["1 of 2 running", "1 of 2 healthy"] {
        let on = WaitingOn::Deployment { id: "ecs-svc/1".to_owned(), because: because.to_owned() };
        waiting.waiting_on.push(Waiting { resource: web.clone(), on });
    }
    similar_asserts::assert_eq!(
        plain(&status::one(&waiting, false, now()).unwrap()),
        "\
shop  Application  Reconciling (Progressing)  generation 3  main in eu-west-1  updated 90s ago

COMPONENT   WORKLOAD   PHASE      RUNNING   TARGETS   REVISION     MESSAGE
migrate     task       Complete   -         -         shop-web:7
web         service    Rolling    1/2       1/2       shop-web:7

Conditions
  Ready           False    Progressing         5m  web: 1 of 2 running
  Reconciling     True     Progressing         5m  (as Ready)

Waiting
  service/web for
    - ECS deployment ecs-svc/1: 1 of 2 running
    - ECS deployment ecs-svc/1: 1 of 2 healthy
"
    );
}

#[test]
fn a_ready_deployment_shows_nothing_but_its_components() {
    let text = plain(&status::one(&status("shop", ""), false, now()).unwrap());
    assert!(!text.contains("Conditions") && !text.contains("Waiting"), "{text}");
}

#[test]
fn describe_shows_all_conditions_and_the_newest_events() {
    let mut record = record(status("shop", ""));
    for number in 0..20 {
        record.events.push(Event {
            at: now() - SignedDuration::from_secs(100 - number),
            kind: EventKind::Normal,
            reason: EventReason::Updated,
            object: "service/web".to_owned(),
            message: format!("event {number}"),
            count: if number == 19 { 3 } else { 1 },
        });
    }
    let text =
        plain(&describe::shown(&DeploymentView::of(record, vec![], Some(&alive(now())), now())).unwrap());
    for wanted in ["Stalled         False", "Cluster      main in eu-west-1", "event 19 (x3)", "shows all 20"]
    {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
    assert!(!text.contains("event 4\n"), "older events are left to `ctl events`");
}

#[test]
fn problems_of_the_store_stand_below_the_table() {
    let report = StoreReport {
        problems: vec![Finding::error("", "the file cannot be read: Permission denied", "")],
        prune_held: Some("3 of 4 documents vanished at once".to_owned()),
    };
    let recorded = Recorded {
        records: vec![record(status("shop", ""))],
        report,
        heartbeat: Some(alive(now())),
        ..Default::default()
    };
    let text = plain(&status::all(&recorded.list(now()), false));
    assert!(text.contains("Pruning is held: 3 of 4 documents vanished at once"), "{text}");
    assert!(text.contains("Spec store\n  error: the file cannot be read: Permission denied"), "{text}");
}

/// The sign of life of a controller that is there, and has nothing to look at.
pub(super) fn alive(at: Timestamp) -> Heartbeat {
    Heartbeat {
        controller: "evenkeel 1, process 7".to_owned(),
        started_at: at,
        at,
        resync_seconds: 60,
        store_read_at: Some(at),
        looked_at: BTreeMap::new(),
        budget_waits: Default::default(),
    }
}

pub(super) struct Folders {
    dir: tempfile::TempDir,
    pub(super) state: FileRecordStore,
}

impl Folders {
    pub(super) async fn with(statuses: Vec<DeploymentStatus>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = FileRecordStore::new(dir.path().join("state"));
        state.hold("test").await.unwrap();
        for status in statuses {
            state.save(&record(status)).await.unwrap();
        }
        state.beat(&alive(Clock::real().now())).await.unwrap();
        std::fs::create_dir(dir.path().join("specs")).unwrap();
        Self { dir, state }
    }

    pub(super) async fn ctl(&self, words: &[&str]) -> anyhow::Result<ExitStatus> {
        dispatch(self.parsed(words)).await
    }

    /// A command line with these folders.
    pub(super) fn parsed(&self, words: &[&str]) -> Cli {
        let state = format!("file:{}", self.path("state").display());
        let all = ["ctl", "--state", &state].into_iter().chain(words.iter().copied());
        Cli::try_parse_from(all).expect("a well-formed command line")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command that asks for something, by `ops`.
    pub(super) async fn ask(&self, words: &[&str]) -> Result<ExitStatus, String> {
        let words = [words, &["--by", "ops"]].concat();
        self.ctl(&words).await.map_err(|error| error.to_string())
    }

    pub(super) async fn requests(&self) -> Vec<Request> {
        self.state.requests().await.unwrap().requests
    }

    /// What `ctl status …` prints.
    pub(super) async fn shown(&self, words: &[&str]) -> String {
        let parsed = Cli::try_parse_from(["ctl"].iter().chain(words)).unwrap();
        let Command::Status(args) = parsed.command else { panic!("only status is shown") };
        plain(&status::text(&args, &Records::open(&self.places()).unwrap()).await.unwrap().0)
    }

    pub(super) fn places(&self) -> Places {
        let path = |name: &str| format!("file:{}", self.dir.path().join(name).display());
        let (state, store) = (path("state"), path("specs"));
        Cli::try_parse_from(["ctl", "--state", &state, "--store", &store, "status"]).unwrap().places
    }
}

#[tokio::test]
async fn exit_codes_tell_ready_from_not_ready_and_from_could_not() {
    let folders = Folders::with(vec![status("shop", ""), status("web", "1 of 2 running")]).await;
    assert_eq!(folders.ctl(&["status"]).await.unwrap(), ExitStatus::Good, "showing it is no question");
    assert_eq!(folders.ctl(&["status", "--exit-code"]).await.unwrap(), ExitStatus::NotGood);
    assert_eq!(
        folders.ctl(&["status", "shop", "--exit-code", "-o", "json"]).await.unwrap(),
        ExitStatus::Good
    );
    let error = folders.ctl(&["status", "shpo"]).await.unwrap_err().to_string();
    assert_eq!(error, "there is no deployment `shpo`; did you mean `shop`?");
    let error = folders.ctl(&["events", "nothing-like-it"]).await.unwrap_err().to_string();
    assert_eq!(error, "there is no deployment `nothing-like-it`; there are: shop, web");
}

#[tokio::test(start_paused = true)]
async fn wait_ends_when_the_condition_holds_and_says_why_it_does_not() {
    let folders = Folders::with(vec![status("shop", ""), status("web", "1 of 2 running")]).await;
    assert_eq!(folders.ctl(&["wait", "shop", "--for", "Ready"]).await.unwrap(), ExitStatus::Good);
    assert_eq!(folders.ctl(&["wait", "web", "--for", "Ready=False"]).await.unwrap(), ExitStatus::Good);
    let over = folders.ctl(&["wait", "web", "--for", "Ready", "--timeout", "10s"]).await;
    assert_eq!(over.unwrap(), ExitStatus::NotGood);
    let unknown = folders.ctl(&["wait", "later", "--for", "Ready", "--timeout", "10s"]).await;
    assert_eq!(unknown.unwrap(), ExitStatus::NotGood, "it may still come");
}

#[tokio::test]
async fn records_beside_which_no_sign_of_life_can_be_read_are_not_believed() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let file = folders.dir.path().join("state/_controller.json");
    for damage in ["junk", ""] {
        std::fs::write(&file, damage).unwrap();
        if damage.is_empty() {
            std::fs::remove_file(&file).unwrap();
        }
        for command in [
            &["status", "--exit-code"][..],
            &["status", "shop"],
            &["wait", "shop", "--for", "Ready", "--timeout", "1s"],
        ] {
            assert_eq!(folders.ctl(command).await.unwrap(), ExitStatus::Unknown, "{command:?} {damage:?}");
        }
        assert!(folders.shown(&["status"]).await.starts_with("Unknown: no controller was seen here"));
    }
}

#[test]
fn validate_says_all_mistakes_of_all_documents() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/specs");
    let bad = cases.join("forty_mistakes/in").display().to_string();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), DOCUMENT).unwrap();
    std::fs::write(dir.path().join("b.yaml"), DOCUMENT).unwrap();
    let good = dir.path().display().to_string();
    let report = validate::check(&source::read(&[bad, good.clone()]).unwrap());
    let text = plain(&report.text);
    assert_eq!(report.errors, 42, "41 in one document, and a name that is taken:\n{text}");
    assert!(text.contains(&format!("{good}/a.yaml:1: good: Application shop\n")), "{text}");
    let taken =
        format!("{good}/b.yaml:3:12: error: metadata.name: `shop` is already declared in {good}/a.yaml:1");
    assert!(text.contains(&taken), "{text}");
    assert!(text.ends_with("3 documents, 42 errors, 0 warnings\n"), "{text}");
}

#[test]
fn a_field_that_does_not_exist_is_explained_by_those_that_do() {
    let explain = |what: &str| {
        Cli::try_parse_from(["ctl", "explain", what]).map(|cli| match cli.command {
            Command::Explain(args) => explain::run(args),
            _ => unreachable!("explain was asked for"),
        })
    };
    let error = |what: &str| explain(what).unwrap().unwrap_err().to_string();
    assert_eq!(error("Aplication"), "there is no kind `Aplication`; did you mean `Application`?");
    assert_eq!(
        error("Application.spec.placement.regoin"),
        "Application.spec.placement has no field `regoin`; did you mean `region`?"
    );
    assert_eq!(
        error("Application.spec.placment.region"),
        "Application.spec has no field `placment`; did you mean `placement`?"
    );
}

const DOCUMENT: &str = "\
apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  placement: {region: eu-west-1, cluster: main}
  logGroups: {/ecs/shop: {retentionInDays: 7}}
  components:
    web:
      taskDefinition:
        cpu: 256
        memory: 512
        executionRoleArn: arn:aws:iam::123456789012:role/exec
        containerDefinitions: [{name: web, image: \"nginx:1.27\"}]
      service:
        desiredCount: 1
        networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-0123456789abcdef0]}}
";

#[tokio::test]
async fn a_plan_is_made_against_the_demo_and_nothing_is_written() {
    let folders = Folders::with(Vec::new()).await;
    let sim = aws_sim::Sim::builder().build();
    sim.seed_world(&serde_json::json!({"region": "eu-west-1", "clusters": [{"name": "main"}]})).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { sim.serve(listener, std::future::pending()).await });
    let demo = serde_json::json!({"endpoint": endpoint, "region": "eu-west-1", "speed": 20.0});
    std::fs::write(folders.dir.path().join("demo.json"), demo.to_string()).unwrap();
    std::fs::write(folders.dir.path().join("specs/shop.yaml"), DOCUMENT).unwrap();

    let plan = async |words: &[&str]| {
        let Command::Plan(args) = Cli::try_parse_from(["ctl", "plan"].iter().chain(words)).unwrap().command
        else {
            unreachable!("plan was asked for")
        };
        plan::plan(&args, &folders.places()).await
    };
    for _ in 0..2 {
        let planned = plan(&[]).await.unwrap();
        assert!(planned.text.contains("+ create     log-group//ecs/shop"), "{}", planned.text);
        assert!(planned.gaps.is_empty() && !planned.in_sync, "{:?}", planned.gaps);
    }
    let file = folders.dir.path().join("specs/shop.yaml").display().to_string();
    assert!(!plan(&["-f", &file]).await.unwrap().in_sync);
    // A file is planned as it will be once it is in the store.
    let other = DOCUMENT.replace("name: shop", "name: zoo");
    let other = other.replace("      service:\n", "      service:\n        serviceName: shop-web\n");
    let zoo = folders.dir.path().join("zoo.yaml").display().to_string();
    std::fs::write(&zoo, other).unwrap();
    let planned = plan(&["-f", &zoo]).await.unwrap();
    let findings: Vec<String> = planned.findings.iter().map(ToString::to_string).collect();
    assert!(findings.iter().any(|finding| finding.contains("belongs to `shop`")), "{findings:?}");
    let json = plan(&["shop", "-o", "json"]).await.unwrap().text;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["deployment"], "shop");
    let broken = DOCUMENT.replace("desiredCount: 1", "desiredCount: many");
    std::fs::write(&file, broken).unwrap();
    let planned = plan(&[]).await.unwrap();
    assert!(
        planned.findings.iter().any(Finding::is_error),
        "it is not known in an earlier version: only this"
    );
    let known = specs::read("shop.yaml", DOCUMENT.as_bytes()).documents[0].document().to_json();
    let mut record = Record::new("shop".into());
    let (generation, source) = (Generation(3), Source::default());
    record.declared = Some(LastGoodDocument {
        generation,
        source,
        document: DocumentText::of(&known),
        removed_at: None,
        doubted: false,
        given_up: BTreeMap::new(),
        formers: BTreeMap::new(),
        brought: None,
    });
    folders.state.save(&record).await.unwrap();
    let planned = plan(&[]).await.unwrap();
    assert_eq!(
        planned.last_good,
        ["shop".into()],
        "the last good version is planned, and the findings are said"
    );
    assert!(planned.findings.iter().any(Finding::is_error) && planned.text.contains("plan shop@3"));
    let error = plan(&["shopp"]).await.err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("there is no deployment `shopp`; did you mean `shop`?"));
    server.abort();
}

/// What a controller says of itself that was seen just now.
fn heartbeat(folders: &Folders, looked_at: &[(&str, Option<Timestamp>)]) -> Heartbeat {
    let now = folders.places().clock(None).unwrap().now();
    Heartbeat {
        controller: "evenkeel 1, process 7".to_owned(),
        started_at: now - SignedDuration::from_hours(1),
        at: now,
        resync_seconds: 60,
        store_read_at: Some(now),
        looked_at: looked_at.iter().map(|(name, at)| ((*name).into(), *at)).collect(),
        budget_waits: Default::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_controller_makes_everything_unknown() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let alive = heartbeat(&folders, &[]);
    folders.state.beat(&alive).await.unwrap();
    assert_eq!(folders.ctl(&["status", "--exit-code"]).await.unwrap(), ExitStatus::Good);
    assert_eq!(folders.ctl(&["wait", "shop", "--for", "Ready"]).await.unwrap(), ExitStatus::Good);
    let dead = Heartbeat { at: alive.at - SignedDuration::from_mins(12), ..alive };
    folders.state.beat(&dead).await.unwrap();
    assert_eq!(folders.ctl(&["status"]).await.unwrap(), ExitStatus::Unknown);
    assert_eq!(folders.ctl(&["status", "shop", "--exit-code"]).await.unwrap(), ExitStatus::Unknown);
    let waited = folders.ctl(&["wait", "shop", "--for", "Ready", "--timeout", "5s"]).await;
    assert_eq!(waited.unwrap(), ExitStatus::Unknown);
    let shown = folders.shown(&["status"]).await;
    assert!(
        shown.starts_with("Unknown: the controller (evenkeel 1, process 7) was last seen 12m ago"),
        "{shown}"
    );
    assert!(shown.contains("Unknown   Unknown (NotLookedAt)"), "{shown}");
    assert!(folders.shown(&["status", "-o", "json"]).await.contains("\"reason\": \"NotLookedAt\""));
}

#[tokio::test]
async fn what_waits_for_its_turn_has_its_row_and_is_unknown_alone() {
    let folders = Folders::with(vec![status("shop", ""), status("web", "")]).await;
    let now = heartbeat(&folders, &[]).at;
    let looked_at =
        [("shop", Some(now)), ("web", Some(now - SignedDuration::from_mins(9))), ("newest", None)];
    folders.state.beat(&heartbeat(&folders, &looked_at)).await.unwrap();
    let shown = folders.shown(&["status"]).await;
    let rows: Vec<&str> = shown.lines().skip(1).collect();
    assert!(rows[0].starts_with("newest") && rows[0].contains("not looked at yet"), "{shown}");
    assert!(rows[1].contains("True      Ready "), "{shown}");
    assert!(rows[2].contains("last looked at 9m ago: it waits for its turn"), "{shown}");
    assert_eq!(folders.ctl(&["status", "--exit-code"]).await.unwrap(), ExitStatus::Unknown);
    assert_eq!(folders.ctl(&["status", "shop", "--exit-code"]).await.unwrap(), ExitStatus::Good);
    assert!(folders.shown(&["status", "newest"]).await.contains("newest: not looked at yet"));
}

const EDITED: &str = include_str!("../../manifests/examples/application.yaml");

#[tokio::test(start_paused = true)]
async fn wait_means_what_the_document_says_now_and_ends_when_it_never_will_be() {
    let folders = Folders::with(vec![status("shop", "")]).await;
    let store = format!("file:{}", folders.dir.path().join("specs").display());
    let wait = ["wait", "shop", "--for", "Ready", "--timeout", "10s", "--store", &store];
    let path = folders.dir.path().join("specs/shop.yaml");
    std::fs::write(&path, EDITED).unwrap();
    assert_eq!(folders.ctl(&wait).await.unwrap(), ExitStatus::NotGood, "the edit is not in force yet");
    let snapshot = specs::open(&folders.places().store().unwrap(), std::time::Duration::MAX).load().await;
    let mut of_it = status("shop", "");
    of_it.source.content_hash = snapshot.documents[&DeploymentName::from("shop")].source.content_hash.clone();
    folders.state.save(&record(of_it.clone())).await.unwrap();
    assert_eq!(folders.ctl(&wait).await.unwrap(), ExitStatus::Good);
    assert_eq!(
        folders.ctl(&[&wait[..], &["--generation", "9"]].concat()).await.unwrap(),
        ExitStatus::NotGood
    );
    std::fs::write(&path, EDITED.replace("desiredCount", "desiredCoutn")).unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(folders.ctl(&wait).await.unwrap(), ExitStatus::NotGood, "the edit is refused");
    std::fs::write(&path, EDITED).unwrap();
    of_it.conditions.iter_mut().for_each(|condition| {
        let stalled = condition.kind == ConditionType::Stalled;
        condition.status = if stalled { Truth::True } else { Truth::False };
    });
    folders.state.save(&record(of_it)).await.unwrap();
    assert_eq!(folders.ctl(&wait).await.unwrap(), ExitStatus::NotGood, "it is stalled");
    assert_eq!(began.elapsed(), std::time::Duration::ZERO, "neither is waited for");
}

#[tokio::test]
async fn an_edit_that_is_refused_is_not_good() {
    let mut refused = status("shop", "");
    refused.findings = vec![Finding::error("spec.components", "unknown field", "")];
    let folders = Folders::with(vec![refused]).await;
    assert_eq!(folders.ctl(&["status", "--exit-code"]).await.unwrap(), ExitStatus::NotGood);
}

/// A record of which every part that people see says something.
pub(super) fn talkative() -> Record {
    let mut status = status("shop", "1 of 2 running");
    status.findings.push(Finding::warning("spec.components.web", "is odd", "mend it"));
    status.notes.push(
        serde_json::from_value(
            serde_json::json!({"resource": "service/web", "message": "stays", "blocks": true}),
        )
        .unwrap(),
    );
    let because = "AccessDenied: no".to_owned();
    let resource = ResourceId::new(ResourceKind::Service, "web");
    status.waiting_on.push(Waiting { resource, on: WaitingOn::Observation { because } });
    let mut record = record(status);
    record.events.push(Event {
        at: now(),
        kind: EventKind::Warning,
        reason: EventReason::ActionFailed,
        object: "service/web".to_owned(),
        message: "ecs:UpdateService: refused".to_owned(),
        count: 1,
    });
    let json = serde_json::json!({"metadata": {"name": "shop", "labels": {"team": "web"}, "annotations": {"note": "none"}}});
    record.declared = Some(LastGoodDocument {
        generation: Generation(3),
        source: Source { file: "shop.yaml".to_owned(), line: 4, content_hash: "00ff".to_owned() },
        document: DocumentText::of(&json),
        removed_at: None,
        doubted: false,
        given_up: BTreeMap::new(),
        formers: BTreeMap::new(),
        brought: None,
    });
    record
}

/// Every text that is shown of a record.
fn everything_shown(record: &Record) -> Vec<String> {
    let status = record.status.as_ref().unwrap();
    let mut texts = vec![
        describe::shown(&DeploymentView::of(record.clone(), vec![], Some(&alive(now())), now())).unwrap(),
        events::shown(&record.events, now()),
        status.findings.iter().map(|finding| format!("{finding}\n")).collect(),
    ];
    for wide in [false, true] {
        texts.push(status::one(status, wide, now()).unwrap());
        let report =
            StoreReport { problems: status.findings.clone(), prune_held: Some(status.source.file.clone()) };
        let recorded = Recorded {
            records: vec![record.clone()],
            report,
            heartbeat: Some(alive(now())),
            ..Default::default()
        };
        texts.push(status::all(&recorded.list(now()), wide));
    }
    texts
}

#[test]
fn no_text_from_outside_reaches_a_terminal_as_more_than_text() {
    let record = serde_json::to_value(talkative()).unwrap();
    let lines = |record: &Record| -> Vec<usize> {
        everything_shown(record).iter().map(|text| text.lines().count()).collect()
    };
    let before = lines(&talkative());
    let mut pointers = Vec::new();
    strings(&record, String::new(), &mut pointers);
    let mut fed = 0;
    for pointer in pointers {
        let mut edited = record.clone();
        let text = edited.pointer_mut(&pointer).unwrap();
        let hostile =
            format!("{}\u{1b}[2J\r\nfake: all is well\u{7}\u{9b}31m\u{202e}", text.as_str().unwrap());
        *text = hostile.into();
        // Times, reasons and the like cannot be anything else.
        let Ok(edited) = serde_json::from_value::<Record>(edited) else { continue };
        fed += 1;
        for text in everything_shown(&edited) {
            let plain = plain(&text);
            let hidden = |c: char| crate::model::visible::is_hidden(c) && c != '\n';
            assert!(!plain.contains(hidden) && !text.contains("\u{1b}[2J"), "{pointer}: {plain:?}");
        }
        assert_eq!(lines(&edited), before, "{pointer}");
    }
    assert!(fed > 30, "{fed}");
}

/// The places of all texts in a value.
fn strings(value: &serde_json::Value, at: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(_) => found.push(at),
        serde_json::Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, one)| strings(one, format!("{at}/{index}"), found));
        }
        serde_json::Value::Object(members) => members.iter().for_each(|(name, one)| {
            strings(one, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        _ => {}
    }
}
