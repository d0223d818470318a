//! From a seed to everything that is going to happen: who declares what, what people do, what
//! breaks, and when.
//!
//! A scenario is data, so that it can be printed and shrunk. Each seed first draws which kinds of
//! things may happen in it at all (swarm testing: a fault that hides another one is absent from
//! half of the seeds), and then draws steps of those kinds.

use super::document::{App, CLUSTERS, Kind, OnRotation, Part, Service, Way};
use super::shift::{self, Shift};
use std::time::Duration;

/// All of one run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The seed that it was drawn from.
    pub seed: u64,
    /// What is declared at the start.
    pub apps: Vec<App>,
    /// How long each call takes at most, in milliseconds.
    pub latency_ms: u64,
    /// Whether AWS's published rates hold.
    pub rate_limits: bool,
    /// What happens, by time since the start.
    pub steps: Vec<Step>,
    /// When the last fault ends.
    pub calm_from: Duration,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub struct Step {
    /// When.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What can happen. `app` and `part` are indices into the scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A person edits a document.
    Edit { app: usize, edit: Edit },
    /// A document is taken out of the store.
    Remove { app: usize },
    /// It comes back.
    Restore { app: usize },
    /// A document is moved to another file.
    Move { app: usize },
    /// A document is removed and its text comes back under another name.
    Rename { app: usize },
    /// A component moves to another document, where it goes by that one's names.
    Hand { app: usize, part: usize, to: usize },
    /// A person confirms that a deployment's data may go: `ctl delete --confirm`.
    Confirm { app: usize },
    /// All documents vanish, or the folder cannot be read, for so many seconds.
    StoreGone { seconds: u64, emptied: bool },
    /// Somebody works on AWS by hand.
    Manual { app: usize, part: usize, change: ManualChange },
    /// A person answers what ECS says is paused: it goes on, or is rolled back.
    Answer { app: usize, rollback: bool },
    /// A new value of an application's secret.
    Rotate { app: usize },
    /// A fault for so many seconds.
    Fault { fault: Fault, seconds: u64 },
    /// Containers of a component behave badly for so many seconds.
    Misbehave { app: usize, part: usize, how: Misbehaviour, seconds: u64 },
    /// Something happens to the controller.
    Controller(Trouble),
}

/// An edit of one document.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Another image tag.
    Tag { part: usize, tag: String },
    /// Another number of tasks.
    Count { part: usize, count: Option<u32> },
    /// Another variable.
    Variable { part: usize },
    /// Another retention of its logs.
    Retention { days: Option<u32> },
    /// A component is taken out, or put back.
    Declare { part: usize, declared: bool },
    /// The text is broken until it is next edited.
    Break(Breakage),
    /// The retry annotation gets a new value.
    Retry,
    /// A pause for so many minutes; 0 ends it.
    Suspend { minutes: u64 },
    /// Requests come to a component on another way.
    Way { part: usize, change: WayChange },
    /// A service behind a load balancer gets another strategy; `None` is ROLLING.
    Shift { part: usize, shift: Option<Shift> },
    /// A field gets another value, or none: which is drawn by this number when it happens.
    Field { draw: u64 },
    /// A component gets another key.
    Key { part: usize },
    /// A component becomes another kind of thing.
    Kind { part: usize, kind: Kind },
    /// Everything moves to the other cluster.
    Cluster,
    /// Back to what the document said before it was last edited.
    Undo,
    /// Several at once.
    Several(Vec<Edit>),
    /// Written again as it is.
    Touch,
}

/// What changes of the way that requests take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayChange {
    /// The target group gets another key, and with that another name.
    GroupKey,
    /// Target group and container get another port.
    GroupPort,
    /// The rule gets another priority.
    Priority,
    /// The listener gets another port.
    ListenerPort,
}

/// How a text is broken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Breakage {
    /// Cut off in the middle.
    Cut,
    /// A misspelt field.
    Typo,
    /// A value that makes no sense.
    Nonsense,
    /// Nothing in it.
    Empty,
}

