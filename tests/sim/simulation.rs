//! Runs a scenario: everything that happens in it, in order of time, around a controller that
//! knows nothing of it.

use super::document::{App, CLUSTERS, Kind, Part, RENAMED};
use super::fields::{self, is_good};
use super::scenario::{
    Breakage, Edit, Fault, ManualChange, Misbehaviour, Scenario, Step, Trouble, WayChange, What,
};
use super::system::{AtCall, End, System};
use super::watch::facts::Disturbance;
use super::watch::traffic::Served;
use super::watch::{Violation, Watch};
use super::{by_hand, ending, shift};
use aws_sim::Sim;
use aws_sim::behaviour::{Behaviour, BehaviourRule};
use aws_sim::faults::{Effect, FaultRule, When};
use aws_sim::wire::Service;
use evenkeel::model::request::RequestKind;
use evenkeel::model::status::DeploymentStatus;
use evenkeel::state::ErrorKind;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How often it is checked whether the controller runs and whether an invariant was violated.
pub const TICK: Duration = Duration::from_secs(10);

/// How often clients send requests.
const BEAT: Duration = Duration::from_secs(3);

/// The result of a run.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// The violated invariant, if one was violated.
    pub violation: Option<Violation>,
    /// A number over everything that happened: calls, answers, files.
    pub trace_hash: u64,
    /// Every moment as a line, when asked for.
    pub trace: Vec<String>,
    /// Calls of AWS.
    pub calls: u64,
    /// What became of the requests of clients.
    pub served: Served,
    /// Simulated time.
    pub lasted: Duration,
    /// Deployments that were not Ready at the end, with the reason that holds them: none that is
    /// not a good one.
    pub explained: Vec<String>,
}

/// The state of a run.
pub struct Simulation {
    /// AWS, the disk and the controller.
    pub system: System,
    /// The applications as their documents say now.
    pub apps: Vec<App>,
    /// The same before each was last edited.
    before: Vec<App>,
    /// Which of them are declared.
    pub present: Vec<bool>,
    /// Whose text is broken.
    broken: BTreeSet<usize>,
    start: Timestamp,
    /// Faults and misbehaviours that go on, with their end.
    faults: Vec<(Duration, Fault)>,
    behaviours: Vec<(Duration, BehaviourRule)>,
    store_back: Option<Duration>,
    /// Whether the folder shows no files at present.
    emptied: bool,
    /// When the controller is started again.
    restart: Option<Duration>,
    rotations: u32,
    /// Whether somebody registered addresses that belong to no task.
    pub strays: bool,
    /// Applications of which containers answered now and then: those that were placed by then go on
    /// like that, and a load balancer may call them healthy all the time.
    pub flapping: BTreeSet<usize>,
}

/// Runs a scenario to its end.
pub async fn simulate(scenario: &Scenario, traced: bool) -> RunResult {
    for app in &scenario.apps {
        assert!(is_good(&app.document()), "a scenario begins with what can be declared: {}", app.document());
    }
    fastrand::seed(scenario.seed);
    let latency = Duration::from_millis(scenario.latency_ms);
    let sim = Sim::builder()
        .seed(scenario.seed)
        .rate_limits(scenario.rate_limits)
        .latency(latency / 4, latency)
        .kept_calls(1)
        .build();
    let watch = Watch::new(&sim, traced);
    let mut run = Simulation::begin(scenario, sim, watch).await;
    let mut violation = run.disturb_until(&scenario.steps, scenario.calm_from).await.err();
    let mut explained = Vec::new();
    if violation.is_none() {
        match ending::converge(&mut run).await {
            Ok(reasons) => explained = reasons,
            Err(found) => violation = Some(found),
        }
    }
    run.finish(violation, explained).await
}

impl Simulation {
    /// A run in which nothing has happened yet, checkers included, and everything is allowed: what
    /// no policy allows must be seen when it is done all the same.
    pub async fn quiet(scenario: &Scenario) -> Self {
        fastrand::seed(scenario.seed);
        let sim = Sim::builder().seed(scenario.seed).kept_calls(1).build();
        let watch = Watch::new(&sim, false);
        let run = Self::begin(scenario, sim, watch).await;
        run.system.sim.with(|world| world.iam.clear());
        run
    }

