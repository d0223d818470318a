//! Traffic: what becomes of a request that a client sends to a load balancer.
//!
//! [`crate::Sim::request`] sends one and answers what the client gets;
//! [`crate::Sim::every_answer`] says all that it could have got, wherever chance decides: one
//! answer for each target group and each target that may take it. [`crate::Sim::wave`] composes the
//! requests that the listeners and rules of the world are there for. [`Clients`] go on sending
//! some.
//!
//! An Application Load Balancer takes the listener of the port, the first rule in order of priority
//! whose conditions all hold (the default one otherwise), and that rule's action; a forward takes a
//! target group by weight, and in it one of the targets that [`crate::elbv2`] finds fit. A Network
//! Load Balancer knows only ports. Requests take no time, so nothing is ever in flight.
//!
//! Not simulated: zones (each node reaches every target, as with cross-zone load balancing), slow
//! start, transforms of host and path (targets answer alike on all of them), tokens of JWT
//! validation (any bearer token is good) and logins (any session cookie of the load balancer is).

mod clients;
mod counts;
mod deliver;

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

pub use self::{
    clients::{Clients, Loss},
    counts::{Counts, Ledger},
};

/// A request that a client sends to a load balancer; for a Network Load Balancer, a connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Name or ARN of the load balancer. A name is looked for in all regions.
    pub load_balancer: String,
    /// The port that the client connects to.
    pub port: u16,
    /// The HTTP method. Default GET.
    pub method: String,
    /// The `Host` header.
    pub host: String,
    /// The path, without the query. Default `/`.
    pub path: String,
    /// The query, without its question mark, such as `page=2&sort=name`.
    pub query: String,
    /// Other headers, cookies among them.
    pub headers: BTreeMap<String, String>,
    /// The client's address. Default 203.0.113.1.
    pub source: IpAddr,
    /// Decides what the load balancer leaves to chance; without it, the simulation's seed does.
    pub draw: Option<u64>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            load_balancer: String::new(),
            port: 80,
            method: "GET".to_owned(),
            host: String::new(),
            path: "/".to_owned(),
            query: String::new(),
            headers: BTreeMap::new(),
            source: IpAddr::from([203, 0, 113, 1]),
            draw: None,
        }
    }
}

impl Request {
    /// A request for `/` to a port of a load balancer, by name or ARN.
    #[must_use]
    pub fn to(load_balancer: impl Into<String>, port: u16) -> Self {
        Self { load_balancer: load_balancer.into(), port, ..Self::default() }
    }

    /// The same request for this host.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// The same request for this path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The same request with a header more.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// The same request with what is left to chance decided.
    #[must_use]
    pub fn draw(mut self, draw: u64) -> Self {
        self.draw = Some(draw);
        self
    }

    /// The requests that a rule with these conditions is there for, sent to where this one goes:
    /// one for each value of each condition, the other conditions met by their first values. `*`
    /// stands for nothing in them and `?` for one letter; a condition by regular expression is met
    /// only if the expression, read as text, meets it. Conditions are in the form in which
    /// DescribeRules shows them. A rule of higher priority may still take them.
    #[must_use]
    pub fn for_conditions(&self, conditions: &[serde_json::Value]) -> Vec<Self> {
        crate::elbv2::samples(self, conditions)
    }

    /// A header's value; names of headers are alike in any case.
    pub(crate) fn header_value(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// A cookie's value.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header_value("cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// What a client gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// ARN of the listener that took the request. `None`: no listener is on the port.
    pub listener: Option<String>,
    /// ARN of the rule that decided, the default one included. `None` for Network Load Balancers.
    pub rule: Option<String>,
    /// Cookies that the client is to send from now on, as `name=value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<String>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a request ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// A target answered.
    Served {
        /// ARN of its target group.
        target_group: String,
        /// `id:port`.
        target: String,
        /// The id of the task that it is; `None` for a target that is none.
        task: Option<String>,
        /// The target's status; 200 for a connection that was accepted.
        status: u16,
    },
    /// The load balancer answered for itself, as it was told to.
    Fixed {
        /// The status.
        status: u16,
        /// The text.
        body: String,
    },
    /// The client is sent elsewhere.
    Redirected {
        /// 301 or 302.
        status: u16,
        /// Where to.
        location: String,
    },
    /// Nobody answered whom the request was for.
    Lost {
        /// The load balancer's status; `None` for a connection that was not accepted.
        status: Option<u16>,
        /// Why.
        why: String,
    },
}

impl Outcome {
    pub(crate) fn lost(status: Option<u16>, why: impl Into<String>) -> Self {
        Self::Lost { status, why: why.into() }
    }
}

impl Answer {
    /// Whether nobody answered whom the request was for.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.outcome, Outcome::Lost { .. })
    }

    /// The HTTP status; `None` for a connection that was not accepted.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.outcome {
            Outcome::Served { status, .. }
            | Outcome::Fixed { status, .. }
            | Outcome::Redirected { status, .. } => Some(status),
            Outcome::Lost { status, .. } => status,
        }
    }

    /// ARN of the target group whose target answered.
    #[must_use]
    pub fn target_group(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Served { target_group, .. } => Some(target_group),
            _ => None,
        }
    }

    /// The id of the task that answered.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Served { task, .. } => task.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
