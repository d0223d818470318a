//! Listeners, rules and target groups in front of a component.
//!
//! Two shapes: a load balancer that carries nothing else, on which the listeners are kept here, and
//! a shared one whose listeners belong to somebody else and get rules by host name. Port 80
//! redirects, forwards or is left alone.

use super::context::KindContext;
use crate::model::arn::Arn;
use crate::model::finding::Findings;
use crate::model::kinds::ApplicationSpec;
use crate::model::kinds::ingress::{HttpPort, LoadBalancerSpec, PrivateLoadBalancerSpec, TargetHealth};
use crate::model::kinds::load_balancing::{
    Certificate, FixedResponse, Listener, ListenerAction, Matcher, Redirect, Rule, RuleCondition, TargetGroup,
};
use crate::model::kinds::service::LoadBalancer;
use crate::model::kinds::settings::ServiceSettings;

/// Security policy of listeners that name none: TLS 1.2 and 1.3. Source: ELB user guide,
/// recommended policy.
const SSL_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

/// What a load balancer of its own does with requests that no rule takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// Answers 204, as Pulumi's installers do; every host needs its rule.
    Empty,
    /// Forwards to the component: no rules are needed.
    Forward,
}

/// One component that answers requests.
#[derive(Clone, Debug)]
pub struct Backend<'a> {
    /// The component; its target group bears the same key.
    pub component: &'a str,
    /// Its container.
    pub container: &'a str,
    /// The port it listens on.
    pub port: u16,
    /// `HTTP`, or `HTTPS` when the container ends TLS itself.
    pub protocol: &'a str,
    /// `ip` or `instance`.
    pub target_type: &'a str,
    /// Host names that lead to it.
    pub hosts: Vec<String>,
    /// The kind's health check.
    pub health: TargetHealth,
    /// The kind's draining time in seconds.
    pub drain_seconds: u32,
    /// The component's settings.
    pub settings: &'a ServiceSettings,
    /// Where its settings stand, such as `spec.api`.
    pub settings_field: &'a str,
    /// The kind's load balancer, unless the settings name one.
    pub load_balancer: Option<&'a LoadBalancerSpec>,
    /// How far its rules' priority is behind the load balancer's first.
    pub rule_offset: u32,
    /// What happens to other requests.
    pub default_action: DefaultAction,
}

/// A listener for connections that are not for the public.
#[derive(Clone, Copy, Debug)]
pub struct PrivateListener<'a> {
    /// Key of the listener and of its target group.
    pub key: &'a str,
    /// The port it listens on.
    pub port: u16,
    /// Whether it ends TLS, provided that there is a certificate.
    pub tls: bool,
    /// The network load balancer.
    pub load_balancer: &'a PrivateLoadBalancerSpec,
}