    async fn begin(scenario: &Scenario, sim: Sim, watch: Watch) -> Self {
        let start = sim.now();
        let system = System::new(sim, watch, scenario.seed);
        let names: Vec<String> =
            scenario.apps.iter().flat_map(|app| [app.name.clone(), renamed(&app.name)]).collect();
        system.seed(&names);
        let mut run = Self {
            system,
            apps: scenario.apps.clone(),
            before: scenario.apps.clone(),
            present: vec![false; scenario.apps.len()],
            broken: BTreeSet::new(),
            start,
            faults: Vec::new(),
            behaviours: Vec::new(),
            store_back: None,
            emptied: false,
            restart: None,
            rotations: 0,
            strays: false,
            flapping: BTreeSet::new(),
        };
        for index in 0..run.apps.len() {
            run.declare(index);
        }
        run.start().await;
        run
    }

    async fn finish(mut self, violation: Option<Violation>, explained: Vec<String>) -> RunResult {
        self.system.kill().await;
        self.system.sim.clear_observers();
        let hash = self.system.sim.trace_hash() ^ self.system.disk.hash().rotate_left(17);
        RunResult {
            violation,
            trace_hash: hash,
            trace: self.system.watch.trace(),
            calls: self.system.sim.counts().total(),
            served: self.system.watch.served(),
            lasted: self.elapsed(),
            explained,
        }
    }

    /// Simulated time since the start.
    pub fn elapsed(&self) -> Duration {
        self.system.sim.now().duration_since(self.start).unsigned_abs()
    }

    /// Lets everything happen that the scenario holds.
    async fn disturb_until(&mut self, steps: &[Step], until: Duration) -> Result<(), Violation> {
        for step in steps {
            self.wait_until(step.at).await?;
            self.system.watch.note(|| format!("STEP {:?}", step.what));
            self.act(&step.what).await;
        }
        self.wait_until(until).await
    }

    /// Lets time pass, and checks at every tick.
    pub async fn wait_until(&mut self, at: Duration) -> Result<(), Violation> {
        loop {
            self.tick().await;
            if let Some(violation) = self.system.watch.first_violation() {
                return Err(violation);
            }
            let now = self.elapsed();
            if now >= at {
                return Ok(());
            }
            let next = [Some(at), Some(now + TICK), self.next_end(), self.restart, self.store_back];
            let next = next.into_iter().flatten().filter(|next| *next > now).min().unwrap_or(at);
            // A moment more, so that what is due then is done.
            self.beat_until(next + Duration::from_millis(1)).await;
        }
    }

    /// Lets time pass, while clients send requests.
    async fn beat_until(&self, at: Duration) {
        while let Some(left) = at.checked_sub(self.elapsed()).filter(|left| !left.is_zero()) {
            self.system.pass(left.min(BEAT)).await;
            self.system.watch.beat();
        }
    }

    fn next_end(&self) -> Option<Duration> {
        let ends = self.faults.iter().map(|(end, _)| *end).chain(self.behaviours.iter().map(|(end, _)| *end));
        ends.min()
    }

    /// Ends what has lasted long enough, starts the controller again, and lets the checkers
    /// observe.
    async fn tick(&mut self) {
        let now = self.elapsed();
        if self.next_end().is_some_and(|end| end <= now) {
            self.faults.retain(|(end, _)| *end > now);
            self.behaviours.retain(|(end, _)| *end > now);
            self.set_faults();
        }
        if self.store_back.is_some_and(|back| back <= now) {
            self.store_back = None;
            self.store_is_back();
        }
        if self.restart.is_none() && !self.system.is_alive() {
            // It died by itself, as the scenario wants, or it refused to start.
            let end = self.system.kill().await;
            self.mend(end);
            self.restart = Some(now + Duration::from_secs(3));
        }
        if self.restart.is_some_and(|restart| restart <= now) {
            self.start().await;
        }
        let (statuses, _) = self.system.statuses();
        self.system.watch.observe(&statuses);
    }

