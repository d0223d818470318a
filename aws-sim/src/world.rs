//! The world: all regions of one simulated account, and how a call is executed in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, OnceLock, PoisonError},
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    behaviour::Behaviours,
    cloudwatch::{self, Cloudwatch},
    consistency::{Consistency, History},
    ctx::Ctx,
    ecs::{Answer, Ecs, Env},
    elbv2::Elbv2,
    error::ApiError,
    faults::Faults,
    form::Form,
    iam::{Iam, Principal},
    logs::Logs,
    record::Record,
    secrets::Secrets,
    sts::Sts,
    throttle::Throttle,
    traffic::Ledger,
    wire::{Body, Request, Response, Service},
};

/// The services of one region.
#[derive(Debug, Clone)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// Containers.
    pub ecs: Ecs,
    /// Load balancers.
    pub elbv2: Elbv2,
    /// Secrets.
    pub secrets: Secrets,
    /// Logs.
    pub logs: Logs,
    /// Alarms and metrics.
    pub cloudwatch: Cloudwatch,
    /// Identities.
    pub sts: Sts,
    rng: fastrand::Rng,
}

/// A call on its way to the service that answers it.
struct Call<'a> {
    now: Timestamp,
    account: &'a str,
    behaviours: &'a mut Behaviours,
    request: &'a Request,
    /// The form of an awsQuery call in-process, which has no body.
    form: Option<Form>,
}

impl Call<'_> {
    fn form(&mut self) -> Form {
        self.form.take().unwrap_or_else(|| Form::parse(&self.request.body))
    }
}

/// Everything that is simulated.
#[derive(Debug)]
pub struct World {
    /// The account's twelve digits.
    pub account: String,
    /// How containers behave.
    pub behaviours: Behaviours,
    /// What goes wrong.
    pub faults: Faults,
    /// Who may do what.
    pub iam: Iam,
    /// Rate limits.
    pub throttle: Throttle,
    /// How stale reads may be.
    pub consistency: Consistency,
    /// What was called.
    pub record: Record,
    /// What became of requests to load balancers.
    pub traffic: Ledger,
    pub(crate) traffic_rng: fastrand::Rng,
    seed: u64,
    rng: fastrand::Rng,
    regions: BTreeMap<String, Region>,
    history: History<Region>,
    now: Timestamp,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(seed: u64, account: String, now: Timestamp, kept_calls: usize) -> Self {
        Self {
            account,
            behaviours: Behaviours::default(),
            faults: Faults::new(seed ^ 0x6661_756c_7473),
            iam: Iam::default(),
            throttle: Throttle::default(),
            consistency: Consistency::default(),
            record: Record::new(kept_calls),
            traffic: Ledger::default(),
            // Of its own, so that sending requests changes nothing else.
            traffic_rng: fastrand::Rng::with_seed(seed ^ 0x0074_7261_6666_6963),
            seed,
            rng: fastrand::Rng::with_seed(seed ^ 0x0077_6f72_6c64),
            regions: BTreeMap::new(),
            history: History::default(),
            now,
        }
    }

    /// The time up to which everything has happened.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A region, made when it is first spoken of.
    pub fn region(&mut self, name: &str) -> &mut Region {
        if !self.regions.contains_key(name) {
            // Each region has its own stream of chances, so that calls to one do not change what
            // happens in another.
            let seed = name
                .bytes()
                .fold(self.seed, |seed, byte| seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
            let region = Region {
                name: name.to_owned(),
                ecs: Ecs::default(),
                elbv2: Elbv2::default(),
                secrets: Secrets::default(),
                logs: Logs::default(),
                cloudwatch: Cloudwatch::default(),
                sts: Sts::default(),
                rng: fastrand::Rng::with_seed(seed),
            };
            self.regions.insert(name.to_owned(), region);
        }
        self.regions.get_mut(name).expect("made just above")
    }

    /// The names of the regions that were spoken of.
    #[must_use]
    pub fn regions(&self) -> Vec<String> {
        self.regions.keys().cloned().collect()
    }

    /// Lets everything happen that is due at `now`. Time never goes back.
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        let Self { regions, behaviours, account, now, .. } = self;
        for region in regions.values_mut() {
            region.secrets.advance(*now);
            // ECS looks at alarms as they were at the time of each of its events.
            region.with_ecs(*now, account, behaviours, Ecs::advance);
            region.cloudwatch.advance(*now);
        }
    }

    /// As [`World::advance`], but looks at secrets and alarms only where something else depends on
    /// them: with thousands of them, looking at all for each call would be most of its cost.
    fn advance_for(&mut self, now: Timestamp, request: &Request) {
        self.now = self.now.max(now);
        let Self { regions, behaviours, account, now, .. } = self;
        for region in regions.values_mut() {
            let due = region.ecs.next_event().is_some_and(|at| at <= *now);
            if due || (request.service == Service::Secrets && region.name == request.region) {
                region.secrets.advance(*now);
            }
            if due {
                region.with_ecs(*now, account, behaviours, Ecs::advance);
            }
            if request.service == Service::Cloudwatch && region.name == request.region {
                region.cloudwatch.advance(*now);
            }
        }
    }

