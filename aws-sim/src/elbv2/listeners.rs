//! Listeners, their default actions and certificates.

use serde_json::{Value, json};

use super::actions::Actions;
use super::attributes::Attributes;
use super::errors::{bad, check_arn, check_enum, check_range, invalid, listener_not_found};
use super::{Elbv2, limits, paging, tags};
use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::form::Form;

/// One listener.
#[derive(Debug, Clone)]
pub(super) struct Listener {
    pub load_balancer: String,
    pub port: Option<i64>,
    pub protocol: Option<String>,
    ssl_policy: Option<String>,
    /// The default certificate first, then those that were added for SNI.
    certificates: Vec<String>,
    alpn: Vec<String>,
    mutual: Option<Value>,
    pub actions: Actions,
    pub attributes: Attributes,
}

impl Listener {
    fn secure(protocol: Option<&str>) -> bool {
        matches!(protocol, Some("HTTPS" | "TLS"))
    }

    fn view(&self, arn: &str) -> Value {
        let default = self.certificates.first().map(|c| json!([{"CertificateArn": c}]));
        json!({
            "ListenerArn": arn,
            "LoadBalancerArn": self.load_balancer,
            "Port": self.port,
            "Protocol": self.protocol,
            "Certificates": default,
            "SslPolicy": self.ssl_policy,
            "DefaultActions": self.actions.list,
            "AlpnPolicy": (!self.alpn.is_empty()).then_some(&self.alpn),
            "MutualAuthentication": self.mutual,
        })
    }

    /// Puts the members that a form names in their place and checks what comes out.
    fn apply(&mut self, elb: &Elbv2, form: &Form) -> Result<(), ApiError> {
        if let Some(port) = form.number("Port")? {
            self.port = Some(check_range("port", port, 1, 65535)?);
        }
        if let Some(protocol) = form.get("Protocol").filter(|p| !p.is_empty()) {
            check_enum("protocol", protocol, &super::checks::PROTOCOLS)?;
            if self.protocol.as_deref() != Some(protocol) {
                self.attributes = Attributes::of_listener(protocol);
            }
            // Changing from HTTPS to HTTP, or from TLS to TCP, removes policy and certificate (API
            // reference of ModifyListener).
            if !Self::secure(Some(protocol)) {
                self.certificates.clear();
            }
            // From HTTP to HTTPS, or from TCP to TLS, policy and certificate must be given (same
            // page). The text is a guess.
            let becomes_secure = self.protocol.as_deref().is_some_and(|own| !Self::secure(Some(own)))
                && Self::secure(Some(protocol));
            if becomes_secure && form.get("SslPolicy").is_none_or(str::is_empty) {
                return Err(invalid(format!("A security policy must be specified for {protocol} listeners")));
            }
            self.protocol = Some(protocol.to_owned());
        }
        if let Some(policy) = form.get("SslPolicy").filter(|p| !p.is_empty()) {
            self.ssl_policy = Some(policy.to_owned());
        }
        if form.has("Certificates") {
            self.certificates = certificates(form, 1)?;
        }
        if form.has("AlpnPolicy") {
            self.alpn = form.list("AlpnPolicy");
        }
        if form.has("DefaultActions") {
            self.actions = Actions::read(elb, form, "DefaultActions")?;
        }
        if let Some(mutual) = form.child("MutualAuthentication") {
            self.mutual = Some(mutual.to_value());
        }
        self.check(&elb.balancer(&self.load_balancer)?.kind)?;
        check_groups(elb, &self.load_balancer, self.protocol.as_deref(), &self.actions)
    }

    fn check(&mut self, kind: &str) -> Result<(), ApiError> {
        let allowed: &[&str] = match kind {
            "application" => &["HTTPS", "HTTP"],
            "network" => &["TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC"],
            _ => &[],
        };
        if kind == "gateway" {
            return Ok(());
        }
        let protocol =
            self.protocol.as_deref().ok_or_else(|| invalid("A listener protocol must be specified"))?;
        if self.port.is_none() {
            return Err(invalid("A listener port must be specified"));
        }
        if !allowed.contains(&protocol) {
            return Err(invalid(format!(
                "Listener protocol '{protocol}' must be one of '{}'",
                allowed.join(", ")
            )));
        }
        if !Self::secure(Some(protocol)) {
            if !self.certificates.is_empty() {
                return Err(bad(
                    "InvalidConfigurationRequest",
                    format!("Certificates cannot be specified for {protocol} listeners"),
                ));
            }
            self.ssl_policy = None;
            self.mutual = None;
            return Ok(());
        }
        if self.certificates.is_empty() {
            return Err(invalid(format!("A certificate must be specified for {protocol} listeners")));
        }
        let policy = self.ssl_policy.get_or_insert_with(|| "ELBSecurityPolicy-2016-08".to_owned());
        if !limits::ssl_policy_exists(policy) {
            return Err(bad("SSLPolicyNotFound", format!("SSL policy '{policy}' not found")));
        }
        if protocol == "HTTPS" && self.mutual.is_none() {
            self.mutual = Some(json!({"Mode": "off"}));
        }
        Ok(())
    }