    /// A person takes away a file of the state that the controller refuses, as its message says.
    fn mend(&mut self, end: End) {
        let End::Refused(error) = end else { return };
        if error.kind != ErrorKind::TooNew {
            self.system.watch.violation("starts", format!("the controller does not start: {error}"));
            return;
        }
        let path = Path::new(&error.place);
        let corrupted = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let known = self.system.watch.facts(|facts| facts.lost_records.contains(&corrupted));
        if !known {
            self.system.watch.violation("starts", format!("the controller refuses its own file: {error}"));
        }
        // What it cannot use is of no use.
        let _ = evenkeel::state::Disk::remove(&self.system.disk, path);
    }

    async fn start(&mut self) {
        self.restart = None;
        self.disturb(Disturbance::Process, 0);
        if let Err(error) = self.system.start().await {
            self.system.watch.violation("starts", format!("the controller cannot open its state: {error}"));
        }
    }

    fn disturb(&self, what: Disturbance, seconds: u64) {
        let until = self.system.sim.now() + SignedDuration::from_secs(seconds.try_into().unwrap_or(i64::MAX));
        self.system.watch.facts(|facts| facts.disturb(what, until));
    }

    /// Writes a document as it is now.
    pub fn declare(&mut self, app: usize) {
        self.broken.remove(&app);
        let came_back = !std::mem::replace(&mut self.present[app], true);
        let now = self.system.sim.now();
        let declared = self.apps[app].clone();
        self.system.watch.facts(|facts| {
            // When it was certainly seen to be gone, what was confirmed was its end then, and no
            // later one.
            let seen = [Disturbance::Documents, Disturbance::Process, Disturbance::Disk];
            if came_back && facts.quiet(now, 60, &seen) {
                facts.confirmed.remove(&declared.name);
            }
            facts.declare(now, &declared.name, Some(declared.clone()));
        });
        self.removals_are_believed();
        self.disturb(Disturbance::Documents, 30);
        self.system.specs.write(&declared.file(), &declared.render());
    }

    fn remove(&mut self, app: usize) {
        if !std::mem::replace(&mut self.present[app], false) {
            return;
        }
        self.broken.remove(&app);
        let now = self.system.sim.now();
        let name = self.apps[app].name.clone();
        self.system.watch.facts(|facts| facts.declare(now, &name, None));
        self.disturb(Disturbance::Documents, 30);
        self.system.specs.remove(&self.apps[app].file());
    }

    async fn act(&mut self, what: &What) {
        match what {
            What::Edit { app, edit } => {
                self.edit(*app, edit);
                self.means_it(*app).await;
            }
            What::Remove { app } => {
                self.remove(*app);
                self.means_it(*app).await;
            }
            What::Restore { app } => {
                if !self.present[*app] {
                    self.declare(*app);
                }
            }
            What::Move { app } => self.move_file(*app),
            What::Rename { app } => self.rename(*app),
            What::Hand { app, part, to } => self.hand(*app, *part, *to),
            What::Confirm { app } => self.confirm(*app).await,
            What::StoreGone { seconds, emptied } => self.store_gone(*seconds, *emptied),
            What::Manual { app, part, change } => self.change_by_hand(*app, *part, *change),
            What::Answer { app, rollback } => self.answer(*app, *rollback).await,
            What::Rotate { app } => self.rotate(*app),
            What::Fault { fault, seconds } => {
                let end = self.elapsed() + Duration::from_secs(*seconds);
                self.faults.push((end, *fault));
                self.disturb(disturbance(*fault), *seconds);
                if matches!(fault, Fault::Silence(_) | Fault::Duplicate(_)) {
                    self.disturb(Disturbance::Wire, *seconds);
                }
                self.set_faults();
            }
            What::Misbehave { app, part, how, seconds } => self.misbehave(*app, *part, *how, *seconds),
            What::Controller(trouble) => self.trouble(*trouble).await,
        }
    }

    fn edit(&mut self, app: usize, edit: &Edit) {
        if !self.present[app] {
            return;
        }
        if let Edit::Break(how) = edit {
            return self.break_text(app, *how);
        }
        let mut edited = match edit {
            Edit::Undo => self.before[app].clone(),
            _ => self.apps[app].clone(),
        };
        change(&mut edited, edit, self.system.sim.now());
        if is_good(&edited.document()) {
            self.before[app] = std::mem::replace(&mut self.apps[app], edited);
        }
        self.declare(app);
    }

