//! Health check settings of a target group: AWS's defaults by protocol, and their limits. Sources
//! as in `conditions`; ranges of numbers are the model's affair.

use serde_json::{Value, json};

use super::errors::{bad, invalid};
use crate::error::ApiError;
use crate::form::Form;

/// The health check of one target group, with every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HealthCheck {
    pub enabled: bool,
    pub protocol: String,
    /// `traffic-port` or a number.
    pub port: String,
    /// Only for HTTP and HTTPS checks.
    pub path: Option<String>,
    pub interval: i64,
    pub timeout: i64,
    pub healthy: i64,
    pub unhealthy: i64,
    /// Accepted codes such as `200` or `200-299,302`; gRPC codes when `grpc`. Only for HTTP and
    /// HTTPS checks.
    pub matcher: Option<String>,
    pub grpc: bool,
}

/// The kind of target group that decides the defaults.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind<'a> {
    /// Protocol of the group; empty for Lambda.
    pub protocol: &'a str,
    /// `HTTP1`, `HTTP2` or `GRPC`; empty where it does not apply.
    pub version: &'a str,
    /// `instance`, `ip`, `lambda` or `alb`.
    pub target_type: &'a str,
}

impl Kind<'_> {
    fn lambda(self) -> bool {
        self.target_type == "lambda"
    }

    /// Whether an Application Load Balancer (or a Lambda target) is on the other side.
    fn application(self) -> bool {
        self.lambda() || matches!(self.protocol, "HTTP" | "HTTPS")
    }
}

impl HealthCheck {
    /// The health check that CreateTargetGroup sets up. Defaults are those of the API reference;
    /// the timeout of a group with protocol HTTP or HTTPS is 5 seconds, as Application Load
    /// Balancers have it.
    ///
    /// # Errors
    /// `ValidationError` or `InvalidConfigurationRequest` for values that do not fit.
    pub(super) fn create(kind: Kind<'_>, form: &Form) -> Result<Self, ApiError> {
        let default_protocol = if kind.application() { "HTTP" } else { "TCP" };
        let protocol = form.get("HealthCheckProtocol").filter(|p| !p.is_empty()).unwrap_or(default_protocol);
        let protocol = if kind.target_type == "alb" && form.get("HealthCheckProtocol").is_none() {
            "HTTP"
        } else {
            protocol
        };
        let http = matches!(protocol, "HTTP" | "HTTPS");
        let grpc = kind.version == "GRPC";
        let (interval, timeout) = match kind {
            k if k.lambda() => (35, 30),
            k if k.protocol == "GENEVE" => (10, 5),
            k if k.application() => (30, 5),
            _ if protocol == "HTTP" => (30, 6),
            _ => (30, 10),
        };
        let path = if grpc { "/AWS.ALB/healthcheck" } else { "/" };
        let matcher = match kind {
            _ if grpc => "12",
            k if k.application() => "200",
            _ => "200-399",
        };
        let base = Self {
            enabled: !kind.lambda(),
            protocol: protocol.to_owned(),
            port: if kind.protocol == "GENEVE" { "80".to_owned() } else { "traffic-port".to_owned() },
            path: http.then(|| path.to_owned()),
            interval,
            timeout,
            healthy: 5,
            unhealthy: if kind.lambda() { 5 } else { 2 },
            matcher: http.then(|| matcher.to_owned()),
            grpc,
        };
        base.with(kind, form)
    }

    /// The same health check with the members that a form names put in their place.
    ///
    /// # Errors
    /// As [`HealthCheck::create`].
    pub(super) fn with(mut self, kind: Kind<'_>, form: &Form) -> Result<Self, ApiError> {
        if let Some(protocol) = form.get("HealthCheckProtocol").filter(|p| !p.is_empty()) {
            self.set_protocol(kind, protocol)?;
        }
        if let Some(enabled) = form.flag("HealthCheckEnabled")? {
            if !enabled && !kind.lambda() {
                return Err(bad(
                    "InvalidConfigurationRequest",
                    format!(
                        "Health check enabled must be true for target groups with target type '{}'",
                        kind.target_type
                    ),
                ));
            }
            self.enabled = enabled;
        }
        if let Some(port) = form.get("HealthCheckPort").filter(|p| !p.is_empty()) {
            let sound = port == "traffic-port" || port.parse::<u16>().is_ok_and(|p| p > 0);
            // pf-elbv2-tg-hc-port-format
            if !sound {
                return Err(invalid(format!(
                    "Health check port '{port}' must be within '1-65535' or 'traffic-port'"
                )));
            }
            self.port = port.to_owned();
        }
        self.set_numbers(form, kind.application() || kind.lambda())?;
        self.set_http(kind, form)?;
        Ok(self)
    }

    fn set_protocol(&mut self, kind: Kind<'_>, protocol: &str) -> Result<(), ApiError> {
        let allowed: &[&str] =
            if kind.application() { &["HTTP", "HTTPS"] } else { &["HTTP", "HTTPS", "TCP"] };
        // pf-elbv2-tg-hc-tcp-for-http-tg, pf-elbv2-tg-hc-protocol-unsupported
        if !allowed.contains(&protocol) {
            return Err(invalid(format!(
                "Health check protocol '{protocol}' must be one of '{}'",
                allowed.join(", ")
            )));
        }
        if protocol == "TCP" {
            self.path = None;
            self.matcher = None;
        } else if self.path.is_none() {
            self.path = Some("/".to_owned());
            self.matcher = Some("200-399".to_owned());
        }
        self.protocol = protocol.to_owned();
        Ok(())
    }