    /// Works on the ECS of a region with all that it touches, as ECS itself does; for edits that no
    /// call can make.
    pub fn with_ecs<T>(&mut self, region: &str, work: impl FnOnce(&mut Ecs, &mut Env<'_>) -> T) -> T {
        self.region(region);
        let Self { regions, behaviours, account, now, .. } = self;
        let region = regions.get_mut(region).expect("made just above");
        region.with_ecs(*now, account, behaviours, work)
    }

    /// Puts a log group under a retention policy of the account (its name and days), or takes it
    /// from under one. Answers whether there is such a group.
    pub fn set_retention_policy(&mut self, region: &str, group: &str, policy: Option<(&str, i64)>) -> bool {
        self.region(region);
        let region = self.regions.get_mut(region).expect("made just above");
        region.logs.set_retention_policy(group, policy)
    }

    /// Executes a request as of now, without faults, limits or record, and answers the result as
    /// JSON; an awsQuery action takes its parameters as a flat object (`{"Names.member.1":
    /// "web"}`). For edits out of band and for seeds.
    ///
    /// # Errors
    /// What AWS answers.
    pub fn edit(
        &mut self,
        region: &str,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Result<Value, ApiError> {
        let protocol = service.protocols()[0];
        let form = service.speaks_query().then(|| flat_form(input));
        let body = if form.is_some() { String::new() } else { input.to_string() };
        let request = Request {
            region: region.to_owned(),
            service,
            protocol,
            operation: operation.to_owned(),
            body: body.into_bytes(),
            access_key: None,
        };
        match self.dispatch(&request, form)? {
            Body::Cbor(_) => Ok(Value::Null),
            Body::Json(text) => Ok(serde_json::from_str(&text).unwrap_or_default()),
            Body::Xml(body) => Ok(body.value().clone()),
        }
    }

    /// Executes a request at `now`. A stale read is answered from the state `stale` seconds ago.
    pub fn execute(&mut self, now: Timestamp, request: &Request, stale: Option<f64>) -> Response {
        self.advance_for(now, request);
        let request_id = self.request_id();
        if let Err(error) = self.throttle.admit(self.now, request) {
            return Response::error(request, request_id, &error);
        }
        if let Err(error) = self.authorize(request) {
            return Response::error(request, request_id, &error);
        }
        let answer = match self.stale_age(request, stale) {
            Some(age) => self.dispatch_stale(request, age),
            None => self.dispatch_fresh(request),
        };
        Response::write(request, request_id, answer)
    }

    /// A fresh request id.
    pub fn request_id(&mut self) -> String {
        Ctx { now: self.now, region: "", account: "", rng: &mut self.rng }.uuid()
    }

    /// Lets a call pass that its caller's policies allow. Before anything of it is validated, as
    /// AWS does (IAM User Guide, "Policy evaluation logic").
    fn authorize(&mut self, request: &Request) -> Result<(), ApiError> {
        if self.iam.is_empty() {
            return Ok(());
        }
        self.region(&request.region);
        let principal = self.principal(request);
        let region = &self.regions[&request.region];
        self.iam.admit(request, &principal, region, self.now)
    }

    /// Who signed a request: a role's session or, because the simulation keeps no list of users,
    /// the account's own user.
    fn principal(&self, request: &Request) -> Principal {
        let arn = request
            .access_key
            .as_deref()
            .and_then(|key| self.regions.values().find_map(|region| region.sts.session_arn(key)));
        let partition = crate::ctx::partition(&request.region);
        let own = || format!("arn:{partition}:iam::{}:user/simulated", self.account);
        Principal { arn: arn.map_or_else(own, str::to_owned), account: self.account.clone() }
    }

    fn stale_age(&mut self, request: &Request, asked: Option<f64>) -> Option<f64> {
        if request.is_write() {
            return None;
        }
        let Consistency { probability, lag_seconds } = self.consistency;
        asked.or_else(|| {
            (probability > 0.0 && self.rng.f64() < probability).then(|| self.rng.f64() * lag_seconds)
        })
    }

    fn dispatch_stale(&mut self, request: &Request, age: f64) -> Result<Body, ApiError> {
        let Some(mut region) = self.history.before(self.now, &request.region, age).cloned() else {
            return self.dispatch(request, None);
        };
        let behaviours = &mut self.behaviours;
        let call = &mut Call { now: self.now, account: &self.account, behaviours, request, form: None };
        region.answer(call)
    }

    fn dispatch_fresh(&mut self, request: &Request) -> Result<Body, ApiError> {
        let lag = match (self.faults.longest_lag(), self.consistency.probability > 0.0) {
            (Some(seconds), true) => Some(seconds.max(self.consistency.lag_seconds)),
            (None, true) => Some(self.consistency.lag_seconds),
            (seconds, false) => seconds,
        };
        if let Some(lag) = lag.filter(|_| request.is_write()) {
            let state = self.region(&request.region).clone();
            self.history.put(self.now, &request.region, state, lag);
        }
        self.dispatch(request, None)
    }

    fn dispatch(&mut self, request: &Request, form: Option<Form>) -> Result<Body, ApiError> {
        self.region(&request.region);
        let Self { regions, behaviours, account, now, .. } = self;
        let region = regions.get_mut(&request.region).expect("made just above");
        region.answer(&mut Call { now: *now, account, behaviours, request, form })
    }
}

impl Region {
    fn with_ecs<T>(
        &mut self,
        now: Timestamp,
        account: &str,
        behaviours: &mut Behaviours,
        work: impl FnOnce(&mut Ecs, &mut Env<'_>) -> T,
    ) -> T {
        let Self { name, ecs, elbv2, secrets, logs, cloudwatch, rng, .. } = self;
        let ctx = Ctx { now, region: name, account, rng };
        work(ecs, &mut Env { ctx, elbv2, secrets, logs, cloudwatch, behaviours })
    }

    fn answer(&mut self, call: &mut Call<'_>) -> Result<Body, ApiError> {
        match call.request.service {
            Service::Ecs => self.answer_ecs(call),
            Service::Elbv2 => self.answer_elbv2(call),
            Service::Secrets => self.answer_secrets(call),
            Service::Logs => self.answer_logs(call),
            Service::Sts => self.answer_sts(call),
            Service::Cloudwatch => self.answer_cloudwatch(call),
        }
    }

    fn answer_ecs(&mut self, call: &mut Call<'_>) -> Result<Body, ApiError> {
        let input = call.request.json()?;
        let operation = &call.request.operation;
        let answer = self.with_ecs(call.now, call.account, call.behaviours, |ecs, env| {
            ecs.handle(env, operation, input)
        })?;
        Ok(Body::Json(match answer {
            Answer::Json(value) => value.to_string(),
            Answer::Text(text) => text,
        }))
    }

    fn answer_elbv2(&mut self, call: &mut Call<'_>) -> Result<Body, ApiError> {
        let form = call.form();
        let ctx = &mut Ctx { now: call.now, region: &self.name, account: call.account, rng: &mut self.rng };
        self.elbv2.handle(ctx, &call.request.operation, &form).map(Body::Xml)
    }

    fn answer_secrets(&mut self, call: &mut Call<'_>) -> Result<Body, ApiError> {
        let input = call.request.json()?;
        let ctx = &mut Ctx { now: call.now, region: &self.name, account: call.account, rng: &mut self.rng };
        let answer = self.secrets.handle(ctx, &call.request.operation, &input)?;
        Ok(Body::Json(answer.to_string()))
    }

    fn answer_logs(&mut self, call: &mut Call<'_>) -> Result<Body, ApiError> {
        let input = call.request.json()?;
        let ctx = &mut Ctx { now: call.now, region: &self.name, account: call.account, rng: &mut self.rng };
        let answer = self.logs.handle(ctx, &call.request.operation, &input)?;
        Ok(Body::Json(answer.to_string()))
    }

    fn answer_sts(&mut self, call: &mut Call<'_>) -> Result<Body, ApiError> {
        let form = call.form();
        let ctx = &mut Ctx { now: call.now, region: &self.name, account: call.account, rng: &mut self.rng };
        let (operation, key) = (&call.request.operation, call.request.access_key.as_deref());
        self.sts.handle_as(ctx, operation, &form, key).map(Body::Xml)
    }

    fn answer_cloudwatch(&mut self, call: &mut Call<'_>) -> Result<Body, ApiError> {
        let input = cloudwatch::read(call.request)?;
        let ctx = &mut Ctx { now: call.now, region: &self.name, account: call.account, rng: &mut self.rng };
        let answer = self.cloudwatch.handle(ctx, &call.request.operation, &input)?;
        Ok(cloudwatch::write(call.request, answer))
    }
}

fn flat_form(input: &Value) -> Form {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pairs: Vec<(String, String)> = input
        .as_object()
        .map(|map| map.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        .unwrap_or_default();
    let borrowed: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Form::of(&borrowed)
}

/// A code that lives as long as the program; each distinct one is kept once.
pub(crate) fn lasting(code: &str) -> &'static str {
    static CODES: OnceLock<Mutex<BTreeSet<&'static str>>> = OnceLock::new();
    let mut codes = CODES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = codes.get(code) {
        return known;
    }
    let kept: &'static str = Box::leak(code.to_owned().into_boxed_str());
    codes.insert(kept);
    kept
}
