//! Sentences about what keeps a component from being changed.

use super::*;
use crate::model::observed::Gap;
use crate::model::rollout::ComponentRollout;

pub(super) fn gap() -> Gap {
    Gap { operation: "ecs:Describe".into(), code: "AccessDeniedException".into(), message: "no".into() }
}

impl Fixture {
    /// What a component waits for, in words.
    pub(super) fn waits(&self, name: &str) -> Vec<String> {
        match self.phase(name) {
            Phase::Waiting { on, .. } => on.iter().map(ToString::to_string).collect(),
            other => panic!("{name} does not wait: {other:?}"),
        }
    }

    /// A component that depends on the web service, with its revision registered.
    fn with_edge(mut self) -> Self {
        let workload = self.desired.components["web"].workload.clone();
        self.desired.components.insert("edge".into(), component("edge", &["web"], workload));
        self.want("edge", "e1");
        self.observed.services.insert("edge".into(), Seen::Absent);
        self.step();
        self.register("edge", "e1", 1);
        self.step();
        self
    }
}

#[test]
fn nothing_begins_in_a_cluster_that_was_not_seen_to_be_active() {
    let inactive =
        ObservedCluster { arn: "c".into(), status: "DEPROVISIONING".into(), capacity_providers: vec![] };
    for (cluster, why) in [
        (Seen::Present(inactive), "it is DEPROVISIONING"),
        (Seen::Absent, "there is none of that name in eu-west-1"),
        (Seen::NotRead, "not looked at"),
        (Seen::Unknown(gap()), "AccessDeniedException: no"),
    ] {
        let mut fixture = Fixture::registered();
        fixture.observed.cluster = cluster;
        fixture.step();
        let waits = fixture.waits("migrate");
        assert!(waits.len() == 1 && waits[0].contains(why), "{waits:?}");
    }
}

#[test]
fn a_gate_that_was_opened_stays_open_when_the_cluster_is_lost_from_sight() {
    let mut fixture = Fixture::registered();
    fixture.step();
    fixture.observed.cluster = Seen::Unknown(gap());
    fixture.task("STOPPED", Some(0));
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Complete");
    assert_eq!(fixture.word("web"), "Waiting", "what has not begun waits");
}

#[test]
fn a_component_does_not_go_before_one_that_was_rolled_back() {
    let mut fixture = Fixture::complete().with_edge();
    assert_eq!(fixture.word("edge"), "Rolling");
    let phase = Phase::RolledBack {
        hash: "w1".into(),
        deployment: "d".into(),
        reason: "bad".into(),
        since: fixture.now,
    };
    let web = fixture.state.components.get_mut("web").unwrap();
    web.failures = vec![crate::model::rollout::Failure {
        within: None,
        hash: "w1".into(),
        declared: "declared".into(),
        attempt: "d".into(),
        reason: "bad".into(),
        at: fixture.now,
    }];
    web.phase = phase;
    fixture.want("edge", "e2");
    fixture.step();
    assert!(
        fixture.waits("edge").iter().any(|wait| wait.contains("rolled back: bad")),
        "{:?}",
        fixture.waits("edge")
    );
}

#[test]
fn a_component_waits_for_the_new_content_of_what_it_depends_on_not_for_the_old() {
    let mut fixture = Fixture::complete().with_edge();
    // A secret of web is missing: what it is to be is not known, so its old content opens no gate.
    fixture.resolved.components.get_mut("web").unwrap().definition = None;
    fixture.want("edge", "e2");
    fixture.step();
    assert_eq!(fixture.word("web"), "Complete");
    assert!(fixture.waits("edge").iter().any(|wait| wait.contains("not complete at its new content")));
    fixture.want("web", "w2");
    fixture.step();
    assert!(fixture.waits("edge").iter().any(|wait| wait.contains("not complete (Waiting)")));
}

#[test]
fn a_dependency_that_is_not_there_keeps_the_gate_closed() {
    let mut fixture = Fixture::registered();
    fixture.desired.components.get_mut("migrate").unwrap().depends_on.insert("nobody".into());
    fixture.step();
    assert!(fixture.waits("migrate").iter().any(|wait| wait.contains("not begun")));
}

#[test]
fn components_that_wait_for_each_other_all_wait() {
    let mut fixture = Fixture::registered();
    fixture.desired.components.get_mut("migrate").unwrap().depends_on.insert("web".into());
    fixture.step();
    assert_eq!((fixture.word("migrate"), fixture.word("web")), ("Waiting", "Waiting"));
}

