//! Which listener and which rule take a request, and what they do with it.

use jiff::Timestamp;
use serde_json::Value;

use super::listeners::Listener;
use super::{Elbv2, matching};
use crate::traffic::{Outcome, Request};

/// Whoever logs in through a load balancer gets cookies of this name, numbered from 0 (Elastic Load
/// Balancing user guide, "Authenticate users using an Application Load Balancer").
const LOGIN_COOKIE: &str = "AWSELBAuthSessionCookie-0";

/// What takes a request.
#[derive(Debug)]
pub(crate) struct Route<'a> {
    /// ARN of the listener. `None`: none is on the port.
    pub listener: Option<&'a str>,
    /// ARN of the rule. `None` for Network Load Balancers.
    pub rule: Option<&'a str>,
    /// What becomes of the request.
    pub way: Way,
}

/// What a rule does with a request.
#[derive(Debug)]
pub(crate) enum Way {
    /// The load balancer answers for itself, or has nobody who could.
    Over(Outcome),
    /// It goes to a target of one of these groups.
    Forward(Forward),
}

/// The target groups of a forward action.
#[derive(Debug)]
pub(crate) struct Forward {
    /// ARNs and weights.
    pub groups: Vec<(String, u64)>,
    /// Seconds for which a client stays with the group that it had first.
    pub sticky: Option<i64>,
    /// Whether it is an Application Load Balancer that forwards.
    pub application: bool,
}

impl Elbv2 {
    /// Whether a load balancer has this name or ARN.
    pub(crate) fn balances(&self, load_balancer: &str) -> bool {
        self.balancer_named(load_balancer).is_some()
    }

    fn balancer_named(&self, name: &str) -> Option<&str> {
        let found =
            self.load_balancers.iter().find(|(arn, balancer)| *arn == name || balancer.is_named(name));
        found.map(|(arn, _)| arn.as_str())
    }

    /// What takes a request, and what it does with it.
    pub(crate) fn route(&self, now: Timestamp, request: &Request) -> Route<'_> {
        let over = |outcome| Route { listener: None, rule: None, way: Way::Over(outcome) };
        let Some(arn) = self.balancer_named(&request.load_balancer) else {
            // Its DNS name is gone with it.
            return over(Outcome::lost(None, format!("there is no load balancer {}", request.load_balancer)));
        };
        if let Some(state) = self.load_balancers[arn].not_active(now) {
            return over(Outcome::lost(None, format!("the load balancer is {state}")));
        }
        let on_port = |listener: &Listener| {
            listener.load_balancer == arn && listener.port == Some(i64::from(request.port))
        };
        let Some((listener_arn, listener)) = self.listeners.iter().find(|(_, each)| on_port(each)) else {
            return over(Outcome::lost(None, format!("no listener is on port {}", request.port)));
        };
        let application = self.load_balancers[arn].kind == "application";
        let rule = if application { self.rule_for(listener_arn, request) } else { None };
        let actions = rule.map_or(listener.actions.list.as_slice(), |rule| self.actions_of(rule, listener));
        let scheme = listener.protocol.as_deref().unwrap_or_default();
        Route { listener: Some(listener_arn), rule, way: way(actions, request, scheme, application) }
    }

    /// Every load balancer's name, with the ports, conditions and ARNs of its listeners and rules,
    /// in order of priority.
    pub(crate) fn entry_points(&self) -> Vec<EntryPoint<'_>> {
        let mut found = Vec::new();
        for (arn, listener) in &self.listeners {
            let Some(balancer) = self.load_balancers.get(&listener.load_balancer) else { continue };
            let port = listener.port.and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
            for (rule, conditions) in self.rules_in_order(arn) {
                found.push(EntryPoint { load_balancer: balancer.name(), port, rule, conditions });
            }
        }
        found
    }

    /// The first rule in order of priority whose conditions all hold; the default rule comes last
    /// ("Rules are evaluated in priority order, from the lowest value to the highest value. The
    /// default rule is evaluated last", user guide, "Listener rules").
    fn rule_for(&self, listener: &str, request: &Request) -> Option<&str> {
        let in_order = self.rules_in_order(listener);
        in_order
            .into_iter()
            .find(|(_, conditions)| matching::all_hold(conditions, request))
            .map(|(arn, _)| arn)
    }
}