    /// Takes a document to another file, within a moment.
    fn move_file(&mut self, app: usize) {
        if self.present[app] && !self.broken.contains(&app) {
            self.system.specs.remove(&self.apps[app].file());
            self.apps[app].moves += 1;
            self.before[app].moves += 1;
            self.declare(app);
        }
    }

    fn break_text(&mut self, app: usize, how: Breakage) {
        self.broken.insert(app);
        let text = self.apps[app].render();
        let broken = match how {
            Breakage::Cut => text[..text.len() / 2].to_owned(),
            Breakage::Typo => text.replace("containerDefinitions", "containerDefinitoins"),
            Breakage::Nonsense => text.replace("\"memory\":512", "\"memory\":3"),
            Breakage::Empty => "# nothing is declared here\n".to_owned(),
        };
        self.disturb(Disturbance::Documents, 30);
        if how == Breakage::Empty {
            // A file that is not empty and holds no document declares nothing any more.
            let (now, name) = (self.system.sim.now(), self.apps[app].name.clone());
            self.present[app] = false;
            self.broken.remove(&app);
            self.system.watch.facts(|facts| facts.declare(now, &name, None));
        }
        self.system.specs.write(&self.apps[app].file(), &broken);
    }

    fn rename(&mut self, app: usize) {
        if self.present[app] {
            self.remove(app);
            let former = self.apps[app].name.clone();
            let name = renamed(&former);
            self.system.watch.facts(|facts| facts.renamed.insert(former, name.clone()));
            self.before[app].name.clone_from(&name);
            self.apps[app].name = name;
            self.declare(app);
        }
    }

    /// Takes a component out of a document and puts it into another one, in one commit.
    fn hand(&mut self, app: usize, part: usize, to: usize) {
        let may = |one: usize| self.present[one] && !self.broken.contains(&one);
        let moved = self.apps[app].parts[part].clone();
        let is_there = self.apps[to].parts.iter().any(|other| other.name == moved.name);
        if app == to || !may(app) || !may(to) || is_there || !moved.declared || moved.is_balanced() {
            return;
        }
        let mut giver = self.apps[app].clone();
        declare_part(&mut giver, part, false);
        let mut taker = self.apps[to].clone();
        let home = moved.home.clone().unwrap_or_else(|| giver.name.trim_end_matches(RENAMED).to_owned());
        taker.parts.push(Part { home: Some(home), after: Vec::new(), ..moved });
        let good = is_good(&giver.document()) && is_good(&taker.document());
        if giver.parts[part].declared || !good {
            return;
        }
        giver.parts[part].left = true;
        for apps in [&mut self.apps, &mut self.before] {
            (apps[app], apps[to]) = (giver.clone(), taker.clone());
        }
        self.declare(app);
        self.declare(to);
    }

    /// Confirms the removal of a document that is deleted with all that it declares: the last one
    /// of a store, and one whose things another one declares from now on, are not believed to be
    /// gone.
    async fn means_it(&mut self, app: usize) {
        if !self.present[app] && self.apps[app].delete {
            self.confirm(app).await;
        }
    }

    async fn confirm(&mut self, app: usize) {
        self.confirm_named(self.apps[app].name.clone()).await;
    }

    /// Confirms what is held of documents under their former names.
    pub async fn confirm_former(&mut self, is_held: impl Fn(&DeploymentStatus) -> bool) {
        let (statuses, _) = self.system.statuses();
        let former = self.system.watch.facts(|facts| facts.renamed.keys().cloned().collect::<BTreeSet<_>>());
        let held = statuses.iter().filter(|status| former.contains(status.name.as_str()) && is_held(status));
        for name in held.map(|status| status.name.to_string()).collect::<Vec<_>>() {
            self.confirm_named(name).await;
        }
    }

    async fn confirm_named(&mut self, name: String) {
        // A person types it again when the disk is full.
        if self.system.confirm(&name).await.is_ok() {
            self.system.watch.facts(|facts| facts.confirmed.insert(name));
            self.removals_are_believed();
        }
    }