    fn same_settings(&self, other: &Self) -> bool {
        self.protocol == other.protocol
            && self.ssl_policy == other.ssl_policy
            && self.certificates.first() == other.certificates.first()
            && self.actions == other.actions
            && self.alpn == other.alpn
    }
}

/// That actions forward only to groups that speak the listener's kind of protocol and belong to no
/// other load balancer.
pub(super) fn check_groups(
    elb: &Elbv2,
    lb: &str,
    protocol: Option<&str>,
    actions: &Actions,
) -> Result<(), ApiError> {
    for arn in &actions.forwards {
        let group = elb.group(arn)?;
        let web = |p: &str| matches!(p, "HTTP" | "HTTPS");
        let fits = match (group.protocol.as_deref(), protocol) {
            (Some(group), Some(listener)) => web(group) == web(listener),
            (None, Some(listener)) => web(listener),
            (group, None) => group == Some("GENEVE"),
        };
        if !fits {
            let text = format!(
                "The protocol '{}' of target group '{arn}' is not compatible with the listener protocol '{}'",
                group.protocol.as_deref().unwrap_or("lambda"),
                protocol.unwrap_or_default()
            );
            return Err(bad("IncompatibleProtocols", text));
        }
        if elb.uses.get(arn).is_some_and(|by_lb| by_lb.keys().any(|other| other != lb)) {
            let text = format!(
                "The following target groups cannot be associated with more than one load balancer: {arn}"
            );
            return Err(bad("TargetGroupAssociationLimit", text));
        }
    }
    Ok(())
}

/// ARNs of certificates in a request, of which there may be `most`.
fn certificates(form: &Form, most: usize) -> Result<Vec<String>, ApiError> {
    let given = form.structs("Certificates");
    if given.len() > most {
        return Err(bad("TooManyCertificates", format!("You can specify only '{most}' certificates")));
    }
    let mut out = Vec::new();
    for certificate in given {
        let arn = certificate.require("CertificateArn")?;
        let known = arn.starts_with("arn:") && (arn.contains(":acm:") || arn.contains(":iam:"));
        if !known {
            return Err(bad("CertificateNotFound", format!("Certificate '{arn}' not found")));
        }
        out.push(arn.to_owned());
    }
    Ok(out)
}

impl Elbv2 {
    /// The listener with this ARN.
    pub(super) fn listener(&self, arn: &str) -> Result<&Listener, ApiError> {
        check_arn(arn, "listener", "listener")?;
        self.listeners.get(arn).ok_or_else(listener_not_found)
    }

    fn listener_mut(&mut self, form: &Form) -> Result<&mut Listener, ApiError> {
        let arn = form.require("ListenerArn")?;
        self.listener(arn)?;
        self.listeners.get_mut(arn).ok_or_else(listener_not_found)
    }

    pub(super) fn create_listener(&mut self, ctx: &mut Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let lb = form.require("LoadBalancerArn")?;
        self.balancer(lb)?;
        let mut wanted = Listener {
            load_balancer: lb.to_owned(),
            port: None,
            protocol: None,
            ssl_policy: None,
            certificates: Vec::new(),
            alpn: Vec::new(),
            mutual: None,
            actions: Actions::read(self, form, "DefaultActions")?,
            attributes: Attributes::of_listener(""),
        };
        wanted.apply(self, form)?;
        let tags = tags::read(form)?;
        let mut here = self.listeners.iter().filter(|(_, l)| l.load_balancer == lb);
        if let Some((arn, known)) = here.clone().find(|(_, l)| l.port == wanted.port) {
            if known.same_settings(&wanted) {
                return Ok(json!({"Listeners": [known.view(arn)]}));
            }
            let text = format!("A listener already exists on this port for this load balancer '{lb}'");
            return Err(bad("DuplicateListener", text));
        }
        if here.nth(49).is_some() {
            return Err(bad("TooManyListeners", "A load balancer can only have '50' listeners"));
        }
        let path = lb.split_once(":loadbalancer/").map(|(_, p)| p).unwrap_or_default();
        let id = ctx.hex(16);
        let arn = ctx.arn("elasticloadbalancing", &format!("listener/{path}/{id}"));
        self.link(ctx, lb, &wanted.actions.forwards);
        let view = wanted.view(&arn);
        self.listeners.insert(arn.clone(), wanted);
        self.add_default_rule(ctx, &arn);
        self.tags.insert(arn, tags);
        Ok(json!({"Listeners": [view]}))
    }