#[test]
fn a_wait_keeps_its_beginning_while_it_is_for_the_same() {
    let since = |fixture: &Fixture| match fixture.phase("migrate") {
        Phase::Waiting { since, .. } => *since,
        other => panic!("{other:?}"),
    };
    let mut fixture = Fixture::registered();
    fixture.observed.cluster = Seen::Unknown(gap());
    fixture.step();
    let begun = since(&fixture);
    fixture.pass(60);
    fixture.observed.cluster = Seen::Absent;
    fixture.step();
    assert_eq!(since(&fixture), begun, "another word for the same wait");
    fixture.state.components.get_mut("migrate").unwrap().revision = None;
    fixture.step();
    assert_eq!(since(&fixture), fixture.now, "something else is waited for as well");
}

#[test]
fn a_component_that_is_no_longer_declared_is_forgotten_and_one_that_is_not_resolved_is_left_alone() {
    let mut fixture = Fixture::complete();
    fixture.resolved.components.remove("web");
    let before = fixture.state.components["web"].clone();
    fixture.step();
    assert_eq!(fixture.state.components["web"], before);
    fixture.desired.components.remove("web");
    fixture.step();
    assert!(!fixture.state.components.contains_key("web"));
}

#[test]
fn only_an_active_revision_of_the_family_with_our_tags_is_found_again_and_of_several_the_newest() {
    let tagged = |number: u32, status: &str, owner: &str, hash: &str, family: &str| ObservedDefinition {
        tags: [(TAG_OWNER.to_owned(), owner.to_owned()), (TAG_HASH.to_owned(), hash.to_owned())].into(),
        ..definition(family, number, status)
    };
    let mut fixture = Fixture::new();
    for found in [
        tagged(9, "INACTIVE", "shop", "w1", "shop-web"),
        tagged(8, "ACTIVE", "other", "w1", "shop-web"),
        tagged(7, "ACTIVE", "shop", "w0", "shop-web"),
        tagged(6, "ACTIVE", "shop", "w1", "shop-webs"),
        tagged(3, "ACTIVE", "shop", "w1", "shop-web"),
        tagged(10, "ACTIVE", "shop", "w1", "shop-web"),
    ] {
        fixture.observed.definitions.insert(found.arn.clone(), Seen::Present(found));
    }
    fixture.step();
    let revision = fixture.state.components["web"].revision.clone().unwrap();
    assert_eq!(revision.arn, arn("shop-web", 10));
    assert_eq!(fixture.state.components["migrate"].revision, None);
    // A lost record saw all of them once, and remembers: another content that is wanted again gets
    // its revision back.
    fixture.observed.definitions.clear();
    fixture.want("web", "w0");
    fixture.step();
    let revision = fixture.state.components["web"].revision.clone().unwrap();
    assert_eq!(revision.arn, arn("shop-web", 7));
    let earlier: Vec<&str> =
        fixture.state.components["web"].earlier.iter().map(|revision| revision.arn.as_str()).collect();
    assert_eq!(earlier, [arn("shop-web", 3), arn("shop-web", 10)], "the newest last");
}

#[test]
fn which_versions_of_secrets_are_in_force() {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let later = now + SignedDuration::from_secs(ROTATION_SETTLE_SECONDS - 1);
    let known = |version: &str, pending: Option<&str>| SecretVersion {
        version: version.into(),
        pending: pending.map(|version| (version.into(), now)),
    };
    let seen = |version: Option<&str>| {
        Seen::Present(ObservedSecret {
            arn: "arn".into(),
            version: version.map(str::to_owned),
            deleted: false,
        })
    };
    let settled = |prior: SecretVersion, secret: Seen<ObservedSecret>, at: Timestamp| {
        let state = RolloutState { secrets: [("s".to_owned(), prior)].into(), ..RolloutState::default() };
        let mut observed = Fixture::new().observed;
        observed.secrets.insert("s".into(), secret);
        settle_secrets(&state, &observed, at).remove("s")
    };
    assert_eq!(settled(known("1", None), seen(Some("1")), now), Some(known("1", None)));
    assert_eq!(
        settled(known("1", Some("2")), seen(Some("1")), now),
        Some(known("1", None)),
        "it was taken back"
    );
    assert_eq!(
        settled(known("1", Some("2")), seen(Some("2")), later),
        Some(known("1", Some("2"))),
        "too early"
    );
    let third = SecretVersion { version: "1".into(), pending: Some(("3".into(), later)) };
    assert_eq!(settled(known("1", Some("2")), seen(Some("3")), later), Some(third), "the wait begins anew");
    for unseen in [seen(None), Seen::Absent, Seen::NotRead, Seen::Unknown(gap())] {
        assert_eq!(
            settled(known("1", Some("2")), unseen, later),
            Some(known("1", Some("2"))),
            "never by a failed observation"
        );
    }
    // An observation of other things keeps everything; one at other secrets forgets what is no
    // longer used.
    let state =
        RolloutState { secrets: [("s".to_owned(), known("1", None))].into(), ..RolloutState::default() };
    let mut observed = Fixture::new().observed;
    assert!(settle_secrets(&state, &observed, now).contains_key("s"));
    observed.secrets.insert("other".into(), seen(Some("1")));
    assert!(!settle_secrets(&state, &observed, now).contains_key("s"));
}