    /// `ctl continue`: a person answers what the status says is paused.
    pub async fn answer(&mut self, app: usize, rollback: bool) {
        let (statuses, _) = self.system.statuses();
        let name = self.apps[app].name.clone();
        let Some(status) = statuses.iter().find(|status| status.name.as_str() == name) else { return };
        let paused = status.components.iter().filter_map(|(part, one)| Some((part, one.pause.as_ref()?)));
        for (component, pause) in paused {
            let kind = RequestKind::Continue {
                component: component.clone(),
                service_deployment: pause.deployment.clone(),
                hook: pause.hook.clone(),
                rollback,
            };
            let answer = (pause.hook.clone(), rollback);
            if self.system.ask(&name, kind).await.is_ok() {
                self.system.watch.facts(|facts| {
                    facts.answers.insert(answer);
                    facts.sent_back.extend(rollback.then(|| name.clone()));
                });
            }
        }
    }

    /// `ctl adopt`, for an hour.
    pub async fn adopt(&mut self, app: usize) {
        let name = self.apps[app].name.clone();
        let until = self.system.sim.now() + SignedDuration::from_hours(1);
        // Who sees it fail is none of this simulation's business: the next one that reads it asks.
        let _ = self.system.ask(&name, RequestKind::Adopt { until }).await;
    }

    fn store_gone(&mut self, seconds: u64, emptied: bool) {
        self.store_back = Some(self.elapsed() + Duration::from_secs(seconds));
        self.disturb(Disturbance::Documents, seconds + 30);
        self.disturb(Disturbance::Unreadable, seconds);
        if emptied && self.present.iter().filter(|there| **there).count() >= 2 {
            self.system.specs.empty(true);
            self.emptied = true;
            self.removals_are_believed();
        } else {
            self.system.specs.hide(true);
        }
    }

    /// In an emptied folder, what was confirmed is removed, and nothing else.
    fn removals_are_believed(&mut self) {
        if !self.emptied {
            return;
        }
        let now = self.system.sim.now();
        for (app, there) in self.apps.iter().zip(&self.present) {
            self.system.watch.facts(|facts| {
                if *there && facts.confirmed.contains(&app.name) {
                    facts.declare(now, &app.name, None);
                }
            });
        }
    }

    /// The folder shows its files again.
    fn store_is_back(&mut self) {
        self.system.specs.hide(false);
        self.system.specs.empty(false);
        if !std::mem::replace(&mut self.emptied, false) {
            return;
        }
        for app in 0..self.apps.len() {
            let name = &self.apps[app].name;
            if self.present[app] && self.system.watch.facts(|facts| facts.newest(name).is_none()) {
                self.present[app] = false;
                self.declare(app);
            }
        }
    }

    fn change_by_hand(&mut self, app: usize, part: usize, change: ManualChange) {
        self.disturb(Disturbance::ManualChange, 0);
        self.strays |= change == ManualChange::Stray;
        by_hand::work(&self.system, &self.apps[app], &self.apps[app].parts[part], change);
    }

    fn rotate(&mut self, app: usize) {
        self.rotations += 1;
        self.disturb(Disturbance::ManualChange, 0);
        let name = self.apps[app].secret();
        let token = format!("rotation-{:032}", self.rotations);
        let value = json!({"url": format!("mysql://{}{token}", super::document::CANARY)}).to_string();
        let input = json!({"SecretId": name, "SecretString": value, "ClientRequestToken": token});
        self.system.by_hand(Service::Secrets, "PutSecretValue", &input);
    }

    fn misbehave(&mut self, app: usize, part: usize, how: Misbehaviour, seconds: u64) {
        let name = self.apps[app].identity(&self.apps[app].parts[part]);
        let behaviour = match how {
            Misbehaviour::Dies => Behaviour::exits(1, 5.0),
            Misbehaviour::NeverStarts => Behaviour::unpullable(&name),
            Misbehaviour::Flaps => Behaviour { flap_seconds: Some(25.0), ..Behaviour::default() },
            Misbehaviour::Unhealthy => Behaviour::unhealthy(),
        };
        if how == Misbehaviour::Flaps {
            self.flapping.insert(app);
        }
        let end = self.elapsed() + Duration::from_secs(seconds);
        self.behaviours.push((end, BehaviourRule::image(format!("*/{name}:*"), behaviour)));
        // Containers that were placed by then go on like that.
        self.disturb(Disturbance::ManualChange, seconds + 600);
        self.set_faults();
    }