impl Backend<'_> {
    /// Builds its target group, listeners and rules, and says which target groups its tasks join.
    pub fn add_ingress(
        &self,
        context: &KindContext<'_>,
        app: &mut ApplicationSpec,
        findings: &mut Findings,
    ) -> Vec<LoadBalancer> {
        let mut memberships: Vec<LoadBalancer> =
            self.settings.target_group_arns.iter().map(|arn| self.join(None, Some(arn))).collect();
        let own = self.settings.load_balancer.as_ref();
        if let Some(spec) = own.or(self.load_balancer) {
            let field = match own {
                Some(_) => format!("{}.loadBalancer", self.settings_field),
                None => "spec.loadBalancer".to_owned(),
            };
            check(spec, &field, self, context, findings);
            app.target_groups.insert(self.component.to_owned(), self.target_group(context));
            let prefix = own.map(|_| format!("{}-", self.component)).unwrap_or_default();
            if let Some(load_balancer) = &spec.load_balancer {
                self.own_listeners(spec, load_balancer, &prefix, app);
            } else {
                self.shared_rules(spec, app);
            }
            memberships.insert(0, self.join(Some(self.component), None));
        }
        memberships
    }

    /// Membership of this component in a target group.
    pub fn join(&self, key: Option<&str>, arn: Option<&String>) -> LoadBalancer {
        LoadBalancer {
            target_group: key.map(str::to_owned),
            target_group_arn: arn.cloned(),
            container_name: self.container.to_owned(),
            container_port: self.port,
            ..Default::default()
        }
    }

    /// The target group with the kind's health check and the document's changes to it.
    pub fn target_group(&self, context: &KindContext<'_>) -> TargetGroup {
        let said = self.settings.health_check.clone().unwrap_or_default();
        let health = &self.health;
        let drain = self.settings.deregistration_delay_seconds.unwrap_or(self.drain_seconds);
        let mut attributes = self.settings.target_group_attributes.clone();
        attributes.entry("deregistration_delay.timeout_seconds".to_owned()).or_insert(drain.to_string());
        TargetGroup {
            protocol: Some(self.protocol.to_owned()),
            port: self.port,
            vpc_id: context.common.network.vpc_id.clone().unwrap_or_default(),
            target_type: Some(self.target_type.to_owned()),
            health_check_protocol: Some(self.protocol.to_owned()),
            health_check_path: said.path.or(health.path.clone()),
            health_check_interval_seconds: said.interval_seconds.or(health.interval_seconds),
            health_check_timeout_seconds: said.timeout_seconds.or(health.timeout_seconds),
            healthy_threshold_count: said.healthy_threshold.or(health.healthy_threshold),
            unhealthy_threshold_count: said.unhealthy_threshold.or(health.unhealthy_threshold),
            matcher: said
                .matcher
                .or(health.matcher.clone())
                .map(|codes| Matcher { http_code: Some(codes), grpc_code: None }),
            attributes,
            ..Default::default()
        }
    }

    fn own_listeners(
        &self,
        spec: &LoadBalancerSpec,
        load_balancer: &str,
        prefix: &str,
        app: &mut ApplicationSpec,
    ) {
        let priority = spec.rule_priority.unwrap_or(100).saturating_add(self.rule_offset);
        let mut listen = |name: &str, port, certificate: Option<&String>, redirects: bool| {
            let key = format!("{prefix}{name}");
            let default = match (redirects, self.default_action) {
                (true, _) => redirect(),
                (false, DefaultAction::Empty) => empty_answer(),
                (false, DefaultAction::Forward) => self.forward(),
            };
            app.listeners.entry(key.clone()).or_insert_with(|| Listener {
                load_balancer: load_balancer.to_owned(),
                port,
                protocol: if certificate.is_some() { "HTTPS" } else { "HTTP" }.to_owned(),
                ssl_policy: certificate.map(|_| spec.ssl_policy.as_deref().unwrap_or(SSL_POLICY).to_owned()),
                certificates: certificates(certificate),
                default_actions: vec![default],
                ..Default::default()
            });
            if !redirects && self.default_action == DefaultAction::Empty {
                let rule = Rule { listener: Some(key), ..self.rule(priority, self.forward()) };
                app.rules.insert(format!("{}-{name}", self.component), rule);
            }
        };
        match &spec.certificate_arn {
            Some(certificate) => {
                listen("https", 443, Some(certificate), false);
                if spec.http_port != HttpPort::Off {
                    listen("http", 80, None, spec.http_port == HttpPort::Redirect);
                }
            }
            None => listen("http", 80, None, false),
        }
    }

    fn shared_rules(&self, spec: &LoadBalancerSpec, app: &mut ApplicationSpec) {
        let priority = spec.rule_priority.unwrap_or(100).saturating_add(self.rule_offset);
        let mut add = |name: &str, arn: &Option<String>, action: ListenerAction| {
            if arn.is_some() {
                let rule = Rule { listener_arn: arn.clone(), ..self.rule(priority, action) };
                app.rules.insert(format!("{}-{name}", self.component), rule);
            }
        };
        add("https", &spec.https_listener_arn, self.forward());
        match spec.http_port {
            HttpPort::Redirect if spec.https_listener_arn.is_some() => {
                add("http", &spec.http_listener_arn, redirect());
            }
            HttpPort::Redirect | HttpPort::Forward => add("http", &spec.http_listener_arn, self.forward()),
            HttpPort::Off => {}
        }
    }

    fn rule(&self, priority: u32, action: ListenerAction) -> Rule {
        let hosts = RuleCondition {
            field: "host-header".to_owned(),
            values: self.hosts.iter().chain(&self.settings.extra_hosts).cloned().collect(),
            ..Default::default()
        };
        Rule { priority, conditions: vec![hosts], actions: vec![action], ..Default::default() }
    }

    fn forward(&self) -> ListenerAction {
        forward_to(self.component)
    }

    /// Adds a listener on a network load balancer, with a target group of its own, and says which
    /// target group that is.
    pub fn add_private_listener(
        &self,
        listener: PrivateListener<'_>,
        context: &KindContext<'_>,
        app: &mut ApplicationSpec,
    ) -> LoadBalancer {
        let PrivateListener { key, port, tls, load_balancer } = listener;
        let certificate = load_balancer.certificate_arn.as_ref().filter(|_| tls);
        // Health is asked for as on the public side, but the target group itself carries bytes.
        let group = TargetGroup { protocol: Some("TCP".to_owned()), ..self.target_group(context) };
        app.target_groups.insert(key.to_owned(), group);
        let policy = load_balancer.ssl_policy.as_deref().unwrap_or(SSL_POLICY);
        app.listeners.insert(
            key.to_owned(),
            Listener {
                load_balancer: load_balancer.load_balancer.clone(),
                port,
                protocol: if certificate.is_some() { "TLS" } else { "TCP" }.to_owned(),
                ssl_policy: certificate.map(|_| policy.to_owned()),
                certificates: certificates(certificate),
                default_actions: vec![forward_to(key)],
                ..Default::default()
            },
        );
        self.join(Some(key), None)
    }
}

