//! The crash matrix: a full run of each example document, and the controller killed in it before
//! and after every call of AWS and in the middle of every step of its disk, one at a time. Each
//! run must come to the same end: nothing made twice, nothing left behind.
//!
//! A run: declared, brought up, upgraded, changed by hand and repaired, removed with a
//! confirmation, gone.
//!
//! From the moment when it is up until it is upgraded, clients send requests every second and after
//! every write: none is lost, wherever the controller is killed.
//!
//! What a kill leaves behind is AWS, the disk and the time, and nothing else. So places between
//! which AWS carried out no write, the disk made no step and no simulated time passed are one
//! place: most of the reads of one pass. One run is made for all of them, unless each is asked
//! for.

use super::document::REGION;
use super::report;
use super::system::{AtCall, End, System};
use super::watch::Watch;
use super::watch::call::read;
use aws_sim::traffic::Clients;
use aws_sim::wire::Service;
use aws_sim::{Moment, Sim};
use evenkeel::reconcile::is_ready;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest that one stage of a run may take, in simulated seconds.
const STAGE: u64 = 2400;

/// Cases after which it says how far it is.
const REPORT_EVERY: usize = 100;

/// One example.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Name of its deployment.
    pub name: &'static str,
    text: &'static str,
}

/// The examples, as they are shipped.
pub const EXAMPLES: [Example; 4] = [
    Example { name: "shop", text: include_str!("../../manifests/examples/application.yaml") },
    Example { name: "datero", text: include_str!("../../manifests/examples/datero.yaml") },
    Example { name: "pulumi", text: include_str!("../../manifests/examples/pulumi.yaml") },
    Example { name: "zenml", text: include_str!("../../manifests/examples/zenml.yaml") },
];
/// What they expect to be there before.
const WORLD: &str = include_str!("../../manifests/examples/aws-sim-world.json");

/// Where in a run the controller is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At the n-th call of AWS, before or after.
    Call(AtCall),
    /// In the middle of the n-th step of the disk.
    Disk(u32),
}

/// The end state of a run.
#[derive(Clone, Debug, PartialEq)]
struct EndState {
    /// Writes that AWS carried out, by operation.
    carried_out: BTreeMap<String, u64>,
    /// What is left in AWS.
    left: Value,
}

/// What a place in a run leaves behind: the time, the writes of AWS that have begun and ended, and
/// the steps of the disk by then.
type Footprint = (Timestamp, u64, u64);

/// A whole run, and what was counted in it.
struct RunReport {
    end_state: EndState,
    /// Calls of AWS.
    calls: u64,
    /// Those of them that write.
    writes: u64,
    /// Steps of the disk.
    steps: u64,
    /// Every call, before and after.
    places: Vec<(AtCall, Footprint)>,
    /// Requests of clients.
    served: u64,
}

/// Runs the matrix of the examples whose names contain `filter`, on so many threads; with `each`,
/// also the places that leave the same behind. Answers whether every run came to its end.
pub fn run(filter: &str, each: bool, jobs: usize) -> bool {
    let mut whole = true;
    for example in EXAMPLES.iter().filter(|example| example.name.contains(filter)) {
        let report = match run_to_end(example, None) {
            Ok(report) => report,
            Err(why) => {
                println!("crash matrix: {}: the undisturbed run does not end: {why}", example.name);
                return false;
            }
        };
        let cases = cases(&report, each);
        println!(
            "crash matrix: {}: a run of {} calls ({} writes) and {} disk steps, {} requests served; {} places to be killed at, {} of them different",
            example.name,
            report.calls,
            report.writes,
            report.steps,
            report.served,
            2 * report.calls + report.steps,
            cases.len()
        );
        let undisturbed = report.end_state;
        let failures = Mutex::new(Vec::new());
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    loop {
                        let nth = next.fetch_add(1, Ordering::Relaxed);
                        let Some(at) = cases.get(nth) else { break };
                        if nth > 0 && nth.is_multiple_of(REPORT_EVERY) {
                            println!("… {}: {nth} of {} cases", example.name, cases.len());
                        }
                        if let Err(why) = check_killed(example, *at, &undisturbed) {
                            failures.lock().unwrap_or_else(PoisonError::into_inner).push((*at, why));
                        }
                    }
                });
            }
        });
        let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        println!("crash matrix: {}: {} runs, {} failed", example.name, cases.len(), failures.len());
        for (at, why) in failures.iter().take(5) {
            println!("  killed at {at:?}: {why}");
        }
        whole &= failures.is_empty();
    }
    whole
}