    pub(super) fn describe_listeners(&self, form: &Form) -> Result<Value, ApiError> {
        let arns = form.list("ListenerArns");
        let lb = form.get("LoadBalancerArn").filter(|a| !a.is_empty());
        match lb {
            Some(_) if !arns.is_empty() => {
                return Err(invalid(
                    "Listener ARNs and a load balancer ARN cannot be specified at the same time",
                ));
            }
            None if arns.is_empty() => {
                return Err(invalid("You must specify either listener ARNs or a load balancer ARN"));
            }
            Some(lb) => self.balancer(lb).map(|_| ())?,
            None => arns.iter().try_for_each(|arn| self.listener(arn).map(|_| ()))?,
        }
        let wanted =
            |arn: &String, l: &Listener| lb.map_or_else(|| arns.contains(arn), |lb| l.load_balancer == lb);
        let views = self
            .listeners
            .iter()
            .filter(|(a, l)| wanted(a, l))
            .map(|(a, l)| (a.clone(), l.view(a)))
            .collect();
        paging::page(views, "Listeners", form)
    }

    pub(super) fn modify_listener(&mut self, ctx: &Ctx<'_>, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("ListenerArn")?;
        let before = self.listener(arn)?.clone();
        let mut changed = before.clone();
        changed.apply(self, form)?;
        let taken = |(other, l): (&String, &Listener)| {
            other != arn && l.load_balancer == changed.load_balancer && l.port == changed.port
        };
        if self.listeners.iter().any(taken) {
            let text = format!(
                "A listener already exists on this port for this load balancer '{}'",
                changed.load_balancer
            );
            return Err(bad("DuplicateListener", text));
        }
        // Linked before unlinked, so that a group that stays in use never looks unused in between.
        self.link(ctx, &changed.load_balancer, &changed.actions.forwards);
        self.unlink(&before.load_balancer, &before.actions.forwards);
        let view = changed.view(arn);
        self.listeners.insert(arn.to_owned(), changed);
        Ok(json!({"Listeners": [view]}))
    }

    pub(super) fn delete_listener(&mut self, form: &Form) -> Result<Value, ApiError> {
        let arn = form.require("ListenerArn")?;
        self.listener(arn)?;
        self.remove_listener(arn);
        Ok(json!({}))
    }

    /// Removes a listener with its rules.
    pub(super) fn remove_listener(&mut self, arn: &str) {
        for rule in self.rules_of(arn) {
            self.remove_rule(&rule);
        }
        if let Some(listener) = self.listeners.remove(arn) {
            self.unlink(&listener.load_balancer, &listener.actions.forwards);
        }
        self.tags.remove(arn);
    }

    pub(super) fn describe_listener_attributes(&self, form: &Form) -> Result<Value, ApiError> {
        Ok(self.listener(form.require("ListenerArn")?)?.attributes.view())
    }

    pub(super) fn modify_listener_attributes(&mut self, form: &Form) -> Result<Value, ApiError> {
        let listener = self.listener_mut(form)?;
        listener.attributes.modify(form)?;
        Ok(listener.attributes.view())
    }

    pub(super) fn add_listener_certificates(&mut self, form: &Form) -> Result<Value, ApiError> {
        let listener = self.listener_mut(form)?;
        if !Listener::secure(listener.protocol.as_deref()) {
            return Err(invalid("Certificates can only be added to HTTPS and TLS listeners"));
        }
        let added = certificates(form, 25)?;
        for arn in &added {
            if !listener.certificates.contains(arn) {
                listener.certificates.push(arn.clone());
            }
        }
        let list: Value = added.iter().map(|c| json!({"CertificateArn": c, "IsDefault": false})).collect();
        Ok(json!({"Certificates": list}))
    }

    pub(super) fn describe_listener_certificates(&self, form: &Form) -> Result<Value, ApiError> {
        let listener = self.listener(form.require("ListenerArn")?)?;
        let one =
            |(i, c): (usize, &String)| (format!("{i:04}"), json!({"CertificateArn": c, "IsDefault": i == 0}));
        paging::page(listener.certificates.iter().enumerate().map(one).collect(), "Certificates", form)
    }

    pub(super) fn remove_listener_certificates(&mut self, form: &Form) -> Result<Value, ApiError> {
        let listener = self.listener_mut(form)?;
        let gone = certificates(form, 25)?;
        if listener.certificates.first().is_some_and(|default| gone.contains(default)) {
            return Err(bad(
                "OperationNotPermitted",
                "The default certificate of a listener cannot be removed",
            ));
        }
        listener.certificates.retain(|c| !gone.contains(c));
        Ok(json!({}))
    }
}