    fn set_numbers(&mut self, form: &Form, web: bool) -> Result<(), ApiError> {
        let fields = [
            ("HealthCheckIntervalSeconds", &mut self.interval),
            ("HealthCheckTimeoutSeconds", &mut self.timeout),
            ("HealthyThresholdCount", &mut self.healthy),
            ("UnhealthyThresholdCount", &mut self.unhealthy),
        ];
        for (name, slot) in fields {
            if let Some(value) = form.number(name)? {
                *slot = value;
            }
        }
        // pf-elbv2-hc-timeout-interval, seen for HTTP; that groups of other protocols may wait as
        // long as the interval is in moto's tests.
        let (allowed, words) = match web {
            true => (self.timeout < self.interval, "smaller than"),
            false => (self.timeout <= self.interval, "smaller than or equal to"),
        };
        if !allowed {
            return Err(invalid(format!(
                "Health check timeout '{}' must be {words} the interval '{}'",
                self.timeout, self.interval
            )));
        }
        Ok(())
    }

    fn set_http(&mut self, kind: Kind<'_>, form: &Form) -> Result<(), ApiError> {
        let http = matches!(self.protocol.as_str(), "HTTP" | "HTTPS");
        if let Some(path) = form.get("HealthCheckPath").filter(|p| !p.is_empty()) {
            if !http {
                // pf-elbv2-tcp-health-check-path
                return Err(bad(
                    "InvalidConfigurationRequest",
                    format!("Health check paths are not supported for {} health checks", self.protocol),
                ));
            }
            if !path.starts_with('/') {
                return Err(invalid(format!("Health check path '{path}' must begin with a '/' character")));
            }
            self.path = Some(path.to_owned());
        }
        let Some(matcher) = form.child("Matcher") else { return Ok(()) };
        if !http {
            return Err(bad(
                "InvalidConfigurationRequest",
                "Matcher is only supported for HTTP and HTTPS health checks",
            ));
        }
        let (what, member) = if self.grpc { ("GRPC", "GrpcCode") } else { ("HTTP", "HttpCode") };
        // pf-elbv2-tg-matcher-grpc-requires-grpc; the mirror by analogy.
        let Some(codes) = matcher.get(member).filter(|codes| !codes.is_empty()) else {
            return Err(invalid(format!("Health check matcher {what} code cannot be empty")));
        };
        // pf-elbv2-tg-matcher-grpc-range, -range-alb, -range-geneve. API reference of Matcher: "For
        // Network Load Balancers, you can specify values between 200 and 599".
        let (least, most) = match kind {
            _ if self.grpc => (0, 99),
            kind if kind.application() => (200, 499),
            kind if kind.protocol == "GENEVE" => (200, 399),
            _ => (200, 599),
        };
        let within = |(from, to): &(u16, u16)| from <= to && *from >= least && *to <= most;
        if !ranges(codes).is_some_and(|all| all.iter().all(within)) {
            return Err(invalid(format!(
                "Health check matcher {what} code '{codes}' must be within '{least}-{most}' inclusive"
            )));
        }
        self.matcher = Some(codes.to_owned());
        Ok(())
    }

    /// Whether a probe with this HTTP status passes.
    pub(super) fn accepts(&self, status: u16) -> bool {
        let Some(codes) = &self.matcher else { return status == 200 };
        // A gRPC check passes when the call reached the server: a missing method answers 12
        // (UNIMPLEMENTED) or 0.
        if self.grpc {
            return status == 200;
        }
        ranges(codes).unwrap_or_default().iter().any(|(a, b)| (*a..=*b).contains(&status))
    }

    /// The port that is probed for a target on `target_port`.
    pub(super) fn port_for(&self, target_port: u16) -> u16 {
        self.port.parse().unwrap_or(target_port)
    }

    /// The members of a TargetGroup shape that describe the health check.
    /// A function is invoked, so its group shows neither protocol nor port (moto,
    /// test_create_target_group_with_target_type; believed of AWS, too).
    pub(super) fn view(&self, lambda: bool) -> Value {
        let code = if self.grpc { "GrpcCode" } else { "HttpCode" };
        json!({
            "HealthCheckProtocol": (!lambda).then_some(&self.protocol),
            "HealthCheckPort": (!lambda).then_some(&self.port),
            "HealthCheckEnabled": self.enabled,
            "HealthCheckIntervalSeconds": self.interval,
            "HealthCheckTimeoutSeconds": self.timeout,
            "HealthyThresholdCount": self.healthy,
            "UnhealthyThresholdCount": self.unhealthy,
            "HealthCheckPath": self.path,
            "Matcher": self.matcher.as_ref().map(|m| json!({code: m})),
        })
    }
}

/// `200,301-308` as pairs of first and last code.
fn ranges(codes: &str) -> Option<Vec<(u16, u16)>> {
    codes
        .split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
        })
        .collect()
}