/// A rule of a listener, as what it is there for.
#[derive(Debug)]
pub(crate) struct EntryPoint<'a> {
    /// Name of the load balancer.
    pub load_balancer: &'a str,
    /// Port of the listener.
    pub port: u16,
    /// ARN of the rule.
    pub rule: &'a str,
    /// Its conditions; the default rule has none.
    pub conditions: &'a [Value],
}

/// What the actions do, in their order: logins first, then the one that routes.
fn way(actions: &[Value], request: &Request, scheme: &str, application: bool) -> Way {
    for action in actions {
        let done = match action["Type"].as_str().unwrap_or_default() {
            "forward" => return Way::Forward(forward(&action["ForwardConfig"], application)),
            "fixed-response" => Some(fixed(&action["FixedResponseConfig"])),
            "redirect" => Some(redirect(&action["RedirectConfig"], request, scheme)),
            "authenticate-oidc" => login(&action["AuthenticateOidcConfig"], request),
            "authenticate-cognito" => login(&action["AuthenticateCognitoConfig"], request),
            _ => unproven(request),
        };
        if let Some(outcome) = done {
            return Way::Over(outcome);
        }
    }
    Way::Over(Outcome::lost(Some(503), "no action routes the request"))
}

fn forward(config: &Value, application: bool) -> Forward {
    let groups = config["TargetGroups"].as_array().into_iter().flatten();
    let weighted = |group: &Value| {
        let arn = group["TargetGroupArn"].as_str().unwrap_or_default().to_owned();
        (arn, group["Weight"].as_u64().unwrap_or(1))
    };
    let sticky = &config["TargetGroupStickinessConfig"];
    let seconds = sticky["DurationSeconds"].as_i64().filter(|_| sticky["Enabled"] == true);
    Forward { groups: groups.map(weighted).collect(), sticky: seconds, application }
}

fn status_of(text: &Value) -> u16 {
    text.as_str().and_then(|code| code.trim_start_matches("HTTP_").parse().ok()).unwrap_or(503)
}

fn fixed(config: &Value) -> Outcome {
    let body = config["MessageBody"].as_str().unwrap_or_default().to_owned();
    Outcome::Fixed { status: status_of(&config["StatusCode"]), body }
}

/// The address that a client is sent to; what the action leaves as a placeholder comes from the
/// request (API reference, RedirectActionConfig).
fn redirect(config: &Value, request: &Request, scheme: &str) -> Outcome {
    let port = request.port.to_string();
    let known = [
        ("#{protocol}", scheme),
        ("#{host}", request.host.as_str()),
        ("#{port}", &port),
        ("#{path}", request.path.trim_start_matches('/')),
        ("#{query}", &request.query),
    ];
    let part = |name: &str| {
        let text = config[name].as_str().unwrap_or_default().to_owned();
        known.iter().fold(text, |text, (placeholder, value)| text.replace(placeholder, value))
    };
    let mut location =
        format!("{}://{}:{}{}", part("Protocol").to_lowercase(), part("Host"), part("Port"), part("Path"));
    let query = part("Query");
    if !query.is_empty() {
        location = format!("{location}?{query}");
    }
    Outcome::Redirected { status: status_of(&config["StatusCode"]), location }
}

/// What a client gets that has not logged in. `None`: the request goes on (user guide,
/// "Authenticate users", on `OnUnauthenticatedRequest`: `deny` returns 401, `allow` goes on,
/// `authenticate` redirects to the endpoint).
fn login(config: &Value, request: &Request) -> Option<Outcome> {
    if request.cookie(LOGIN_COOKIE).is_some() {
        return None;
    }
    match config["OnUnauthenticatedRequest"].as_str() {
        Some("allow") => None,
        Some("deny") => Some(Outcome::Fixed { status: 401, body: String::new() }),
        _ => {
            let endpoint = config["AuthorizationEndpoint"].as_str().or(config["UserPoolDomain"].as_str());
            let location = endpoint.unwrap_or_default().to_owned();
            Some(Outcome::Redirected { status: 302, location })
        }
    }
}

/// What a client gets that shows no token (user guide, "Verify JWTs": 401).
fn unproven(request: &Request) -> Option<Outcome> {
    let shown = request.header_value("authorization").is_some_and(|value| value.starts_with("Bearer "));
    (!shown).then(|| Outcome::Fixed { status: 401, body: String::new() })
}
