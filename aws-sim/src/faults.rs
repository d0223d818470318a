//! Faults: rules that make calls go wrong, as networks and AWS do.
//!
//! Rules are asked in the order in which they were added; the first one that matches a call and
//! whose time has come decides. The same rules can be given as JSON to `POST /_sim/faults`:
//!
//! ```json
//! {"service": "ecs", "operation": "Update*", "resource": "web", "when": {"everyNth": 3},
//!  "effect": {"error": {"status": 400, "code": "ThrottlingException", "message": "Rate exceeded"}}}
//! ```
//!
//! `when`: `"always"`, `"once"`, `{"first": N}`, `{"everyNth": N}`, `{"probability": P}`,
//! `{"window": {"from": TIMESTAMP, "to": TIMESTAMP}}`. `effect`: `{"error": …}`, `"reset"`,
//! `"lostReply"`, `"duplicate"`, `{"delay": SECONDS}`, `"never"`, `{"staleRead": SECONDS}`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    behaviour::glob,
    wire::{Request, Service},
};

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// It is answered with an error and has no effect.
    Error {
        /// HTTP status.
        status: u16,
        /// The error code.
        code: String,
        /// What it says.
        #[serde(default)]
        message: String,
    },
    /// The connection breaks before the call has any effect.
    Reset,
    /// The call takes effect and the connection breaks before the answer.
    LostReply,
    /// The network delivers the call twice; the second answer comes back.
    Duplicate,
    /// It is delayed by so many simulated seconds, and then takes effect.
    Delay(f64),
    /// It is never answered and has no effect.
    Never,
    /// A read is answered with what was true so many simulated seconds ago. Writes are not touched.
    StaleRead(f64),
}

impl Effect {
    /// AWS's throttling.
    #[must_use]
    pub fn throttle() -> Self {
        Self::Error {
            status: 400,
            code: "ThrottlingException".to_owned(),
            message: "Rate exceeded".to_owned(),
        }
    }

    /// A server error, which SDKs try again.
    #[must_use]
    pub fn server_error() -> Self {
        Self::Error {
            status: 500,
            code: "ServerException".to_owned(),
            message: "Service Unavailable".to_owned(),
        }
    }

    /// The caller lacks a permission.
    #[must_use]
    pub fn access_denied(action: &str) -> Self {
        let message = format!(
            "User is not authorized to perform: {action} because no identity-based policy allows the action"
        );
        Self::Error { status: 400, code: "AccessDeniedException".to_owned(), message }
    }
}

/// When a rule strikes, among the calls that it matches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Each time.
    #[default]
    Always,
    /// The first time only.
    Once,
    /// The first so many times.
    First(u64),
    /// Each n-th time: 3 strikes the third, the sixth, …
    EveryNth(u64),
    /// With this probability, between 0 and 1.
    Probability(f64),
    /// During a span of simulated time.
    Window {
        /// Its begin.
        from: Timestamp,
        /// Its end, exclusive.
        to: Timestamp,
    },
}

/// A rule. Every condition that is given must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// The service: `ecs`, `elasticloadbalancing` (or `elbv2`), `secretsmanager`, `logs`,
    /// `monitoring` (or `cloudwatch`) or `sts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// A glob over the operation's name, such as `Update*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// A part of the request's body, such as a service's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// When it strikes.
    #[serde(default)]
    pub when: When,
    /// What it does.
    pub effect: Effect,
    /// How many calls it has matched so far.
    #[serde(default, skip_deserializing)]
    pub matched: u64,
}

impl FaultRule {
    /// A rule for all calls of operations that match `glob`, such as `ecs:Update*`,
    /// `DescribeServices` or `*`.
    #[must_use]
    pub fn on(glob: &str, effect: Effect) -> Self {
        let (service, operation) = match glob.split_once(':') {
            Some((service, operation)) => (Some(service.to_owned()), operation),
            None => (None, glob),
        };
        Self {
            service,
            operation: Some(operation.to_owned()),
            resource: None,
            region: None,
            when: When::Always,
            effect,
            matched: 0,
        }
    }

    /// The same rule at other times.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// The same rule for calls whose body contains `part` only.
    #[must_use]
    pub fn resource(mut self, part: impl Into<String>) -> Self {
        self.resource = Some(part.into());
        self
    }