    /// Puts the faults and behaviours that go on now into force, and no others.
    fn set_faults(&mut self) {
        let sim = &self.system.sim;
        sim.faults().clear();
        self.system.disk.set_full(false);
        self.system.slow_disk(0);
        for (_, fault) in &self.faults {
            match *fault {
                Fault::DiskFull => self.system.disk.set_full(true),
                Fault::DiskSlow(milliseconds) => self.system.slow_disk(milliseconds),
                Fault::Denied(call) => sim.faults().add(FaultRule::on(call, Effect::access_denied(call))),
                _ => {
                    let (effect, share) = effect(*fault);
                    sim.faults().add(FaultRule::on("*", effect).when(When::Probability(share)));
                }
            }
        }
        sim.with(|world| world.behaviours.clear());
        for (_, rule) in &self.behaviours {
            sim.behave(rule.clone());
        }
    }

    async fn trouble(&mut self, trouble: Trouble) {
        self.disturb(Disturbance::Process, 0);
        match trouble {
            Trouble::Kill { down, power_cut } => {
                let end = self.system.kill().await;
                self.mend(end);
                if power_cut {
                    self.system.disk.power_cut();
                }
                self.down(down);
            }
            Trouble::KillAtCall { nth, after, .. } => self.system.dies_in_call(Some(AtCall { nth, after })),
            Trouble::KillAtDisk { nth, .. } => self.system.disk.die_in(Some(nth)),
            Trouble::Stop { down } => {
                let end = self.system.stop().await;
                self.mend(end);
                self.down(down);
            }
            Trouble::ClockJump { seconds } => {
                self.disturb(Disturbance::Clock, 0);
                self.system.jump(seconds);
            }
            Trouble::SpoilState { app } => {
                let name = self.apps[app].name.clone();
                let end = self.system.stop().await;
                self.mend(end);
                if self.system.disk.corrupt(&format!("{name}.json")) {
                    self.system.watch.facts(|facts| facts.lost_records.insert(name));
                }
                self.down(1);
            }
            Trouble::Second => {
                if self.system.is_alive() && self.system.second_starts().await {
                    self.system
                        .watch
                        .violation("bounds", "a second controller opened the state of the first".to_owned());
                }
            }
        }
    }

    fn down(&mut self, seconds: u64) {
        self.disturb(Disturbance::Process, seconds);
        self.restart = Some(self.elapsed() + Duration::from_secs(seconds));
    }

    /// Does one thing now.
    pub async fn act_now(&mut self, what: &What) {
        self.system.watch.note(|| format!("STEP {what:?}"));
        self.act(what).await;
    }

    /// Everything that was broken is whole again: faults end, texts are mended, the controller runs
    /// by the right time.
    pub async fn calm(&mut self) {
        self.system.watch.note(|| "CALM".to_owned());
        self.faults.clear();
        self.behaviours.clear();
        self.set_faults();
        self.system.set_clock_right();
        self.system.dies_in_call(None);
        self.system.disk.die_in(None);
        if self.store_back.take().is_some() {
            self.store_is_back();
        }
        for app in self.broken.clone() {
            self.declare(app);
        }
        if !self.system.is_alive() {
            let end = self.system.kill().await;
            self.mend(end);
            self.start().await;
        }
    }
}