/// Where to kill: at the first of all places that leave the same behind, or `each`; and in every
/// step of the disk.
fn cases(report: &RunReport, each: bool) -> Vec<At> {
    let mut seen = BTreeSet::new();
    let calls =
        report.places.iter().filter(|(_, left)| seen.insert(*left) || each).map(|(at, _)| At::Call(*at));
    let steps = (1..=report.steps).map(|step| At::Disk(u32::try_from(step).unwrap_or(u32::MAX)));
    calls.chain(steps).collect()
}

fn check_killed(example: &Example, at: At, undisturbed: &EndState) -> Result<(), String> {
    let report = run_to_end(example, Some(at))?.end_state;
    let counts =
        |end_state: &EndState, name: &str| end_state.carried_out.get(name).copied().unwrap_or_default();
    let names: BTreeSet<&String> = report.carried_out.keys().chain(undisturbed.carried_out.keys()).collect();
    let differing: Vec<String> = names
        .into_iter()
        .filter(|name| counts(&report, name) != counts(undisturbed, name))
        .map(|name| {
            format!("{name} {} times, undisturbed {}", counts(&report, name), counts(undisturbed, name))
        })
        .collect();
    if !differing.is_empty() {
        return Err(format!("carried out {}", differing.join(", ")));
    }
    if report.left != undisturbed.left {
        return Err(format!("left {}, undisturbed {}", report.left, undisturbed.left));
    }
    Ok(())
}