/// An ARN of a certificate that a listener can use.
pub fn check_certificate(field: &str, arn: Option<&String>, findings: &mut Findings) {
    let good = |arn: &str| Arn::parse(arn).is_some_and(|arn| matches!(arn.service, "acm" | "iam"));
    if let Some(arn) = arn.filter(|arn| !good(arn)) {
        let message = format!("`{arn}` is not the ARN of a certificate");
        findings.error(field, message, "use the ARN of a certificate in ACM or IAM");
    }
}

fn check(
    spec: &LoadBalancerSpec,
    field: &str,
    backend: &Backend<'_>,
    context: &KindContext<'_>,
    findings: &mut Findings,
) {
    let shared = spec.https_listener_arn.is_some() || spec.http_listener_arn.is_some();
    match (spec.load_balancer.is_some(), shared) {
        (true, true) => findings.error(
            field,
            "names both a load balancer of its own and listeners of a shared one",
            "keep `loadBalancer`, or the listener ARNs",
        ),
        (false, false) => findings.error(
            field,
            "names neither a load balancer nor a listener",
            "set `loadBalancer` for one of its own, or `httpsListenerArn` for a shared one",
        ),
        (true, false) if spec.certificate_arn.is_none() => findings.warning(
            format!("{field}.certificateArn"),
            "there is no certificate: the load balancer speaks plain HTTP",
            "name a certificate in ACM",
        ),
        (false, true) => check_shared(spec, field, backend, findings),
        (true, false) => {}
    }
    check_certificate(&format!("{field}.certificateArn"), spec.certificate_arn.as_ref(), findings);
    if context.common.network.vpc_id.as_deref().unwrap_or_default().is_empty() {
        findings.error("spec.network.vpcId", "is required", "target groups are made in the VPC of the tasks");
    }
}

fn check_shared(spec: &LoadBalancerSpec, field: &str, backend: &Backend<'_>, findings: &mut Findings) {
    if spec.rule_priority.is_none() {
        findings.error(
            format!("{field}.rulePriority"),
            "is required on shared listeners",
            "choose a priority that no other rule of the listener has",
        );
    }
    if spec.certificate_arn.is_some() {
        findings.warning(
            format!("{field}.certificateArn"),
            "is not used: the listeners are shared, and so are their certificates",
            "leave it out",
        );
    }
    if backend.hosts.iter().all(String::is_empty) {
        findings.error(
            "spec.domain",
            "is required on shared listeners",
            "rules tell requests apart by host name",
        );
    }
}

fn certificates(arn: Option<&String>) -> Vec<Certificate> {
    arn.map(|arn| Certificate { certificate_arn: arn.clone() }).into_iter().collect()
}

fn forward_to(key: &str) -> ListenerAction {
    let kind = "forward".to_owned();
    ListenerAction { kind, target_group: Some(key.to_owned()), ..Default::default() }
}

fn redirect() -> ListenerAction {
    ListenerAction {
        kind: "redirect".to_owned(),
        redirect_config: Some(Redirect {
            protocol: Some("HTTPS".to_owned()),
            port: Some("443".to_owned()),
            status_code: "HTTP_301".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn empty_answer() -> ListenerAction {
    ListenerAction {
        kind: "fixed-response".to_owned(),
        fixed_response_config: Some(FixedResponse {
            status_code: "204".to_owned(),
            content_type: Some("text/plain".to_owned()),
            message_body: None,
        }),
        ..Default::default()
    }
}