/// What somebody does by hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ManualChange {
    /// Scales a service.
    Count(u32),
    /// Sends a service back to an older revision.
    Revision,
    /// Deletes a service.
    DeleteService,
    /// Deletes a rule.
    DeleteRule,
    /// Changes the path that a rule matches.
    EditRule,
    /// Changes a target group's health check.
    EditGroup,
    /// Changes how long logs are kept.
    Retention,
    /// Deletes a log group.
    DeleteLogs,
    /// Takes a service's tags away.
    Untag,
    /// Deregisters the revision in force.
    Deregister,
    /// Stops a task.
    StopTask,
    /// Kills a task's containers.
    Crash,
    /// Registers a stray target.
    Stray,
    /// Changes a service's network and deployment settings.
    EditService,
    /// Changes a field of the ownership table, drawn by this number.
    Field(u64),
}

/// What goes wrong between the controller and AWS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Calls are throttled, with this probability.
    Throttle(f64),
    /// Calls fail with 500.
    ServerError(f64),
    /// Calls are never answered.
    Silence(f64),
    /// Connections break before a call.
    Reset(f64),
    /// Calls take effect and their answers are lost.
    LostReply(f64),
    /// Calls are delivered twice.
    Duplicate(f64),
    /// Calls are late by so many seconds.
    Delay(f64, f64),
    /// Reads show what was true so many seconds ago.
    Stale(f64, f64),
    /// This operation is denied.
    Denied(&'static str),
    /// The state store's disk is full.
    DiskFull,
    /// Saves take so many milliseconds.
    DiskSlow(u64),
}

/// How containers behave badly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Misbehaviour {
    /// They exit soon after their start.
    Dies,
    /// They cannot be started.
    NeverStarts,
    /// Their health flips.
    Flaps,
    /// They never become healthy.
    Unhealthy,
}

/// What happens to the controller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// Killed now, and started again after so many seconds.
    Kill { down: u64, power_cut: bool },
    /// Killed before or after the n-th call of AWS from now.
    KillAtCall { nth: u32, after: bool, down: u64 },
    /// Killed in the middle of the n-th step of its disk from now.
    KillAtDisk { nth: u32, down: u64 },
    /// Stopped as a signal does, and started again.
    Stop { down: u64 },
    /// Its clock jumps by so many seconds.
    ClockJump { seconds: i64 },
    /// Stopped, its record of a deployment spoilt, and started again.
    SpoilState { app: usize },
    /// A second one is started while it works.
    Second,
}

/// Which kinds of things a seed may draw.
struct Swarm {
    edits: bool,
    bad_images: bool,
    removals: bool,
    manual: bool,
    faults: Vec<Fault>,
    misbehaviour: bool,
    rotations: bool,
    troubles: Vec<Trouble>,
    store: bool,
    suspensions: bool,
}

/// Everything that may be denied.
const DENIABLE: [&str; 14] = [
    "ecs:DescribeServices",
    "ecs:UpdateService",
    "ecs:CreateService",
    "ecs:RegisterTaskDefinition",
    "ecs:RunTask",
    "ecs:DescribeTasks",
    "ecs:ListTaskDefinitions",
    "ecs:DescribeTaskDefinition",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:*Rule*",
    "elasticloadbalancing:CreateTargetGroup",
    "logs:*",
    "secretsmanager:DescribeSecret",
];

impl Scenario {
    /// Draws a scenario.
    pub fn draw(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut apps: Vec<App> = (0..rng.usize(1..=3)).map(|index| app(&mut rng, index)).collect();
        let swarm = Swarm::draw(&mut rng);
        let chaos = Duration::from_secs(rng.u64(240..=900));
        let mut steps: Vec<Step> = (0..rng.usize(3..=16))
            .map(|_| {
                let at = Duration::from_millis(rng.u64(0..chaos.as_millis() as u64));
                Step { at, what: swarm.step(&mut rng, &apps) }
            })
            .collect();
        steps.extend(ways(seed, &apps, chaos));
        steps.extend(anything(seed, &apps, chaos));
        steps.extend(shift::draw(seed, &mut apps, chaos));
        steps.extend(moves(seed, &apps, chaos));
        leave_counts(seed, &mut apps);
        leave_drift(seed, &mut apps, &mut steps);
        steps.sort_by_key(|step| step.at);
        let latency_ms = if rng.bool() { 0 } else { rng.u64(1..=400) };
        let rate_limits = rng.u8(0..4) == 0;
        Self { seed, apps, latency_ms, rate_limits, steps, calm_from: chaos }
    }