#[test]
fn only_what_may_move_by_itself_is_looked_at_again_soon() {
    let mut fixture = Fixture::registered();
    fixture.step();
    assert!(wants_polling(fixture.phase("migrate")) && !wants_polling(fixture.phase("web")));
    fixture.task("STOPPED", Some(0));
    fixture.step();
    assert!(!wants_polling(fixture.phase("migrate")) && wants_polling(fixture.phase("web")));
}

#[test]
fn a_wait_for_another_component_begins_anew_whatever_keeps_it() {
    let mut fixture = Fixture::registered();
    fixture.step();
    let since = |fixture: &Fixture| match fixture.phase("web") {
        Phase::Waiting { since, .. } => *since,
        phase => panic!("{phase:?}"),
    };
    let begun = since(&fixture);
    fixture.pass(60);
    fixture.task("STOPPED", Some(1));
    fixture.step();
    assert_eq!(since(&fixture), begun, "the same component keeps it, for another reason");
    let mut other = fixture.desired.components["migrate"].clone();
    other.name = "import".into();
    fixture.desired.components.insert("import".into(), other);
    let web = fixture.desired.components.get_mut("web").unwrap();
    web.depends_on = ["import".into()].into();
    fixture.pass(60);
    fixture.step();
    assert_eq!(since(&fixture), fixture.now, "it waits for something else");
}

/// The web component, complete as a service, is declared as a task of the same content.
fn service_that_became_a_task() -> Fixture {
    let mut fixture = Fixture::complete();
    let task = fixture.desired.components["migrate"].workload.clone();
    fixture.desired.components.get_mut("web").unwrap().workload = task;
    fixture.observed.tasks.insert("web".into(), Seen::Present(vec![]));
    fixture
}

#[test]
fn a_service_that_became_a_task_is_run_although_its_content_was_complete() {
    let mut fixture = service_that_became_a_task();
    let revision = fixture.state.components["web"].revision.clone();
    fixture.step();
    assert_eq!(fixture.word("web"), "TaskRunning");
    assert_eq!(fixture.state.components["web"].revision, revision, "what is registered stays known");
    assert_eq!(fixture.state.components["web"].completed, None, "nothing of it is complete as a task");
}

#[test]
fn a_task_that_became_a_service_is_rolled_out_behind_its_gates_although_its_content_was_complete() {
    let mut fixture = Fixture::complete();
    let service = fixture.desired.components["web"].workload.clone();
    let migrate = fixture.desired.components.get_mut("migrate").unwrap();
    migrate.workload = service;
    migrate.depends_on = ["web".into()].into();
    fixture.desired.components.get_mut("web").unwrap().depends_on.clear();
    fixture.observed.services.insert("migrate".into(), Seen::Absent);
    fixture.observed.cluster = Seen::NotRead;
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Waiting", "its gates are closed");
    fixture.observed.cluster = Fixture::new().observed.cluster;
    fixture.step();
    assert_eq!(fixture.word("migrate"), "Rolling");
}

#[test]
fn a_record_that_does_not_name_the_type_of_workload_stays_as_it_is() {
    let mut fixture = Fixture::complete();
    fixture.state.components.values_mut().for_each(|component| component.workload = None);
    fixture.step();
    assert_eq!((fixture.word("migrate"), fixture.word("web")), ("Complete", "Complete"));
}

#[test]
fn a_revision_that_was_registered_just_now_is_known_when_it_is_wanted_again_whatever_reads_show() {
    let mut fixture = Fixture::new();
    let begun = fixture.now;
    let revision = |hash: &str, number: u32| Revision {
        hash: hash.into(),
        arn: arn("shop-web", number),
        registered: Some(begun),
    };
    let mut again = |seconds: i64| {
        fixture.pass(seconds);
        let mut known = ComponentRollout::default();
        known.set_revision(revision("w1", 2));
        known.set_revision(revision("w0", 1));
        fixture.state.components.insert("web".into(), Box::new(known));
        fixture.observed.definitions = [(arn("shop-web", 2), Seen::Absent)].into();
        fixture.step();
        fixture.state.components["web"].revision.clone().unwrap()
    };
    assert_eq!(again(0), revision("w1", 2));
    assert_eq!(again(300), Revision { registered: None, ..revision("w1", 2) });
}
