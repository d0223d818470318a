//! Tests of what a snapshot means: nothing is lost by a slip, and what is gone is believed only
//! when it is.

use super::*;
use crate::model::rollout::Failure;
use crate::specs::{Scan, read};

const SHOP: &str = "\
apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  placement: {region: eu-west-1, cluster: main}
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

fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// The shop under another name.
fn named(name: &str) -> String {
    SHOP.replace("name: shop", &format!("name: {name}"))
}

/// A store with one file per text.
fn store(texts: &[&str]) -> Snapshot {
    let files = texts.iter().enumerate().map(|(number, text)| {
        let file = format!("{number}.yaml");
        let content = read(&file, text.as_bytes());
        (file, Arc::new(content))
    });
    Scan { items: files.collect(), ..Scan::default() }.into()
}

/// What a controller knows, and what it makes of a store.
#[derive(Default)]
struct Controller {
    records: BTreeMap<DeploymentName, Record>,
    lowered: LoweringCache,
    requests: Vec<Request>,
}

impl Controller {
    /// One that has these documents in force.
    fn with(texts: &[&str]) -> Self {
        let mut controller = Self::default();
        controller.declare(&store(texts));
        controller
    }

    /// A restart: only the records are left.
    fn restarted(self) -> Self {
        Self { lowered: LoweringCache::default(), ..self }
    }

    fn compare(&mut self, snapshot: &Snapshot) -> Changes {
        let known = self.records.iter().map(|(name, record)| (name, record.into())).collect();
        changes(&mut self.lowered, snapshot, &known, &self.requests, now())
    }

    /// Compares, and keeps what is in force in the records.
    fn declare(&mut self, snapshot: &Snapshot) -> Changes {
        let changes = self.compare(snapshot);
        for (name, change) in &changes.by_name {
            if let DeclarationChange::InForce(declared) = change {
                let record = self.records.entry(name.clone()).or_insert_with(|| Record::new(name.clone()));
                record_declaration(record, declared, now());
            }
        }
        changes
    }
}

fn request(deployment: &str, kind: RequestKind) -> Request {
    let (by, reason) = ("ops".to_owned(), "incident 42".to_owned());
    Request { deployment: deployment.into(), kind, by, reason, at: now() }
}

fn in_force<'a>(changes: &'a Changes, name: &str) -> &'a Declaration {
    match changes.by_name.get(name) {
        Some(DeclarationChange::InForce(declared)) => declared,
        other => panic!("{name} is not in force: {other:?}"),
    }
}