    /// One application with a migration and a balanced service, and nothing that happens.
    pub fn plain() -> Self {
        let part = |name, kind, after: &[&'static str]| Part {
            name,
            kind,
            tag: "v1".to_owned(),
            variable: 0,
            secret: Some(OnRotation::Restart),
            after: after.to_vec(),
            declared: true,
            left: false,
            home: None,
            renames: 0,
            way: Way::default(),
            shift: None,
            counted: true,
        };
        let web = Service { count: Some(2), balanced: true, breaker: true, least: 100, bake: 0 };
        let parts = vec![part("migrate", Kind::Task, &[]), part("web", Kind::Service(web), &["migrate"])];
        let app = App {
            name: "app0".to_owned(),
            cluster: CLUSTERS[0],
            delete: false,
            delete_logs: false,
            retention: Some(7),
            retry: 0,
            port: 80,
            suspended_until: None,
            policy: None,
            moves: 0,
            parts,
            fields: Default::default(),
        };
        let calm_from = Duration::ZERO;
        Self { seed: 7, apps: vec![app], latency_ms: 0, rate_limits: false, steps: Vec::new(), calm_from }
    }

    /// The same with only these steps.
    pub fn with_steps(&self, steps: Vec<Step>) -> Self {
        Self { steps, ..self.clone() }
    }
}

/// Leaves the count of a third of the components to others while they are singletons. Drawn by a
/// chance of its own, as [`ways`] are.
fn leave_counts(seed: u64, apps: &mut [App]) {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x0063_6f75_6e74);
    for part in apps.iter_mut().flat_map(|app| &mut app.parts) {
        part.counted = rng.u8(0..3) > 0;
    }
}

/// Edits of the way that requests take, in a third of the seeds. Drawn by a chance of their own, so
/// that everything else of a seed is as it was before there were any.
fn ways(seed: u64, apps: &[App], chaos: Duration) -> Vec<Step> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x0077_6179);
    let balanced = |app: &App| app.parts.iter().position(Part::is_balanced);
    let candidates: Vec<(usize, usize)> =
        apps.iter().enumerate().filter_map(|(app, declared)| Some((app, balanced(declared)?))).collect();
    if candidates.is_empty() || rng.u8(0..3) > 0 {
        return Vec::new();
    }
    let all = [WayChange::GroupKey, WayChange::GroupPort, WayChange::Priority, WayChange::ListenerPort];
    (0..rng.usize(1..=4))
        .map(|_| {
            let (app, part) = candidates[rng.usize(0..candidates.len())];
            let change = all[rng.usize(0..all.len())];
            let at = Duration::from_millis(rng.u64(0..chaos.as_millis() as u64));
            Step { at, what: What::Edit { app, edit: Edit::Way { part, change } } }
        })
        .collect()
}

/// Edits of anything, and changes of anything by hand, in half of the seeds. Drawn by a chance of
/// their own, as [`ways`] are.
fn anything(seed: u64, apps: &[App], chaos: Duration) -> Vec<Step> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x0066_6965_6c64);
    if rng.bool() {
        return Vec::new();
    }
    let by_hand = rng.u8(0..3) == 0;
    let mut steps = Vec::new();
    for _ in 0..rng.usize(1..=7) {
        let app = rng.usize(0..apps.len());
        let part = rng.usize(0..apps[app].parts.len());
        let at = Duration::from_millis(rng.u64(0..chaos.as_millis() as u64));
        let what = match rng.u8(0..12) {
            0 => What::Move { app },
            1 | 2 if by_hand => {
                What::Manual { app, part, change: ManualChange::Field(rng.u64(0..u64::from(u32::MAX))) }
            }
            3 => {
                let edits = (0..rng.usize(2..=4)).map(|_| any_edit(&mut rng, &apps[app])).collect();
                What::Edit { app, edit: Edit::Several(edits) }
            }
            _ => What::Edit { app, edit: any_edit(&mut rng, &apps[app]) },
        };
        let half_way = rng.u8(0..4) == 0 && matches!(what, What::Edit { .. });
        steps.push(Step { at, what });
        if half_way {
            let at = at + Duration::from_secs(rng.u64(1..=60));
            steps.push(Step { at, what: What::Edit { app, edit: Edit::Undo } });
        }
    }
    steps
}

