//! The checkers: after every call of AWS and every save of a record, each of them says whether the
//! controller kept its word.
//!
//! They know what was declared and when (from the scenario, not by the controller), see every call
//! with its answer, and may read the whole of AWS. They share no rule with the controller's own
//! code.
//!
//! | checker | holds the controller to |
//! |---|---|
//! | [`bounds`] | nothing is written but what is its own; no data is deleted that was not confirmed; never below minimum health by its own hand; one writer |
//! | [`sight`] | no action on something that was not seen in this pass |
//! | [`once`] | one revision per content, one run per content; everything made carries its tags |
//! | [`alone`] | what may not run twice does not, also when it moves to another document |
//! | [`needless`] | no write that changes nothing |
//! | [`order`] | gates before what they guard; what failed is not tried again; a pause pauses |
//! | [`permitted`] | nothing is asked of AWS that the shipped policy does not allow |
//! | [`records`] | events and documents are never lost; no value of a secret anywhere |
//! | [`truth`] | never Ready when it is not |
//! | [`traffic`] | no request is lost and no service has too few tasks by its own hand |

pub mod alone;
pub mod bounds;
pub mod call;
pub mod facts;
pub mod needless;
pub mod once;
pub mod order;
pub mod permitted;
pub mod records;
pub mod sight;
pub mod traffic;
pub mod truth;

use self::call::Parsed;
use self::facts::Facts;
use aws_sim::{Moment, Sim};
use evenkeel::model::status::Record;
use evenkeel::state::Loaded;
use jiff::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A violated invariant.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Which checker says so.
    pub checker: &'static str,
    /// What was done, and what was promised.
    pub message: String,
    /// When, in simulated time.
    pub at: Timestamp,
}

/// All checkers of one run. Clones are the same ones.
#[derive(Clone)]
pub struct Watch {
    inner: Arc<Mutex<Inner>>,
    sim: Sim,
}

struct Inner {
    facts: Facts,
    bounds: bounds::Bounds,
    sight: sight::Sight,
    once: once::Once,
    needless: needless::Needless,
    order: order::Order,
    records: records::Records,
    truth: truth::Truth,
    traffic: traffic::Traffic,
    violations: Vec<Violation>,
    trace: Option<Vec<String>>,
    /// Whether the checkers do not check.
    blind: bool,
}

/// What a checker finds wrong with one moment.
pub type CheckResult = Result<(), String>;

impl Watch {
    /// Checkers of a simulation; with `traced` every moment is kept as a line.
    pub fn new(sim: &Sim, traced: bool) -> Self {
        let inner = Inner {
            facts: Facts::default(),
            bounds: bounds::Bounds::default(),
            sight: sight::Sight::default(),
            once: once::Once::default(),
            needless: needless::Needless::default(),
            order: order::Order::default(),
            records: records::Records::default(),
            truth: truth::Truth::default(),
            traffic: traffic::Traffic::default(),
            violations: Vec::new(),
            trace: traced.then(Vec::new),
            blind: false,
        };
        Self { inner: Arc::new(Mutex::new(inner)), sim: sim.clone() }
    }