/// Edits an application.
fn change(app: &mut App, edit: &Edit, now: Timestamp) {
    match edit {
        Edit::Tag { part, tag } => app.parts[*part].tag.clone_from(tag),
        Edit::Count { part, count } => {
            if let Kind::Service(service) = &mut app.parts[*part].kind {
                service.count = *count;
            }
        }
        Edit::Variable { part } => app.parts[*part].variable += 1,
        Edit::Retention { days } => app.retention = *days,
        Edit::Declare { part, declared } => declare_part(app, *part, *declared),
        Edit::Retry => app.retry += 1,
        Edit::Suspend { minutes } => {
            let until = now + SignedDuration::from_mins((*minutes).try_into().unwrap_or(0));
            app.suspended_until = (*minutes > 0).then_some(until);
        }
        Edit::Way { part, change } => {
            // A service whose traffic is shifted stays in the groups that it has.
            let moves = matches!(change, WayChange::GroupKey | WayChange::GroupPort);
            if moves && app.parts[*part].shifted().is_some() {
                return;
            }
            // Its production rule stays, too, and so does the listener.
            let relists = *change == WayChange::ListenerPort;
            if relists && app.declared().any(|part| part.shifted().is_some()) {
                return;
            }
            let way = &mut app.parts[*part].way;
            match change {
                WayChange::GroupKey => way.group += 1,
                WayChange::GroupPort => way.port ^= 8080 ^ 9090,
                WayChange::Priority => way.priority ^= 10 ^ 20,
                WayChange::ListenerPort => app.port ^= 80 ^ 8081,
            }
        }
        Edit::Field { draw } => {
            if let Some((place, path, value)) = fields::draw(&mut fastrand::Rng::with_seed(*draw), app) {
                app.fields.insert((place, path), value);
            }
        }
        Edit::Shift { part, shift } => shift::edit(&mut app.parts[*part], *shift),
        // Another key, or another cluster, is another service behind the rule that ECS shifts: it
        // is held until the document says ROLLING, with words.
        Edit::Key { part } => app.parts[*part].renames += u32::from(app.parts[*part].shifted().is_none()),
        Edit::Kind { part, kind } => {
            let balanced = |kind: &Kind| matches!(kind, Kind::Service(service) if service.balanced);
            // There is one rule for each path, and one priority for each rule.
            let others = app.parts.iter().enumerate();
            let taken = others.filter(|(index, _)| index != part).any(|(_, other)| balanced(&other.kind));
            if !(taken && balanced(kind)) {
                app.parts[*part].kind = kind.clone();
            }
        }
        Edit::Cluster if app.declared().any(|part| part.shifted().is_some()) => {}
        Edit::Cluster => app.cluster = CLUSTERS[usize::from(app.cluster == CLUSTERS[0])],
        Edit::Several(edits) => {
            for edit in edits {
                let mut edited = app.clone();
                change(&mut edited, edit, now);
                if is_good(&edited.document()) {
                    *app = edited;
                }
            }
        }
        Edit::Break(_) | Edit::Undo | Edit::Touch => {}
    }
}

/// Takes a component out, with nothing that waits for it left behind; or puts it back, with what it
/// waits for.
fn declare_part(app: &mut App, part: usize, there: bool) {
    let others = app.parts.iter().enumerate().any(|(index, other)| index != part && other.declared);
    let needed = app.parts.iter().any(|other| other.declared && other.after.contains(&app.parts[part].name));
    if (there && !app.parts[part].left) || (!there && others && !needed) {
        app.parts[part].declared = there;
        let missing: Vec<&str> = app.parts[part].after.clone();
        for other in &mut app.parts {
            other.declared |= there && missing.contains(&other.name);
        }
    }
}

/// The other name of an application.
fn renamed(name: &str) -> String {
    name.strip_suffix(RENAMED).map_or_else(|| format!("{name}{RENAMED}"), str::to_owned)
}

fn disturbance(fault: Fault) -> Disturbance {
    match fault {
        Fault::Throttle(_) | Fault::ServerError(_) | Fault::Denied(_) => Disturbance::Refusals,
        Fault::Silence(_) | Fault::Reset(_) | Fault::LostReply(_) | Fault::Delay(..) => Disturbance::Wire,
        Fault::Duplicate(_) => Disturbance::Double,
        Fault::Stale(..) => Disturbance::Stale,
        Fault::DiskFull | Fault::DiskSlow(_) => Disturbance::Disk,
    }
}

fn effect(fault: Fault) -> (Effect, f64) {
    match fault {
        Fault::Throttle(share) => (Effect::throttle(), share),
        Fault::ServerError(share) => (Effect::server_error(), share),
        Fault::Silence(share) => (Effect::Never, share),
        Fault::Reset(share) => (Effect::Reset, share),
        Fault::LostReply(share) => (Effect::LostReply, share),
        Fault::Duplicate(share) => (Effect::Duplicate, share),
        Fault::Delay(share, seconds) => (Effect::Delay(seconds), share),
        Fault::Stale(share, seconds) => (Effect::StaleRead(seconds), share),
        Fault::Denied(_) | Fault::DiskFull | Fault::DiskSlow(_) => unreachable!("no effect on every call"),
    }
}