/// Components that move to other documents, and documents that get another name, in a quarter of
/// the seeds. Drawn by a chance of its own.
fn moves(seed: u64, apps: &[App], chaos: Duration) -> Vec<Step> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x006d_6f76_6573);
    if rng.u8(0..4) > 0 {
        return Vec::new();
    }
    let draw = |_| {
        let app = rng.usize(0..apps.len());
        let what = match rng.u8(0..3) {
            0 => What::Rename { app },
            _ => {
                let part = rng.usize(0..apps[app].parts.len());
                What::Hand { app, part, to: rng.usize(0..apps.len()) }
            }
        };
        Step { at: Duration::from_millis(rng.u64(0..chaos.as_millis() as u64)), what }
    };
    let mut number = fastrand::Rng::with_seed(seed ^ 0x006e_756d_6265);
    (0..number.usize(1..=3)).map(draw).collect()
}

fn any_edit(rng: &mut fastrand::Rng, app: &App) -> Edit {
    let part = rng.usize(0..app.parts.len());
    match rng.u8(0..12) {
        0 => Edit::Key { part },
        1 if app.parts[part].name != "migrate" => {
            let balanced = rng.bool();
            let kinds = [Kind::Task, Kind::Forever, Kind::Singleton, service(rng, balanced)];
            Edit::Kind { part, kind: kinds[rng.usize(0..kinds.len())].clone() }
        }
        2 => Edit::Cluster,
        3 => Edit::Declare { part, declared: rng.bool() },
        _ => Edit::Field { draw: rng.u64(0..u64::from(u32::MAX)) },
    }
}

fn app(rng: &mut fastrand::Rng, index: usize) -> App {
    let mut parts = Vec::new();
    let migrates = rng.u8(0..10) < 6;
    if migrates {
        parts.push(part(rng, "migrate", Kind::Task, &[]));
    }
    let first: &[&'static str] = if migrates { &["migrate"] } else { &[] };
    if rng.u8(0..10) < 7 {
        let kind = service(rng, true);
        parts.push(part(rng, "web", kind, first));
    }
    if rng.u8(0..10) < 5 {
        let kind = if rng.u8(0..3) == 0 { Kind::Singleton } else { service(rng, false) };
        let waits_for_web = parts.iter().any(|part| part.name == "web") && rng.u8(0..3) == 0;
        let after = if waits_for_web { &["web"][..] } else { first };
        parts.push(part(rng, "worker", kind, after));
    }
    if parts.is_empty() || rng.u8(0..12) == 0 {
        parts.push(part(rng, "agent", Kind::Forever, &[]));
    }
    App {
        name: format!("app{index}"),
        cluster: CLUSTERS[usize::from(rng.u8(0..5) == 0)],
        delete: rng.bool(),
        delete_logs: rng.bool(),
        retention: [None, Some(7), Some(30)][rng.usize(0..3)],
        retry: 0,
        port: 80,
        suspended_until: None,
        policy: None,
        moves: 0,
        parts,
        fields: Default::default(),
    }
}

fn part(rng: &mut fastrand::Rng, name: &'static str, kind: Kind, after: &[&'static str]) -> Part {
    let secret = match rng.u8(0..4) {
        0 => Some(OnRotation::Ignore),
        1 | 2 => Some(OnRotation::Restart),
        _ => None,
    };
    let tag = if rng.u8(0..12) == 0 { "v1-slow" } else { "v1" };
    let way = Way::default();
    let (tag, after) = (tag.to_owned(), after.to_vec());
    Part {
        name,
        kind,
        tag,
        variable: 0,
        secret,
        after,
        declared: true,
        left: false,
        home: None,
        renames: 0,
        way,
        shift: None,
        counted: true,
    }
}