    /// Checkers that only keep what others find: for runs of documents that they do not know.
    pub fn blind(sim: &Sim) -> Self {
        let watch = Self::new(sim, false);
        watch.inner().blind = true;
        watch
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call of AWS is about to be executed, or is over.
    pub fn on_call(&self, moment: &Moment<'_>) {
        let now = self.sim.now();
        let inner = &mut *self.inner();
        if inner.blind {
            return;
        }
        match moment {
            Moment::Before { request } => {
                let parsed = Parsed::of(request);
                if parsed.write {
                    let results = [
                        inner.bounds.before(&parsed, &inner.facts, &self.sim),
                        inner.needless.before(&parsed, &self.sim),
                    ];
                    inner.record(now, &["bounds", "needless"], results);
                }
            }
            Moment::After { request, call, response, answered } => {
                let parsed = Parsed::of(request);
                let done = response.is_some_and(|response| response.status / 100 == 2);
                let answer = response.map(|response| response.body.as_slice()).filter(|_| done);
                if let Some(lines) = &mut inner.trace {
                    lines.push(call::line(&parsed, call, *answered));
                }
                inner.facts.saw_call(&parsed, done, *answered, now);
                // That there is none is an answer, too.
                let conclusive = done || call.error.as_deref().is_some_and(|code| code.contains("NotFound"));
                inner.sight.after(&parsed, conclusive && *answered, call.number);
                let leak = inner.records.request(&request.body);
                let refused = permitted::after(&parsed, *response, &inner.facts, now);
                inner.record(now, &["records", "permitted"], [leak, refused]);
                if parsed.write {
                    let results = [
                        inner.sight.wrote(&parsed, &inner.facts, &self.sim),
                        inner.once.after(&parsed, answer, &inner.facts, &self.sim, now),
                        inner.needless.after(&parsed, done, &inner.facts, &self.sim, now),
                        inner.order.after(&parsed, done, &inner.facts, &self.sim, now),
                        inner.traffic.look(&inner.facts, &self.sim, now),
                        alone::look(&inner.facts, &self.sim, now),
                    ];
                    let checkers = ["sight", "once", "needless", "order", "traffic", "alone"];
                    inner.record(now, &checkers, results);
                } else if matches!(parsed.operation.as_str(), "DescribeServices" | "DescribeTasks") {
                    inner.order.observe(&self.sim);
                }
            }
        }
    }

    /// A new controller, with the key that its calls are signed with.
    pub fn controller(&self, key: &str) {
        let inner = &mut *self.inner();
        inner.bounds.controller(key);
        inner.sight.begin();
        inner.note(self.sim.now(), || format!("controller {key} starts"));
    }

    /// A record is about to be kept.
    pub fn saving(&self, record: &Record) {
        self.inner().sight.saving(record.name.as_str());
    }

    /// A record was kept.
    pub fn saved(&self, record: &Record) {
        let now = self.sim.now();
        let inner = &mut *self.inner();
        inner.note(now, || {
            let phases =
                record.rollout.components.iter().map(|(name, one)| format!("{name} {}", one.phase.word()));
            let ready = record.status.as_ref().and_then(|status| status.conditions.first());
            let ready = ready.map(|ready| format!("{} {}: {}", ready.status, ready.reason, ready.message));
            format!(
                "saved {}: {}; ready: {}",
                record.name,
                phases.collect::<Vec<_>>().join(", "),
                ready.unwrap_or_default()
            )
        });
        inner.note(now, || {
            format!("record {}: {}", record.name, serde_json::to_string(record).unwrap_or_default())
        });
        let results = [
            inner.records.saved(record, &inner.facts),
            inner.truth.saved(record, &inner.facts, &inner.order, &self.sim, now),
        ];
        inner.order.saved(record, &inner.facts, now);
        inner.record(now, &["records", "truth"], results);
    }

    /// All records were read at a start.
    pub fn loaded(&self, loaded: &Loaded) {
        let now = self.sim.now();
        let inner = &mut *self.inner();
        let result = inner.records.loaded(loaded, &inner.facts);
        inner.record(now, &["records"], [result]);
    }

    /// A record is about to be removed.
    pub fn forgetting(&self, name: &str) {
        let now = self.sim.now();
        let inner = &mut *self.inner();
        inner.note(now, || format!("forgotten {name}"));
        let result = inner.records.forgetting(name, &inner.facts);
        inner.order.forgotten(name);
        inner.record(now, &["records"], [result]);
    }

    /// A record was removed.
    pub fn forgotten(&self, name: &str) {
        self.inner().records.forgotten(name);
    }

    /// Compares what runs with what every status says; called every few seconds.
    pub fn observe(&self, statuses: &[Arc<evenkeel::model::status::DeploymentStatus>]) {
        let now = self.sim.now();
        let inner = &mut *self.inner();
        inner.order.observe(&self.sim);
        let result = inner.truth.observe(statuses, &inner.facts, &inner.order, &self.sim, now);
        inner.record(now, &["truth"], [result]);
    }

    /// Looks whether requests are served; called every second or so.
    pub fn beat(&self) {
        let now = self.sim.now();
        let inner = &mut *self.inner();
        let traffic = inner.traffic.beat(&inner.facts, &self.sim, now);
        let alone = alone::look(&inner.facts, &self.sim, now);
        inner.record(now, &["traffic", "alone"], [traffic, alone]);
    }

    /// What became of all requests so far.
    pub fn served(&self) -> traffic::Served {
        self.inner().traffic.count()
    }

    /// Reads or edits what is known to be declared and under way.
    pub fn facts<T>(&self, work: impl FnOnce(&mut Facts) -> T) -> T {
        work(&mut self.inner().facts)
    }

    /// Whether an application runs as it is declared now, and why not.
    pub fn runs(&self, name: &str) -> Result<(), String> {
        let inner = &mut *self.inner();
        inner.order.observe(&self.sim);
        let Some(app) = inner.facts.newest(name) else { return Err("it is not declared".to_owned()) };
        truth::runs(app, &inner.order, &self.sim)
    }

    /// A violated invariant that somebody else has found.
    pub fn violation(&self, checker: &'static str, message: String) {
        let at = self.sim.now();
        self.inner().violations.push(Violation { checker, message, at });
    }

    /// The first violated invariant, if there is one.
    pub fn first_violation(&self) -> Option<Violation> {
        self.inner().violations.first().cloned()
    }

    /// Keeps a line of the trace.
    pub fn note(&self, line: impl FnOnce() -> String) {
        let now = self.sim.now();
        self.inner().note(now, line);
    }

    /// Every moment so far, when they are kept.
    pub fn trace(&self) -> Vec<String> {
        self.inner().trace.clone().unwrap_or_default()
    }
}

impl Inner {
    fn record<const N: usize>(
        &mut self,
        at: Timestamp,
        checkers: &[&'static str; N],
        results: [CheckResult; N],
    ) {
        if self.blind {
            return;
        }
        for (checker, result) in checkers.iter().zip(results) {
            if let Err(message) = result {
                self.note(at, || format!("VIOLATION {checker}: {message}"));
                self.violations.push(Violation { checker, message, at });
            }
        }
    }

    fn note(&mut self, at: Timestamp, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.trace {
            lines.push(format!("{at:.3} {}", line()));
        }
    }
}