/// One run on a simulated AWS and in a paused time of its own.
fn run_to_end(example: &Example, at: Option<At>) -> Result<RunReport, String> {
    report::in_own_runtime(async {
        fastrand::seed(7);
        let sim = Sim::builder().seed(7).kept_calls(1).build();
        let world = serde_json::from_str(WORLD).map_err(|error| error.to_string())?;
        sim.seed_world(&world).map_err(|error| error.to_string())?;
        let mut run = CrashRun::new(example, &sim);
        run.arm(at);
        let report = run.run_to_end().await;
        run.system.kill().await;
        sim.clear_observers();
        report?;
        if run.is_armed() {
            return Err("it was not killed: its run was shorter".to_owned());
        }
        let places = std::mem::take(&mut *run.places.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(RunReport {
            end_state: run.end_state(),
            calls: run.calls.load(Ordering::Relaxed),
            writes: run.writes.load(Ordering::Relaxed),
            steps: run.system.disk.steps(),
            places,
            served: run.clients.sent(),
        })
    })?
}

/// One run of an example, from its declaration to its removal.
struct CrashRun {
    name: &'static str,
    document: Value,
    system: System,
    disk_dies: bool,
    calls: Arc<AtomicU64>,
    /// Calls that write.
    writes: Arc<AtomicU64>,
    /// Every call, before and after, while nobody is killed.
    places: Arc<Mutex<Vec<(AtCall, Footprint)>>>,
    carried_out: Arc<Mutex<BTreeMap<String, u64>>>,
    clients: Clients,
}

impl CrashRun {
    fn new(example: &Example, sim: &Sim) -> Self {
        let calls = Arc::<AtomicU64>::default();
        let writes = Arc::<AtomicU64>::default();
        let carried_out = Arc::<Mutex<BTreeMap<String, u64>>>::default();
        let (counted, written, done) = (Arc::clone(&calls), Arc::clone(&writes), Arc::clone(&carried_out));
        sim.on_call(move |moment| {
            let Moment::After { request, call, .. } = moment else { return };
            counted.fetch_add(1, Ordering::Relaxed);
            if !request.is_write() {
                return;
            }
            written.fetch_add(1, Ordering::Relaxed);
            if call.status / 100 == 2 {
                let name = format!("{}:{}", call.service, call.operation);
                *done.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
            }
        });
        // It comes after the counting: what it dies of, it dies of when the call is counted.
        let system = System::new(sim.clone(), Watch::blind(sim), 7);
        let places = Arc::<Mutex<Vec<(AtCall, Footprint)>>>::default();
        let (found, counted, written) = (Arc::clone(&places), Arc::clone(&calls), Arc::clone(&writes));
        let (clock, disk) = (sim.clock(), system.disk.clone());
        let (began, asked) = (AtomicU32::new(0), AtomicU64::new(0));
        sim.on_call(move |moment| {
            let after = matches!(moment, Moment::After { .. });
            if let Moment::Before { request } = moment {
                began.fetch_add(1, Ordering::Relaxed);
                asked.fetch_add(u64::from(request.is_write()), Ordering::Relaxed);
            }
            let ended = u32::try_from(counted.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
            let at = AtCall { nth: if after { ended } else { began.load(Ordering::Relaxed) }, after };
            let writes = asked.load(Ordering::Relaxed) + written.load(Ordering::Relaxed);
            let left = (clock.now(), writes, disk.steps());
            found.lock().unwrap_or_else(PoisonError::into_inner).push((at, left));
        });
        Self {
            name: example.name,
            document: document(example),
            system,
            disk_dies: false,
            calls,
            writes,
            places,
            carried_out,
            clients: Clients::of(sim),
        }
    }

    fn arm(&mut self, at: Option<At>) {
        match at {
            Some(At::Call(at)) => self.system.dies_in_call(Some(at)),
            Some(At::Disk(step)) => {
                self.disk_dies = true;
                self.system.disk.die_in(Some(step));
            }
            None => {}
        }
    }

    fn is_armed(&self) -> bool {
        self.system.is_armed() || (self.disk_dies && self.system.disk.is_armed())
    }

    async fn run_to_end(&mut self) -> Result<(), String> {
        self.declare();
        self.start().await?;
        self.until("is brought up", |one| one.is_ready(1)).await?;
        self.clients.learn_steady();
        self.clients.send_after_writes();
        upgrade(&mut self.document);
        self.declare();
        self.until("is upgraded", |one| one.is_ready(2)).await?;
        // What was changed by hand may be lost until it is repaired.
        self.clients.forget(|_| true);
        if let Some(loss) = self.clients.losses().first() {
            let (lost, sent) = (self.clients.losses().len(), self.clients.sent());
            return Err(format!("{lost} of {sent} requests were lost: {loss}"));
        }
        let before = self.declared_in_aws();
        self.change_by_hand();
        if self.declared_in_aws() == before {
            return Err("nothing was changed by hand".to_owned());
        }
        self.until("is repaired", |one| one.declared_in_aws() == before && one.is_ready(2)).await?;
        self.system.confirm(self.name).await.map_err(|error| error.to_string())?;
        self.system.specs.remove("document.yaml");
        self.until("is gone", CrashRun::is_gone).await?;
        // What is killed at the very end goes on, too.
        self.pass(90).await?;
        self.until("stays gone", CrashRun::is_gone).await
    }

    fn declare(&self) {
        self.system.specs.write("document.yaml", &self.document.to_string());
    }

    async fn start(&mut self) -> Result<(), String> {
        self.system.start().await.map_err(|error| error.to_string())
    }

    /// Waits, and starts the controller again when it died.
    async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> Result<(), String> {
        for _ in 0..STAGE {
            self.pass(1).await?;
            if holds(self) {
                return Ok(());
            }
        }
        let (statuses, _) = self.system.statuses();
        let conditions: Vec<String> = statuses
            .iter()
            .map(|status| serde_json::to_string(&status.conditions).unwrap_or_default())
            .collect();
        Err(format!("within {STAGE} s it never {what}: {}", conditions.join(" ")))
    }

    async fn pass(&mut self, seconds: u64) -> Result<(), String> {
        self.system.pass(Duration::from_secs(seconds)).await;
        self.clients.send();
        if !self.system.is_alive() {
            // The switch that has just killed it is off; others stay armed.
            if let End::Refused(error) = self.system.join().await {
                return Err(format!("the controller does not start: {error}"));
            }
            if let Some(violation) = self.system.watch.first_violation() {
                return Err(violation.message);
            }
            self.start().await?;
        }
        Ok(())
    }

    fn is_ready(&self, generation: u64) -> bool {
        let (statuses, up_to_date) = self.system.statuses();
        let ready = |status: &Arc<evenkeel::model::status::DeploymentStatus>| {
            is_ready(status)
                && status.generation.0 == generation
                && status.observed_generation.0 == generation
        };
        up_to_date && !statuses.is_empty() && statuses.iter().all(ready)
    }

    fn is_gone(&self) -> bool {
        let (statuses, up_to_date) = self.system.statuses();
        up_to_date
            && statuses.is_empty()
            && self.system.disk.names().iter().all(|name| !name.ends_with(".json") || name.starts_with('_'))
    }

    fn services(&self) -> Vec<aws_sim::ecs::ServiceView> {
        self.system.sim.with(|world| world.region(REGION).ecs.services())
    }

    /// What the document declares and people like to change: counts, retentions, and how many rules
    /// there are.
    fn declared_in_aws(&self) -> Value {
        let counts: Map<String, Value> =
            self.services().into_iter().map(|service| (service.key, json!(service.desired))).collect();
        let groups =
            read(&self.system.sim, Service::Logs, "DescribeLogGroups", &json!({})).unwrap_or_default();
        let retentions: Vec<&Value> = groups["logGroups"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|group| &group["retentionInDays"])
            .collect();
        json!({"counts": counts, "retentions": retentions, "rules": self.rules().len()})
    }

    fn rules(&self) -> Vec<Value> {
        self.listeners()
            .iter()
            .flat_map(|listener| {
                let input = json!({"ListenerArn": listener["ListenerArn"]});
                let rules =
                    read(&self.system.sim, Service::Elbv2, "DescribeRules", &input).unwrap_or_default();
                rules["Rules"].as_array().cloned().unwrap_or_default()
            })
            .filter(|rule| rule["IsDefault"] != true && rule["IsDefault"] != "true")
            .collect()
    }

    fn listeners(&self) -> Vec<Value> {
        let balancers =
            read(&self.system.sim, Service::Elbv2, "DescribeLoadBalancers", &json!({})).unwrap_or_default();
        let balancers = balancers["LoadBalancers"].as_array().cloned().unwrap_or_default();
        balancers
            .iter()
            .flat_map(|balancer| {
                let input = json!({"LoadBalancerArn": balancer["LoadBalancerArn"]});
                let listeners =
                    read(&self.system.sim, Service::Elbv2, "DescribeListeners", &input).unwrap_or_default();
                listeners["Listeners"].as_array().cloned().unwrap_or_default()
            })
            .collect()
    }

    fn change_by_hand(&self) {
        for service in self.services() {
            let (cluster, name) = service.key.split_once('/').unwrap_or_default();
            let input = json!({"cluster": cluster, "service": name, "desiredCount": service.desired + 1});
            self.system.by_hand(Service::Ecs, "UpdateService", &input);
        }
        if let Some(rule) = self.rules().first() {
            self.system.by_hand(Service::Elbv2, "DeleteRule", &json!({"RuleArn": rule["RuleArn"]}));
        }
        let groups =
            read(&self.system.sim, Service::Logs, "DescribeLogGroups", &json!({})).unwrap_or_default();
        for group in groups["logGroups"].as_array().into_iter().flatten() {
            let input = json!({"logGroupName": group["logGroupName"], "retentionInDays": 1});
            self.system.by_hand(Service::Logs, "PutRetentionPolicy", &input);
        }
    }

    fn end_state(&self) -> EndState {
        let sim = &self.system.sim;
        let services: Vec<String> =
            self.services().into_iter().filter(|one| one.status != "INACTIVE").map(|one| one.key).collect();
        let groups = read(sim, Service::Elbv2, "DescribeTargetGroups", &json!({})).unwrap_or_default();
        let logs = read(sim, Service::Logs, "DescribeLogGroups", &json!({})).unwrap_or_default();
        let definitions = read(sim, Service::Ecs, "ListTaskDefinitions", &json!({})).unwrap_or_default();
        let count = |value: &Value| value.as_array().map_or(0, Vec::len);
        let left = json!({
            "services": services,
            "targetGroups": count(&groups["TargetGroups"]),
            "listeners": self.listeners().len(),
            "rules": self.rules().len(),
            "logGroups": count(&logs["logGroups"]),
            "revisions": definitions["taskDefinitionArns"],
            "files": self.system.disk.names(),
        });
        let carried_out = self.carried_out.lock().unwrap_or_else(PoisonError::into_inner).clone();
        EndState { carried_out, left }
    }
}

/// The example, with all that it makes to go when it goes.
fn document(example: &Example) -> Value {
    let mut document: Value = serde_saphyr::from_str(example.text).expect("the examples are documents");
    let spec = &mut document["spec"];
    spec["deletionPolicy"] = json!("Delete");
    match spec.get_mut("logGroups").and_then(Value::as_object_mut) {
        Some(groups) => groups.values_mut().for_each(|group| group["deletionPolicy"] = json!("Delete")),
        None => {
            if !spec["logs"].is_object() {
                spec["logs"] = json!({});
            }
            spec["logs"]["deletionPolicy"] = json!("Delete");
        }
    }
    document
}

/// The next version of everything.
fn upgrade(document: &mut Value) {
    let spec = &mut document["spec"];
    if let Some(tag) = spec.get("imageTag").and_then(Value::as_str) {
        // Datero's data belongs to a version; a patch keeps it. Pulumi's tags are dates, ZenML's
        // are versions.
        let next = match tag.rsplit_once('.') {
            Some((before, _)) => format!("{before}.9"),
            None => tag.replace("20260915", "20261015"),
        };
        spec["imageTag"] = json!(next);
        return;
    }
    let components = spec.get_mut("components").and_then(Value::as_object_mut).into_iter().flatten();
    for container in
        components.flat_map(|(_, one)| one["taskDefinition"]["containerDefinitions"].as_array_mut()).flatten()
    {
        let image = container["image"].as_str().unwrap_or_default().replace("2.14.0", "2.15.0");
        container["image"] = json!(image);
    }
}
