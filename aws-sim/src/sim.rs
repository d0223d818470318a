//! The simulation as its users hold it: build it, put it under an SDK or on a port, watch it and
//! break it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    behaviour::BehaviourRule,
    clock::SimClock,
    consistency::Consistency,
    error::ApiError,
    faults::{Effect, FaultRule},
    record::{Call, Counts},
    wire::{Request, Response},
    world::{World, lasting},
};

/// A simulated AWS account. Clones are handles to the same one.
#[derive(Clone)]
pub struct Sim {
    inner: Arc<Inner>,
}

struct Inner {
    clock: SimClock,
    latency: (Duration, Duration),
    world: Mutex<World>,
    latency_rng: Mutex<fastrand::Rng>,
    observers: RwLock<Vec<Observer>>,
}

type Observer = Arc<dyn Fn(&Moment<'_>) + Send + Sync>;

/// What an observer is given: a call is about to be executed, or it is over.
#[derive(Debug)]
pub enum Moment<'a> {
    /// Before anything has happened.
    Before {
        /// The request.
        request: &'a Request,
    },
    /// Afterwards, just before the answer goes out. For a call that a fault kept from being
    /// executed, too.
    After {
        /// The request.
        request: &'a Request,
        /// As recorded.
        call: &'a Call,
        /// What was made of it; `None` when a fault kept it from being executed and answered.
        response: Option<&'a Response>,
        /// Whether the response goes out; false when the connection breaks before.
        answered: bool,
    },
}

/// The connection breaks: no answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("connection reset by peer")]
pub struct Broken;

/// Settings of a simulation; see [`Sim::builder`].
#[derive(Debug, Clone)]
pub struct SimBuilder {
    seed: u64,
    account: String,
    start: Timestamp,
    speed: f64,
    latency: (Duration, Duration),
    rate_limits: bool,
    consistency: Consistency,
    kept_calls: usize,
}

impl SimBuilder {
    /// The seed of all chance: ids, jitter, probabilities. The same seed and the same calls give
    /// the same answers, to the byte. Default 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The account's twelve digits. Default `123456789012`.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// Simulated time at the build. Default 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn start(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// Simulated seconds per second of tokio's time. Default 1; values that are not positive count
    /// as 1.
    #[must_use]
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        self
    }

    /// How long each call takes, in simulated time, between a least and a most. Default: no time at
    /// all.
    #[must_use]
    pub fn latency(mut self, least: Duration, most: Duration) -> Self {
        self.latency = (least, most.max(least));
        self
    }

    /// Whether AWS's published request rates hold. Default off.
    #[must_use]
    pub fn rate_limits(mut self, on: bool) -> Self {
        self.rate_limits = on;
        self
    }

    /// How often and by how much reads lag behind writes. Default: never.
    #[must_use]
    pub fn eventual_consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// How many of the newest calls [`Sim::calls`] keeps. Default 4096.
    #[must_use]
    pub fn kept_calls(mut self, kept: usize) -> Self {
        self.kept_calls = kept;
        self
    }

    /// Builds it. Its clock starts now, by tokio's time; in tests with paused time, build it inside
    /// the runtime.
    #[must_use]
    pub fn build(self) -> Sim {
        let mut world = World::new(self.seed, self.account, self.start, self.kept_calls);
        world.throttle.enabled = self.rate_limits;
        world.consistency = self.consistency;
        let inner = Inner {
            clock: SimClock::new(self.start, self.speed),
            latency: self.latency,
            world: Mutex::new(world),
            latency_rng: Mutex::new(fastrand::Rng::with_seed(self.seed ^ 0x006c_6174)),
            observers: RwLock::new(Vec::new()),
        };
        Sim { inner: Arc::new(inner) }
    }
}

impl Sim {
    /// Settings, with defaults.
    #[must_use]
    pub fn builder() -> SimBuilder {
        SimBuilder {
            seed: 0,
            account: "123456789012".to_owned(),
            start: Timestamp::constant(1_767_225_600, 0),
            speed: 1.0,
            latency: (Duration::ZERO, Duration::ZERO),
            rate_limits: false,
            consistency: Consistency::default(),
            kept_calls: 4096,
        }
    }

