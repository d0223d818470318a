//! Listeners, their default actions and certificates.

use serde_json::{Value, json};

use super::actions::Actions;
use super::attributes::Attributes;
use super::errors::{bad, check_arn, invalid, listener_not_found};
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
    /// The default certificate; none or one.
    certificates: Vec<String>,
    /// The certificate list for SNI.
    added: Vec<String>,
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
            self.port = Some(port);
        }
        if let Some(protocol) = form.get("Protocol").filter(|p| !p.is_empty()) {
            if self.protocol.as_deref() != Some(protocol) {
                self.attributes = Attributes::of_listener(protocol);
            }
            // Changing from HTTPS to HTTP, or from TLS to TCP, removes policy and certificate (API
            // reference of ModifyListener).
            if !Self::secure(Some(protocol)) {
                self.certificates.clear();
                self.added.clear();
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
            // pf-elbv2-listener-sslpolicy-secure-only, spelling included; the code by analogy.
            if let Some(protocol) = self.protocol.as_deref().filter(|p| !Self::secure(Some(p))) {
                let text = format!("An SSL policy cannot be specifed for {protocol} listeners");
                return Err(bad("InvalidConfigurationRequest", text));
            }
            self.ssl_policy = Some(policy.to_owned());
        }
        if form.has("Certificates") {
            self.certificates = certificates(form, 1)?;
        }
        if form.has("AlpnPolicy") {
            self.alpn = alpn(form, self.protocol.as_deref())?;
        }
        if form.has("DefaultActions") {
            self.actions = Actions::read(elb, form, "DefaultActions")?;
        }
        if let Some(mutual) = form.child("MutualAuthentication") {
            self.mutual = Some(mutual.to_value());
        }
        self.check(&elb.balancer(&self.load_balancer)?.kind)?;
        check_actions(self.protocol.as_deref(), &self.actions)?;
        check_groups(elb, &self.load_balancer, self.protocol.as_deref(), &self.actions)
    }

    fn check(&mut self, kind: &str) -> Result<(), ApiError> {
        let allowed: &[&str] = match kind {
            "application" => &["HTTP", "HTTPS"],
            "network" => &["TCP", "QUIC", "TCP_QUIC", "UDP", "TCP_UDP", "TLS"],
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
        // pf-elbv2-listener-protocol-lb-type
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
                    // pf-elbv2-listener-cert-insecure-protocol
                    format!("A certificate cannot be specified for {protocol} listeners"),
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
        // pf-elbv2-listener-tg-protocol-match
        if !fits(protocol, group.protocol.as_deref()) {
            let text =
                format!("The listener and the following target groups have incompatible protocols: {arn}");
            return Err(bad("IncompatibleProtocols", text));
        }
        // pf-elbv2-tg-single-load-balancer
        if elb.uses.get(arn).is_some_and(|by_lb| by_lb.keys().any(|other| other != lb)) {
            let text = format!(
                "The following target groups cannot be associated with more than one load balancer: {arn}"
            );
            return Err(bad("TargetGroupAssociationLimit", text));
        }
    }
    Ok(())
}

/// Which target groups a listener forwards to; `None` for a Gateway Load Balancer's listener and a
/// Lambda group. Sources: user guides, "Target groups for your Network Load Balancers" and "…
/// Application Load Balancers", routing configuration.
fn fits(listener: Option<&str>, group: Option<&str>) -> bool {
    let allowed: &[&str] = match listener {
        Some("HTTP" | "HTTPS") => return matches!(group, None | Some("HTTP" | "HTTPS")),
        Some("TCP") => &["TCP", "TCP_UDP"],
        Some("TLS") => &["TCP", "TLS"],
        Some("UDP") => &["UDP", "TCP_UDP"],
        Some("TCP_UDP") => &["TCP_UDP"],
        Some("QUIC") => &["QUIC", "TCP_QUIC"],
        Some("TCP_QUIC") => &["TCP_QUIC"],
        _ => &["GENEVE"],
    };
    group.is_some_and(|group| allowed.contains(&group))
}