fn said(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

#[test]
fn a_new_document_is_in_force_with_generation_one() {
    let changes = Controller::default().compare(&store(&[SHOP]));
    let shop = in_force(&changes, "shop");
    assert_eq!((shop.desired.generation, shop.newest_generation), (Generation(1), Generation(1)));
    assert!(shop.removed_at.is_none() && shop.findings.is_empty(), "{shop:?}");
}

#[test]
fn the_generation_counts_changes_of_the_spec_and_of_the_retry_annotation_only() {
    let labelled = SHOP.replace("{name: shop}", "{name: shop, labels: {team: a}}");
    let retried =
        SHOP.replace("{name: shop}", &format!("{{name: shop, annotations: {{{RETRY_ANNOTATION}: \"2\"}}}}"));
    let scaled = SHOP.replace("desiredCount: 1", "desiredCount: 2");
    for (text, generation) in [(SHOP, 1), (&labelled, 1), (&retried, 2), (&scaled, 2)] {
        let mut controller = Controller::with(&[SHOP]).restarted();
        let changes = controller.compare(&store(&[text]));
        assert_eq!(in_force(&changes, "shop").desired.generation, Generation(generation), "{text}");
    }
}

#[test]
fn a_refused_edit_keeps_the_last_good_version_and_says_what_is_wrong() {
    let broken = SHOP.replace("desiredCount: 1", "desiredCount: many");
    let mut controller = Controller::with(&[SHOP]).restarted();
    let changes = controller.declare(&store(&[&broken]));
    let shop = in_force(&changes, "shop");
    assert_eq!((shop.desired.generation, shop.newest_generation), (Generation(1), Generation(2)));
    assert!(said(&shop.findings).contains("0.yaml:14:"), "{}", said(&shop.findings));
    let changes = controller.compare(&store(&[SHOP]));
    let shop = in_force(&changes, "shop");
    assert_eq!((shop.newest_generation, shop.findings.len()), (Generation(1), 0), "taken back");
}

#[test]
fn a_typo_in_one_field_does_not_hide_what_makes_no_sense_in_another() {
    let broken = SHOP.replace("desiredCount: 1", "dersiredCount: 1").replace("memory: 512", "memory: 513");
    let mut controller = Controller::with(&[SHOP]).restarted();
    let changes = controller.compare(&store(&[&broken]));
    let findings = said(&in_force(&changes, "shop").findings);
    assert!(findings.contains("0.yaml:14:") && findings.contains("dersiredCount"), "{findings}");
    assert!(findings.contains("0.yaml:10:") && findings.contains("513"), "{findings}");
}

#[test]
fn a_new_document_that_is_refused_has_a_status_and_nothing_else() {
    let broken = SHOP.replace("desiredCount: 1", "desiredCount: many");
    let changes = Controller::default().compare(&store(&[&broken]));
    let Some(DeclarationChange::Refused(status)) = changes.by_name.get("shop") else { panic!("{changes:?}") };
    let ready = &status.conditions[0];
    assert_eq!((ready.status, ready.reason.as_str()), (Truth::False, "InvalidSpec"));
    assert!(ready.message.starts_with("1 error in the document; the first: 0.yaml:14:"), "{}", ready.message);
}

#[test]
fn a_removed_document_is_orphaned_or_torn_down_as_it_said_itself() {
    let torn = named("torn").replace("  components:", "  deletionPolicy: Delete\n  components:");
    let (other, third) = (named("other"), named("third"));
    let mut controller = Controller::with(&[SHOP, &torn, &other, &third]).restarted();
    let changes = controller.compare(&store(&[&other, &third]));
    let (shop, torn) = (in_force(&changes, "shop"), in_force(&changes, "torn"));
    assert!(shop.is_orphaned() && shop.removed_at == Some(now()));
    assert!(torn.is_teardown() && !torn.deletion_confirmed);
    assert!(in_force(&changes, "other").removed_at.is_none());
    controller.requests.push(request("torn", RequestKind::ConfirmDeletion));
    assert!(in_force(&controller.compare(&store(&[&other, &third])), "torn").deletion_confirmed);
}

#[test]
fn an_orphan_that_was_told_of_is_left_out_and_comes_back_with_its_document() {
    let mut controller = Controller::with(&[SHOP]).restarted();
    controller.declare(&store(&[]));
    let record = controller.records.get_mut("shop").unwrap();
    record.status = Some(refused_status(&"shop".into(), "Application".to_owned(), Vec::new(), now()).into());
    assert!(orphan(record, now()) && !orphan(record, now()), "it is said once");
    assert!(controller.compare(&store(&[])).by_name.is_empty());
    let changes = controller.compare(&store(&[SHOP]));
    let shop = in_force(&changes, "shop");
    assert_eq!((shop.removed_at, shop.desired.generation), (None, Generation(1)));
}

#[test]
fn when_most_documents_vanish_they_are_held_as_they_are() {
    let other = named("other");
    let mut controller = Controller::with(&[SHOP, &other]).restarted();
    let changes = controller.compare(&store(&[]));
    assert!(changes.prune_held.is_some_and(|because| because.starts_with("2 of 2 documents vanished")));
    for name in ["shop", "other"] {
        let Some(DeclarationChange::InForce(held)) = changes.by_name.get(name) else {
            panic!("{name} is not held")
        };
        assert!(held.removed_at.is_none() && said(&held.findings).contains("vanished at once"));
    }
}

#[test]
fn a_confirmation_of_one_vanished_document_says_nothing_of_the_other_even_after_a_restart() {
    let other = named("other");
    let mut controller = Controller::with(&[SHOP, &other]);
    controller.declare(&store(&[]));
    controller.requests = vec![request("shop", RequestKind::ConfirmDeletion)];
    let changes = controller.compare(&store(&[]));
    assert!(in_force(&changes, "shop").removed_at.is_some() && changes.prune_held.is_some());
    controller.declare(&store(&[]));
    let mut controller = controller.restarted();
    for _ in 0..2 {
        let changes = controller.compare(&store(&[]));
        let held = in_force(&changes, "other");
        assert!(held.removed_at.is_none() && said(&held.findings).contains("was held before"));
        controller.declare(&store(&[]));
        controller.declare(&Scan { incomplete: true, ..Scan::default() }.into());
    }
    // It comes back, and then it is taken out alone.
    controller.declare(&store(&[&other]));
    let changes = controller.compare(&store(&[]));
    assert!(in_force(&changes, "other").removed_at.is_some() && changes.prune_held.is_none());
}

#[test]
fn a_store_that_cannot_be_read_removes_nothing() {
    let mut controller = Controller::with(&[SHOP]).restarted();
    let problem = Finding::error("", "the spec store cannot be read", "");
    let scan = Scan { problems: vec![problem], incomplete: true, ..Scan::default() };
    let changes = controller.compare(&scan.into());
    let shop = in_force(&changes, "shop");
    assert!(shop.removed_at.is_none() && said(&shop.findings).contains("cannot be read"));
    assert!(changes.prune_held.is_none() && changes.problems.len() == 1);
}

#[test]
fn the_second_of_two_documents_that_claim_one_thing_is_refused() {
    let group = |text: &str, days: u32| {
        let groups = format!("  logGroups: {{/ecs/one: {{retentionInDays: {days}}}}}\n  components:");
        text.replace("  components:", &groups)
    };
    let (first, second) = (group(SHOP, 7), group(&named("web"), 14));
    let mut controller = Controller::with(&[&first, &named("web")]).restarted();
    let changes = controller.compare(&store(&[&first, &second]));
    assert!(in_force(&changes, "shop").findings.is_empty());
    let web = in_force(&changes, "web");
    assert!(said(&web.findings).contains("/ecs/one"), "{}", said(&web.findings));
    assert!(web.desired.resources.is_empty(), "the version before the conflict stays: {web:?}");
}

#[test]
fn a_suspension_that_has_ended_is_warned_of() {
    let until = |until: &str| {
        let suspend = format!("  suspend: {{by: me, reason: night, until: \"{until}\"}}\n  components:");
        SHOP.replace("  components:", &suspend)
    };
    let mut controller = Controller::default();
    let changes = controller.compare(&store(&[&until("2026-06-01T11:59:59Z")]));
    let findings = &in_force(&changes, "shop").findings;
    let text = "0.yaml:6:36: warning: spec.suspend.until: the suspension ended at 2026-06-01T11:59:59Z";
    assert!(said(findings).starts_with(text) && findings.len() == 1, "{}", said(findings));
    let changes = controller.compare(&store(&[&until("2026-06-01T12:00:01Z")]));
    assert!(in_force(&changes, "shop").findings.is_empty());
}

#[test]
fn a_document_that_did_not_change_is_not_lowered_again() {
    let mut controller = Controller::default();
    let snapshot = store(&[SHOP]);
    let before = controller.declare(&snapshot);
    let after = controller.declare(&snapshot);
    let (Some(DeclarationChange::InForce(before)), Some(DeclarationChange::InForce(after))) =
        (before.by_name.get("shop"), after.by_name.get("shop"))
    else {
        panic!("the shop is not in force")
    };
    assert!(Arc::ptr_eq(before, after));
}

fn pause(until: &str) -> Request {
    request("shop", RequestKind::Pause { until: until.parse().unwrap() })
}

#[test]
fn a_pause_suspends_until_it_ends_and_no_longer_than_what_is_declared() {
    let suspended = |controller: &mut Controller, text: &str| {
        let changes = controller.compare(&store(&[text]));
        in_force(&changes, "shop")
            .desired
            .suspend
            .clone()
            .map(|suspend| (suspend.by, suspend.until.to_string()))
    };
    let mut controller = Controller::with(&[SHOP]);
    controller.requests = vec![pause("2026-06-01T13:00:00Z")];
    let by_ops = Some(("ops".to_owned(), "2026-06-01T13:00:00Z".to_owned()));
    assert_eq!(suspended(&mut controller, SHOP), by_ops);
    for (until, by) in [("2026-06-01T12:30:00Z", "ops"), ("2026-06-02T00:00:00Z", "me")] {
        let suspend = format!("  suspend: {{by: me, reason: night, until: \"{until}\"}}\n  components:");
        let declared = SHOP.replace("  components:", &suspend);
        assert_eq!(suspended(&mut controller, &declared).unwrap().0, by, "{until}");
    }
    controller.requests = vec![pause("2026-06-01T12:00:00Z")];
    assert_eq!(suspended(&mut controller, SHOP), None, "it has ended");
    controller.requests = vec![request("shop", RequestKind::Resume)];
    assert_eq!(suspended(&mut controller, SHOP), None);
}

#[test]
fn a_request_is_taken_up_once_and_told_in_an_event() {
    let mut controller = Controller::with(&[SHOP]);
    let retry = request("shop", RequestKind::Retry { component: Some("web".into()) });
    let failed = |record: &mut Record| {
        let (attempt, reason) = ("ecs-svc/1".to_owned(), "it crashed".to_owned());
        let failure = Failure {
            hash: "00ff".into(),
            declared: "00aa".into(),
            attempt,
            reason,
            at: now(),
            within: None,
        };
        record.rollout.components.entry("web".into()).or_default().failures.push(failure);
    };
    failed(controller.records.get_mut("shop").unwrap());
    for times in 1..=2 {
        controller.requests = vec![retry.clone()];
        controller.declare(&store(&[SHOP]));
        let record = controller.records.get_mut("shop").unwrap();
        assert_eq!(record.rollout.components["web"].failures.is_empty(), times == 1, "once");
        assert_eq!(record.events.len(), 1);
        assert_eq!(record.events[0].reason.as_str(), "RetryRequested");
        assert_eq!(record.events[0].message, "retry of web requested by ops: incident 42");
        failed(record);
    }
    // Withdrawn and made anew, it is another one.
    controller.requests.clear();
    controller.declare(&store(&[SHOP]));
    controller.requests = vec![Request { at: now() + std::time::Duration::from_secs(60), ..retry }];
    controller.declare(&store(&[SHOP]));
    assert!(controller.records["shop"].rollout.components["web"].failures.is_empty());
}

#[test]
fn requests_are_stale_when_they_are_over_or_what_they_are_for_is_gone() {
    let mut controller = Controller::with(&[SHOP]);
    let stale = |controller: &Controller, request: &Request, texts: &[&str]| {
        let known = controller.records.get(request.deployment.as_str()).map(Known::from);
        is_stale(request, &store(texts), known.as_ref(), now())
    };
    let (holds, over) = (pause("2026-06-01T13:00:00Z"), pause("2026-06-01T12:00:00Z"));
    assert!(stale(&controller, &over, &[SHOP]) && !stale(&controller, &holds, &[SHOP]));
    assert!(!stale(&controller, &holds, &[]), "it is being removed");
    assert!(stale(&controller, &Request { deployment: "gone".into(), ..holds.clone() }, &[SHOP]));
    controller.declare(&store(&[]));
    let record = controller.records.get_mut("shop").unwrap();
    record.status = Some(refused_status(&"shop".into(), "Application".to_owned(), Vec::new(), now()).into());
    assert!(orphan(record, now()));
    assert!(stale(&controller, &holds, &[]) && !stale(&controller, &holds, &[SHOP]));
}