    /// Simulated time: the start plus tokio's elapsed time times the speed.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> SimClock {
        self.inner.clock
    }

    /// The newest calls, oldest first; how many are kept is a setting of the builder.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.world().record.newest()
    }

    /// Counts of all calls since the last reset.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.world().record.counts().clone()
    }

    /// Forgets calls and counts; [`Sim::trace_hash`] goes on.
    pub fn reset_calls(&self) {
        self.world().record.reset();
    }

    /// A hash over all calls and answers, in order, with their times. Equal for equal runs.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.world().record.trace()
    }

    /// Adds an observer, called before and after each call, outside of the world's lock: it may use
    /// this handle. When it panics or never returns, so does the call.
    pub fn on_call(&self, observer: impl Fn(&Moment<'_>) + Send + Sync + 'static) {
        self.inner.observers.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(observer));
    }

    /// Removes all observers.
    pub fn clear_observers(&self) {
        self.inner.observers.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fault rules.
    #[must_use]
    pub fn faults(&self) -> FaultsHandle<'_> {
        FaultsHandle { sim: self }
    }

    /// Adds a rule on how containers behave; it holds for containers that are placed from now on.
    pub fn behave(&self, rule: BehaviourRule) {
        self.world().behaviours.add(rule);
    }

    /// Reads the world, or edits it, as of now. Not a call: nothing is counted, limited or
    /// observed. `work` runs under the world's lock and must not use this handle.
    pub fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world();
        world.advance(self.inner.clock.now());
        work(&mut world)
    }

    /// Puts things into the world in one go, and answers their ARNs; see [`crate::seed`] for the
    /// form.
    ///
    /// # Errors
    /// What AWS answers to the first thing that it refuses.
    pub fn seed_world(&self, seed: &Value) -> Result<Value, ApiError> {
        self.with(|world| crate::seed::seed_world(world, seed))
    }

    /// One call over the simulated network: latency, faults, execution. Never returns for a call
    /// that is never answered.
    ///
    /// # Errors
    /// [`Broken`] when no answer comes.
    pub async fn exchange(&self, request: Request) -> Result<Response, Broken> {
        self.inner.clock.sleep(self.latency()).await;
        self.observe(&Moment::Before { request: &request });
        let effect = {
            let mut world = self.world();
            let now = self.inner.clock.now();
            world.faults.effect(now, &request)
        };
        match effect {
            None => Ok(self.execute(&request, None, true)),
            Some(effect) => self.suffer(&request, effect).await,
        }
    }

    /// A call that a fault strikes.
    async fn suffer(&self, request: &Request, effect: Effect) -> Result<Response, Broken> {
        match effect {
            Effect::Error { status, code, message } => {
                let error = ApiError { status, code: lasting(&code), message, extra: serde_json::Map::new() };
                let request_id = self.world().request_id();
                let response = Response::error(request, request_id, &error);
                self.note(request, Some(&response));
                Ok(response)
            }
            Effect::Reset => {
                self.note(request, None);
                Err(Broken)
            }
            Effect::LostReply => {
                self.execute(request, None, false);
                Err(Broken)
            }
            Effect::Duplicate => {
                self.execute(request, None, true);
                Ok(self.execute(request, None, true))
            }
            Effect::Delay(seconds) => {
                self.inner.clock.sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default()).await;
                Ok(self.execute(request, None, true))
            }
            Effect::Never => {
                self.note(request, None);
                std::future::pending().await
            }
            Effect::StaleRead(seconds) => Ok(self.execute(request, Some(seconds), true)),
        }
    }

    fn execute(&self, request: &Request, stale: Option<f64>, answered: bool) -> Response {
        let (response, call) = {
            let mut world = self.world();
            let response = world.execute(self.inner.clock.now(), request, stale);
            let now = world.now();
            let call = world.record.note(now, request, Some(&response).filter(|_| answered));
            (response, call)
        };
        self.observe(&Moment::After { request, call: &call, response: Some(&response), answered });
        response
    }

    fn note(&self, request: &Request, response: Option<&Response>) {
        let call = {
            let mut world = self.world();
            let now = self.inner.clock.now();
            world.record.note(now, request, response)
        };
        self.observe(&Moment::After { request, call: &call, response, answered: response.is_some() });
    }

    fn observe(&self, moment: &Moment<'_>) {
        let observers = self.inner.observers.read().unwrap_or_else(PoisonError::into_inner);
        if observers.is_empty() {
            return;
        }
        let own: Vec<Observer> = observers.clone();
        drop(observers);
        own.iter().for_each(|observer| observer(moment));
    }

    fn latency(&self) -> Duration {
        let (least, most) = self.inner.latency;
        if least == most {
            return least;
        }
        let share = self.inner.latency_rng.lock().unwrap_or_else(PoisonError::into_inner).f64();
        least + (most - least).mul_f64(share)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A checker that panics inside `with` must not make every later call of the same test
        // panic, too.
        self.inner.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// The fault rules of a simulation.
#[derive(Debug)]
pub struct FaultsHandle<'a> {
    sim: &'a Sim,
}

impl FaultsHandle<'_> {
    /// Adds a rule after those that are there; the first that strikes decides.
    pub fn add(&self, rule: FaultRule) {
        self.sim.world().faults.add(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.sim.world().faults.clear();
    }

    /// The rules, with how often each has matched.
    #[must_use]
    pub fn rules(&self) -> Vec<FaultRule> {
        self.sim.world().faults.rules().to_vec()
    }
}
