//! Killed anywhere, it goes on as if it had only been slow: nothing is made twice, nothing is left
//! half done.

use crate::support::state::Moment as Save;
use crate::support::{Fixture, SHOP};
use aws_sim::{Moment, Sim};
use evenkeel::reconcile::is_ready;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Kills the controller at chosen moments, each once: after writes of AWS (`RunTask 1`, as they
/// were carried out) and after saves of a record (`save 1`). A moment before a write or save is the
/// same as the moment after the one before it.
#[derive(Clone, Default)]
struct Killer {
    inner: Arc<Mutex<Moments>>,
}

#[derive(Default)]
struct Moments {
    counts: BTreeMap<String, usize>,
    passed: Vec<String>,
    due: BTreeSet<String>,
}

impl Killer {
    fn at<'m>(moments: impl IntoIterator<Item = &'m str>) -> Self {
        let due = moments.into_iter().map(str::to_owned).collect();
        Self { inner: Arc::new(Mutex::new(Moments { due, ..Moments::default() })) }
    }

    fn moment(&self, what: &str) {
        let dies = {
            let mut inner = self.inner.lock().unwrap();
            let count = inner.counts.entry(what.to_owned()).or_default();
            *count += 1;
            let moment = format!("{what} {count}");
            inner.passed.push(moment.clone());
            inner.due.remove(&moment)
        };
        assert!(!dies, "killed after {what}");
    }

    fn watch(&self, fixture: &Fixture) {
        let killer = self.clone();
        fixture.saves.on_save(move |moment, _| {
            if moment == Save::After {
                killer.moment("save");
            }
        });
        let killer = self.clone();
        fixture.sim.on_call(move |moment| {
            if let Moment::After { request, .. } = moment
                && request.is_write()
            {
                killer.moment(&request.operation);
            }
        });
    }

    fn passed(&self) -> Vec<String> {
        self.inner.lock().unwrap().passed.clone()
    }

    /// Moments that never came.
    fn missed(&self) -> BTreeSet<String> {
        self.inner.lock().unwrap().due.clone()
    }
}

/// What a run came to.
#[derive(Debug, PartialEq)]
struct RunResult {
    carried_out: BTreeMap<String, usize>,
    revisions: Vec<Option<String>>,
}

/// A bring-up and an upgrade, with the controller restarted whenever it was killed.
async fn run(killer: &Killer) -> RunResult {
    run_of(SHOP, killer).await
}

async fn run_of(document: &str, killer: &Killer) -> RunResult {
    let sim = Sim::builder().seed(7).build();
    let mut fixture = Fixture::idle(sim, &[("shop.yaml", document)]).await;
    killer.watch(&fixture);
    fixture.start().await;
    converge(&mut fixture, "shop:1.0").await;
    fixture.edit_quietly("shop.yaml", ":1.0", ":1.1");
    if fixture.is_dead() {
        fixture.start().await;
    } else {
        fixture.declare().await;
    }
    converge(&mut fixture, "shop:1.1").await;
    fixture.pass(70).await;
    if fixture.is_dead() {
        fixture.start().await;
        converge(&mut fixture, "shop:1.1").await;
    }
    let status = fixture.status("shop");
    RunResult {
        carried_out: fixture.carried_out(),
        revisions: status.components.values().map(|component| component.revision.clone()).collect(),
    }
}

async fn converge(fixture: &mut Fixture, image: &str) {
    // A registration that was cut off is waited for: AWS may show its revision minutes later.
    for _ in 0..3600 {
        if fixture.is_dead() {
            fixture.start().await;
        }
        let ready = fixture.handle.statuses().iter().any(|status| {
            is_ready(status) && status.components.get("web").is_some_and(|web| web.image.ends_with(image))
        });
        if ready {
            return;
        }
        fixture.pass(1).await;
    }
    fixture.ready_within(0).await;
}

/// Alarms have one call for making and changing: a second one after a crash changes nothing.
#[tokio::test(start_paused = true)]
async fn killed_after_it_made_an_alarm_it_makes_no_other_and_wires_it_once() {
    let document = crate::alarms::shop();
    let counting = Killer::default();
    let undisturbed = run_of(&document, &counting).await;
    assert_eq!(undisturbed.carried_out["monitoring:PutMetricAlarm"], 1, "{undisturbed:?}");
    let killer = Killer::at(["PutMetricAlarm 1", "CreateService 1"]);
    assert_eq!(run_of(&document, &killer).await, undisturbed, "killed after {:?}", killer.passed());
    assert_eq!(killer.missed(), BTreeSet::new(), "it was not killed there");
}

async fn killed_at(undisturbed: &RunResult, moments: impl IntoIterator<Item = &str>) {
    let killer = Killer::at(moments);
    let killed = run(&killer).await;
    assert_eq!(killer.missed(), BTreeSet::new(), "it was not killed there");
    assert_eq!(killed, *undisturbed, "killed after {:?}", killer.passed());
}

/// Every moment of a bring-up and an upgrade comes up in one of the rounds; in each round the
/// controller is killed at every seventh of them.
#[tokio::test(start_paused = true)]
async fn killed_after_any_write_or_save_it_makes_nothing_twice() {
    const ROUNDS: usize = 7;
    let counting = Killer::default();
    let undisturbed = run(&counting).await;
    let moments = counting.passed();
    assert_eq!(undisturbed.carried_out["ecs:RunTask"], 2, "{undisturbed:?}");
    assert!(moments.len() > 25, "{moments:?}");
    for round in 0..ROUNDS {
        killed_at(&undisturbed, moments.iter().skip(round).step_by(ROUNDS).map(String::as_str)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn killed_twice_in_the_middle_of_the_first_bring_up_it_becomes_ready_and_makes_nothing_twice() {
    let undisturbed = run(&Killer::default()).await;
    for moments in [
        ["save 1", "CreateTargetGroup 1"],
        ["RegisterTaskDefinition 1", "RegisterTaskDefinition 2"],
        ["RunTask 1", "CreateService 1"],
    ] {
        killed_at(&undisturbed, moments).await;
    }
}

#[tokio::test(start_paused = true)]
async fn told_to_stop_in_the_middle_it_finishes_the_action_under_way_and_begins_no_other() {
    let sim = Sim::builder().seed(7).latency(Duration::from_secs(1), Duration::from_secs(1)).build();
    let mut fixture = Fixture::on(sim, &[("shop.yaml", SHOP)]).await;
    // The first writes of a bring-up: several in one plan, a second each.
    for _ in 0..200 {
        if !fixture.writes().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let before = fixture.writes().len();
    let asked = fixture.sim.now();
    fixture.stop().await;
    let took = fixture.sim.now().duration_since(asked).as_secs_f64();
    assert!(took <= 10.0, "it took {took} s to stop");
    assert!(fixture.writes().len() <= before + 1, "{:?}", fixture.writes());
    let record = fixture.record("shop").await;
    assert!(!record.rollout.components.is_empty(), "what was answered is kept");
    fixture.start().await;
    fixture.ready_within(900).await;
    assert_eq!(fixture.carried_out()["ecs:CreateService"], 1);
    assert_eq!(fixture.carried_out()["ecs:RunTask"], 1);
}