/// What the protocol of its listener does not let an action do.
pub(super) fn check_actions(listener: Option<&str>, actions: &Actions) -> Result<(), ApiError> {
    let web = matches!(listener, Some("HTTP" | "HTTPS"));
    for action in &actions.list {
        let kind = action["Type"].as_str().unwrap_or_default();
        // pf-elbv2-listener-nlb-action-forward-only
        if !web && kind != "forward" {
            let text = format!("The action type '{kind}' is not valid with network load balancer");
            return Err(bad("InvalidLoadBalancerAction", text));
        }
        // pf-elbv2-action-forward-stickiness-tls
        let sticky = &action["ForwardConfig"]["TargetGroupStickinessConfig"];
        if !web && sticky["DurationSeconds"].is_number() {
            return Err(bad(
                "InvalidConfigurationRequest",
                "Target group stickiness duration cannot be configured on load balancers of type 'network'",
            ));
        }
        // pf-elbv2-action-redirect-https-to-http
        if listener == Some("HTTPS") && action["RedirectConfig"]["Protocol"] == "HTTP" {
            return Err(bad("InvalidLoadBalancerAction", "You cannot redirect HTTPS to HTTP."));
        }
    }
    Ok(())
}

/// The ALPN policy of a TLS listener: pf-elbv2-listener-alpn-tls-only, -alpn-values, -alpn-single.
fn alpn(form: &Form, protocol: Option<&str>) -> Result<Vec<String>, ApiError> {
    let given = form.list("AlpnPolicy");
    if given.len() > 1 {
        let text = format!("Up to '1' ALPN policy can be specified, but '{}' were specified", given.len());
        return Err(invalid(text));
    }
    // doc of CreateListener: "[TLS listeners] The name of the Application-Layer Protocol
    // Negotiation (ALPN) policy." The text for other listeners of network load balancers is a
    // guess.
    match protocol {
        Some("TLS") => {}
        _ if given.is_empty() => {}
        Some("HTTP" | "HTTPS") => {
            return Err(invalid("You cannot set ALPN policy on load balancers of type 'application'"));
        }
        _ => return Err(invalid("You can set ALPN policy on TLS listeners only")),
    }
    let known = ["HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"];
    match given.iter().find(|policy| !known.contains(&policy.as_str())) {
        Some(odd) => Err(bad("ALPNPolicyNotFound", format!("ALPN policy [{odd}] is not found"))),
        None => Ok(given),
    }
}

/// ARNs of certificates in a request, of which there may be `most`.
fn certificates(form: &Form, most: usize) -> Result<Vec<String>, ApiError> {
    let given = form.structs("Certificates");
    if given.len() > most {
        // pf-elbv2-listener-cert-exactly-one
        let text =
            format!("Up to '{most}' certificate ARNs can be specified, but '{}' were specified", given.len());
        return Err(bad("TooManyCertificates", text));
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
            added: Vec::new(),
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
            // pf-elbv2-listener-certificate-secure-listener
            let protocol = listener.protocol.as_deref().unwrap_or_default();
            return Err(invalid(format!("A certificate cannot be specified for {protocol} listeners")));
        }
        let added = certificates(form, 25)?;
        for arn in &added {
            if !listener.added.contains(arn) {
                listener.added.push(arn.clone());
            }
        }
        let list: Value = added.iter().map(|c| json!({"CertificateArn": c, "IsDefault": false})).collect();
        Ok(json!({"Certificates": list}))
    }

    pub(super) fn describe_listener_certificates(&self, form: &Form) -> Result<Value, ApiError> {
        let listener = self.listener(form.require("ListenerArn")?)?;
        // API reference: "If the default certificate is also in the certificate list, it appears
        // twice in the results (once with IsDefault set to true and once with IsDefault set to
        // false)."
        let default = listener.certificates.first().map(|own| (own, true));
        let all = default.into_iter().chain(listener.added.iter().map(|own| (own, false)));
        let one = |(i, (arn, is_default)): (usize, (&String, bool))| {
            (format!("{i:04}"), json!({"CertificateArn": arn, "IsDefault": is_default}))
        };
        paging::page(all.enumerate().map(one).collect(), "Certificates", form)
    }

    pub(super) fn remove_listener_certificates(&mut self, form: &Form) -> Result<Value, ApiError> {
        let listener = self.listener_mut(form)?;
        let gone = certificates(form, 25)?;
        // API reference: "Removes the specified certificate from the certificate list"; the default
        // one is not in it unless it was added, and cannot be removed.
        let default = |arn: &String| listener.certificates.contains(arn) && !listener.added.contains(arn);
        if gone.iter().any(default) {
            return Err(bad(
                "OperationNotPermitted",
                "The default certificate of a listener cannot be removed",
            ));
        }
        listener.added.retain(|c| !gone.contains(c));
        Ok(json!({}))
    }
}