fn service(rng: &mut fastrand::Rng, balanced: bool) -> Kind {
    Kind::Service(Service {
        count: (rng.u8(0..5) > 0).then(|| rng.u32(1..=3)),
        balanced,
        breaker: rng.u8(0..4) > 0,
        least: [100, 50, 0][rng.usize(0..3)],
        bake: [0, 0, 30][rng.usize(0..3)],
    })
}

impl Swarm {
    fn draw(rng: &mut fastrand::Rng) -> Self {
        let half = |rng: &mut fastrand::Rng| rng.bool();
        let all_faults = [
            Fault::Throttle(rng.f64() * 0.7),
            Fault::ServerError(rng.f64()),
            Fault::Silence(rng.f64() * 0.2),
            Fault::Reset(rng.f64() * 0.6),
            Fault::LostReply(rng.f64() * 0.6),
            Fault::Duplicate(rng.f64() * 0.5),
            Fault::Delay(rng.f64() * 0.4, 1.0 + rng.f64() * 8.0),
            Fault::Stale(rng.f64(), 2.0 + rng.f64() * 180.0),
            Fault::Denied(DENIABLE[rng.usize(0..DENIABLE.len())]),
            Fault::DiskFull,
            Fault::DiskSlow(rng.u64(50..=4000)),
        ];
        let faults = all_faults.into_iter().filter(|_| rng.u8(0..3) == 0).collect();
        let all_troubles = [
            Trouble::Kill { down: 0, power_cut: false },
            Trouble::KillAtCall { nth: 0, after: false, down: 0 },
            Trouble::KillAtDisk { nth: 0, down: 0 },
            Trouble::Stop { down: 0 },
            Trouble::ClockJump { seconds: 0 },
            Trouble::SpoilState { app: 0 },
            Trouble::Second,
        ];
        let troubles = all_troubles.into_iter().filter(|_| rng.u8(0..3) == 0).collect();
        Self {
            edits: rng.u8(0..8) > 0,
            bad_images: half(rng),
            removals: rng.u8(0..3) == 0,
            manual: half(rng),
            faults,
            misbehaviour: rng.u8(0..3) == 0,
            rotations: rng.u8(0..3) == 0,
            troubles,
            store: rng.u8(0..5) == 0,
            suspensions: rng.u8(0..5) == 0,
        }
    }

    fn step(&self, rng: &mut fastrand::Rng, apps: &[App]) -> What {
        let app = rng.usize(0..apps.len());
        let part = rng.usize(0..apps[app].parts.len());
        // A few tries to hit a kind that this seed allows; an edit that changes nothing otherwise.
        for _ in 0..20 {
            let drawn = match rng.u8(0..12) {
                0..=2 if self.edits => What::Edit { app, edit: self.edit(rng, &apps[app]) },
                3 if self.removals => removal(rng, app),
                4 | 5 if self.manual => What::Manual { app, part, change: manual_change(rng) },
                6 | 7 if !self.faults.is_empty() => What::Fault {
                    fault: self.faults[rng.usize(0..self.faults.len())],
                    seconds: rng.u64(5..=300),
                },
                8 if self.misbehaviour => misbehaviour(rng, app, part),
                9 if self.rotations => What::Rotate { app },
                10 if !self.troubles.is_empty() => {
                    let kind = self.troubles[rng.usize(0..self.troubles.len())];
                    What::Controller(trouble(rng, kind, app))
                }
                11 if self.store => What::StoreGone { seconds: rng.u64(1..=120), emptied: rng.bool() },
                _ => continue,
            };
            return drawn;
        }
        What::Edit { app, edit: Edit::Touch }
    }