    fn matches(&self, request: &Request) -> bool {
        let contains = |part: &String| {
            let part = part.as_bytes();
            part.is_empty() || request.body.windows(part.len()).any(|window| window == part)
        };
        self.service.as_deref().is_none_or(|name| {
            glob(name, request.service.name()) || Service::named(name) == Some(request.service)
        }) && self.operation.as_deref().is_none_or(|pattern| glob(pattern, &request.operation))
            && self.region.as_deref().is_none_or(|region| region == request.region)
            && self.resource.as_ref().is_none_or(contains)
    }

    fn strikes(&mut self, now: Timestamp, rng: &mut fastrand::Rng) -> bool {
        self.matched += 1;
        match self.when {
            When::Always => true,
            When::Once => self.matched == 1,
            When::First(count) => self.matched <= count,
            When::EveryNth(nth) => nth > 0 && self.matched.is_multiple_of(nth),
            When::Probability(share) => rng.f64() < share,
            When::Window { from, to } => from <= now && now < to,
        }
    }
}

/// The rules of a world.
#[derive(Debug, Clone)]
pub struct Faults {
    rules: Vec<FaultRule>,
    rng: fastrand::Rng,
}

impl Faults {
    /// No rules; chances come from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), rng: fastrand::Rng::with_seed(seed) }
    }

    /// Adds a rule after those that are there.
    pub fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules, with how often each has matched.
    #[must_use]
    pub fn rules(&self) -> &[FaultRule] {
        &self.rules
    }

    /// Whether a rule may ask for old answers.
    #[must_use]
    pub fn longest_lag(&self) -> Option<f64> {
        let ages = self.rules.iter().filter_map(|rule| match rule.effect {
            Effect::StaleRead(seconds) => Some(seconds),
            _ => None,
        });
        ages.reduce(f64::max)
    }

    /// What happens to a call; `None`: nothing unusual.
    pub fn effect(&mut self, now: Timestamp, request: &Request) -> Option<Effect> {
        let Self { rules, rng } = self;
        rules
            .iter_mut()
            .find_map(|rule| (rule.matches(request) && rule.strikes(now, rng)).then(|| rule.effect.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Protocol;

    fn call(operation: &str, body: &str) -> Request {
        Request {
            region: "eu-west-1".to_owned(),
            service: Service::Ecs,
            protocol: Protocol::Json,
            operation: operation.to_owned(),
            body: body.as_bytes().to_vec(),
            access_key: None,
        }
    }

    #[test]
    fn every_third_matching_call_is_struck() {
        let mut faults = Faults::new(1);
        faults.add(FaultRule::on("ecs:Update*", Effect::throttle()).when(When::EveryNth(3)).resource("web"));
        let mut strikes =
            |operation, body| faults.effect(Timestamp::UNIX_EPOCH, &call(operation, body)).is_some();
        let struck: Vec<bool> = (0..6).map(|_| strikes("UpdateService", "{\"service\":\"web\"}")).collect();
        assert_eq!(struck, [false, false, true, false, false, true]);
        assert!(
            !(0..9).any(|_| strikes("UpdateService", "{\"service\":\"api\"}") || strikes("RunTask", "web"))
        );
    }

    #[test]
    fn the_first_rule_that_strikes_decides() {
        let mut faults = Faults::new(1);
        faults.add(FaultRule::on("*", Effect::Reset).when(When::Once));
        faults.add(FaultRule::on("*", Effect::Never));
        let mut effect = || faults.effect(Timestamp::UNIX_EPOCH, &call("RunTask", ""));
        assert_eq!((effect(), effect()), (Some(Effect::Reset), Some(Effect::Never)));
    }

    #[test]
    fn rules_are_read_from_json() {
        let text = r#"{"operation": "Describe*", "when": {"everyNth": 2}, "effect": {"staleRead": 5}}"#;
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        assert_eq!((rule.when, rule.effect), (When::EveryNth(2), Effect::StaleRead(5.0)));
        for effect in [
            "\"reset\"",
            "\"lostReply\"",
            "{\"delay\": 2.5}",
            "{\"error\": {\"status\": 500, \"code\": \"X\"}}",
        ] {
            serde_json::from_str::<FaultRule>(&format!("{{\"effect\": {effect}}}")).unwrap();
        }
    }
}