    fn edit(&self, rng: &mut fastrand::Rng, app: &App) -> Edit {
        let part = rng.usize(0..app.parts.len());
        match rng.u8(0..14) {
            0..=4 => Edit::Tag { part, tag: self.tag(rng) },
            5 | 6 => Edit::Count { part, count: (rng.u8(0..6) > 0).then(|| rng.u32(1..=4)) },
            7 => Edit::Variable { part },
            8 => Edit::Retention { days: [None, Some(3), Some(14)][rng.usize(0..3)] },
            9 => Edit::Break(
                [Breakage::Cut, Breakage::Typo, Breakage::Nonsense, Breakage::Empty][rng.usize(0..4)],
            ),
            10 => Edit::Retry,
            11 if self.suspensions => Edit::Suspend { minutes: rng.u64(0..=8) },
            12 if app.parts.len() > 1 => Edit::Declare { part, declared: rng.bool() },
            _ => Edit::Touch,
        }
    }

    fn tag(&self, rng: &mut fastrand::Rng) -> String {
        let version = rng.u8(1..=4);
        let bad = ["-crash", "-unhealthy", "-unpullable", "-slow"];
        match rng.u8(0..3) {
            0 if self.bad_images => format!("v{version}{}", bad[rng.usize(0..bad.len())]),
            _ => format!("v{version}"),
        }
    }
}

fn removal(rng: &mut fastrand::Rng, app: usize) -> What {
    match rng.u8(0..6) {
        0 | 1 => What::Remove { app },
        2 | 3 => What::Restore { app },
        4 => What::Rename { app },
        _ => What::Confirm { app },
    }
}

/// Has drift reported or ignored in a sixth of the seeds, for some of the applications: nobody
/// works on what is theirs, and nothing that is known of it is lost, so that everything that
/// differs is the controller's own doing. Drawn by a chance of its own.
fn leave_drift(seed: u64, apps: &mut [App], steps: &mut Vec<Step>) {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x0064_7269_6674);
    if rng.u8(0..6) > 0 {
        return;
    }
    for (index, app) in apps.iter_mut().enumerate() {
        app.policy = ["Report", "Ignore", "Report", "Repair"].get(rng.usize(0..5)).copied();
        if !matches!(app.policy, Some("Report" | "Ignore")) {
            continue;
        }
        steps.retain(|step| match step.what {
            What::Manual { app, .. } | What::Controller(Trouble::SpoilState { app }) => app != index,
            _ => true,
        });
    }
}

fn manual_change(rng: &mut fastrand::Rng) -> ManualChange {
    match rng.u8(0..14) {
        0 => ManualChange::Count(rng.u32(0..=5)),
        1 => ManualChange::Revision,
        2 => ManualChange::DeleteService,
        3 => ManualChange::DeleteRule,
        4 => ManualChange::EditRule,
        5 => ManualChange::EditGroup,
        6 => ManualChange::Retention,
        7 => ManualChange::DeleteLogs,
        8 => ManualChange::Untag,
        9 => ManualChange::Deregister,
        10 => ManualChange::StopTask,
        11 => ManualChange::Crash,
        12 => ManualChange::Stray,
        _ => ManualChange::EditService,
    }
}

fn misbehaviour(rng: &mut fastrand::Rng, app: usize, part: usize) -> What {
    let how = [Misbehaviour::Dies, Misbehaviour::NeverStarts, Misbehaviour::Flaps, Misbehaviour::Unhealthy];
    What::Misbehave { app, part, how: how[rng.usize(0..how.len())], seconds: rng.u64(20..=300) }
}

fn trouble(rng: &mut fastrand::Rng, kind: Trouble, app: usize) -> Trouble {
    let down = if rng.bool() { rng.u64(0..=5) } else { rng.u64(0..=120) };
    match kind {
        Trouble::Kill { .. } => Trouble::Kill { down, power_cut: rng.bool() },
        Trouble::KillAtCall { .. } => Trouble::KillAtCall { nth: rng.u32(1..=60), after: rng.bool(), down },
        Trouble::KillAtDisk { .. } => Trouble::KillAtDisk { nth: rng.u32(1..=20), down },
        Trouble::Stop { .. } => Trouble::Stop { down },
        Trouble::ClockJump { .. } => {
            Trouble::ClockJump { seconds: if rng.bool() { rng.i64(-90..=90) } else { rng.i64(-7200..=7200) } }
        }
        Trouble::SpoilState { .. } => Trouble::SpoilState { app },
        Trouble::Second => Trouble::Second,
    }
}
