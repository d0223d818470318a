//! Actions of listeners and rules: checked, and brought into the form in which AWS returns them.
//! Sources as in `conditions`; enumerations, lengths and the order are the model's affair.

use serde_json::{Map, Value, json};

use super::Elbv2;
use super::errors::{bad, check_arn, invalid, target_group_not_found};
use crate::error::ApiError;
use crate::form::Form;

/// The actions of one listener or rule.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Actions {
    /// In the order in which they are performed, each in AWS's form.
    pub list: Vec<Value>,
    /// The target groups that they forward to.
    pub forwards: Vec<String>,
}

impl Actions {
    /// Reads a list of actions: each is checked, defaults are filled in, and exactly the last one
    /// must answer the request (forward, redirect or fixed-response).
    ///
    /// # Errors
    /// `ValidationError`, `TargetGroupNotFound` or `InvalidLoadBalancerAction`.
    pub(super) fn read(elb: &Elbv2, form: &Form, member: &str) -> Result<Self, ApiError> {
        let given = form.structs(member);
        if given.is_empty() {
            return Err(crate::form::null_member(member));
        }
        let many = given.len() > 1;
        let mut actions = Self::default();
        let mut ordered = Vec::new();
        for action in given {
            let order = action.number("Order")?;
            // pf-elbv2-listener-action-order-required
            if many && order.is_none() {
                return Err(invalid(
                    "When you specify multiple actions, you must specify an order for each action",
                ));
            }
            let mut value = actions.read_one(elb, action)?;
            if let Some(order) = order {
                value.insert("Order".to_owned(), order.into());
            }
            ordered.push((order.unwrap_or(1), Value::Object(value)));
        }
        ordered.sort_by_key(|(order, _)| *order);
        actions.list = ordered.into_iter().map(|(_, value)| value).collect();
        check_routing(&actions.list)?;
        Ok(actions)
    }

    fn read_one(&mut self, elb: &Elbv2, action: &Form) -> Result<Map<String, Value>, ApiError> {
        let kind = action.require("Type")?;
        let mut out = Map::from_iter([("Type".to_owned(), Value::from(kind))]);
        let (name, config) = match kind {
            "forward" => {
                let (arn, config) = self.forward(elb, action)?;
                if let Some(arn) = arn {
                    out.insert("TargetGroupArn".to_owned(), arn.into());
                }
                ("ForwardConfig", config)
            }
            "redirect" => ("RedirectConfig", redirect(config_of(action, "RedirectConfig", kind)?)?),
            "fixed-response" => {
                ("FixedResponseConfig", fixed_response(config_of(action, "FixedResponseConfig", kind)?)?)
            }
            "authenticate-oidc" => {
                let config = config_of(action, "AuthenticateOidcConfig", kind)?;
                let needed =
                    ["Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "ClientId"];
                ("AuthenticateOidcConfig", authenticate(config, &needed)?)
            }
            "authenticate-cognito" => {
                let config = config_of(action, "AuthenticateCognitoConfig", kind)?;
                (
                    "AuthenticateCognitoConfig",
                    authenticate(config, &["UserPoolArn", "UserPoolClientId", "UserPoolDomain"])?,
                )
            }
            _ => {
                let config = config_of(action, "JwtValidationConfig", kind)?;
                config.require("JwksEndpoint")?;
                config.require("Issuer")?;
                ("JwtValidationConfig", config.to_value())
            }
        };
        out.insert(name.to_owned(), config);
        Ok(out)
    }

    /// A forward action is returned both ways: as `ForwardConfig`, and for one target group as
    /// `TargetGroupArn` too.
    fn forward(&mut self, elb: &Elbv2, action: &Form) -> Result<(Option<String>, Value), ApiError> {
        let plain = action.get("TargetGroupArn").filter(|a| !a.is_empty());
        let config = action.child("ForwardConfig");
        let given = config.map(|c| c.structs("TargetGroups")).unwrap_or_default();
        // pf-elbv2-action-forward-tg-count-max
        if given.len() > 5 {
            return Err(invalid("You cannot specify more than 5 target groups per action"));
        }
        let mut groups: Vec<(String, i64)> = Vec::new();
        for group in &given {
            let weight = weight(group.number("Weight")?, given.len())?;
            groups.push((group.require("TargetGroupArn")?.to_owned(), weight));
        }
        match plain {
            Some(arn) if groups.is_empty() => groups.push((arn.to_owned(), 1)),
            // pf-elbv2-action-forward-tgarn-conflict
            Some(arn) if groups.len() != 1 || groups[0].0 != arn => {
                return Err(invalid(
                    "You can specify both a target group list and a top-level target group ARN only if the ARNs match",
                ));
            }
            None if groups.is_empty() => return Err(invalid("A target group ARN must be specified")),
            _ => {}
        }
        for (arn, _) in &groups {
            check_arn(arn, "targetgroup", "target group")?;
            if !elb.target_groups.contains_key(arn) {
                return Err(target_group_not_found());
            }
        }
        self.forwards.extend(groups.iter().map(|(arn, _)| arn.clone()));
        let sticky = stickiness(config)?;
        let arn = (groups.len() == 1).then(|| groups[0].0.clone());
        let list: Value = groups.iter().map(|(arn, w)| json!({"TargetGroupArn": arn, "Weight": w})).collect();
        Ok((arn, json!({"TargetGroups": list, "TargetGroupStickinessConfig": sticky})))
    }
}

/// The weight of one of several groups, or of the only one: pf-elbv2-action-forward-weight-range,
/// pf-elbv2-action-forward-weight-required-multi.
fn weight(given: Option<i64>, groups: usize) -> Result<i64, ApiError> {
    match (given, groups) {
        (None, 0 | 1) => Ok(1),
        (Some(weight), 0 | 1) if !(1..=999).contains(&weight) => {
            Err(invalid("The weight for the target group must be between 1 and 999, inclusive"))
        }
        (Some(weight), _) if (0..=999).contains(&weight) => Ok(weight),
        _ => Err(invalid("The weight for each target group must be between 0 and 999, inclusive")),
    }
}

/// pf-elbv2-listener-action-config-type-match
fn config_of<'a>(action: &'a Form, name: &str, kind: &str) -> Result<&'a Form, ApiError> {
    action.child(name).ok_or_else(|| {
        invalid(format!("For actions of type '{kind}', you must specify the following fields: '{name}'"))
    })
}

fn stickiness(config: Option<&Form>) -> Result<Value, ApiError> {
    let Some(given) = config.and_then(|c| c.child("TargetGroupStickinessConfig")) else {
        return Ok(json!({"Enabled": false}));
    };
    let enabled = given.flag("Enabled")?.unwrap_or(false);
    let seconds = given.number("DurationSeconds")?;
    // pf-elbv2-action-forward-stickiness-duration-range, -duration-required
    if seconds.is_some_and(|seconds| !(1..=604_800).contains(&seconds)) {
        return Err(invalid("Target group stickiness duration must be between 1 and 604800 seconds"));
    }
    if enabled && seconds.is_none() {
        return Err(invalid("You must provide a duration when enabling target group stickiness"));
    }
    Ok(json!({"Enabled": enabled, "DurationSeconds": seconds}))
}

fn redirect(config: &Form) -> Result<Value, ApiError> {
    let part = |name: &str, default: &str| config.get(name).unwrap_or(default).to_owned();
    let (protocol, host, path) =
        (part("Protocol", "#{protocol}"), part("Host", "#{host}"), part("Path", "/#{path}"));
    let (port, query) = (part("Port", "#{port}"), part("Query", "#{query}"));
    // pf-elbv2-action-redirect-path-leading-slash
    if !path.starts_with('/') {
        return Err(invalid(
            "The Path parameter must be a valid path, should start with a '/', and may contain up to one of each of these placeholders: \
             '#{path}', '#{host}', '#{port}'.",
        ));
    }
    // pf-elbv2-action-redirect-port-value
    if port != "#{port}" && !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(invalid(
            "The Port parameter must be either an integer between 1 and 65535 or '#{port}'.",
        ));
    }
    let unchanged = [(&protocol, "#{protocol}"), (&host, "#{host}"), (&path, "/#{path}"), (&port, "#{port}")];
    // pf-elbv2-action-redirect-no-change
    if unchanged.iter().all(|(value, default)| value.as_str() == *default) {
        return Err(bad(
            "InvalidLoadBalancerAction",
            "The redirect configuration is not valid because it creates a loop.",
        ));
    }
    Ok(json!({
        "Protocol": protocol, "Port": port, "Host": host, "Path": path, "Query": query,
        "StatusCode": config.get("StatusCode"),
    }))
}

fn fixed_response(config: &Form) -> Result<Value, ApiError> {
    let kinds = ["text/html", "application/json", "application/javascript", "text/css", "text/plain"];
    let kind = config.get("ContentType").filter(|k| !k.is_empty()).unwrap_or("text/plain");
    // pf-elbv2-action-fixed-response-content-type; the code is moto's.
    if !kinds.contains(&kind) {
        return Err(bad(
            "InvalidLoadBalancerAction",
            format!("The ContentType must be one of:'{}'.", kinds.join("', '")),
        ));
    }
    let body = config.get("MessageBody").filter(|b| !b.is_empty());
    let code = config.require("StatusCode")?;
    Ok(json!({"StatusCode": code, "ContentType": kind, "MessageBody": body}))
}

fn authenticate(config: &Form, needed: &[&str]) -> Result<Value, ApiError> {
    needed.iter().try_for_each(|name| config.require(name).map(|_| ()))?;
    let seconds = config.number("SessionTimeout")?.unwrap_or(604_800);
    // doc: "the maximum is 604800 seconds (7 days)", in the words of stickiness; a guess.
    if !(1..=604_800).contains(&seconds) {
        return Err(invalid("The session timeout must be between 1 and 604800 seconds"));
    }
    let mut value = config.to_value();
    if let Some(members) = value.as_object_mut() {
        // The secret can be written, never read.
        members.remove("ClientSecret");
        members.remove("UseExistingClientSecret");
        members.insert("SessionTimeout".to_owned(), seconds.into());
        for (name, default) in [
            ("SessionCookieName", "AWSELBAuthSessionCookie"),
            ("Scope", "openid"),
            ("OnUnauthenticatedRequest", "authenticate"),
        ] {
            members.entry(name).or_insert_with(|| default.into());
        }
    }
    Ok(value)
}

fn check_routing(list: &[Value]) -> Result<(), ApiError> {
    let routes =
        |action: &&Value| matches!(action["Type"].as_str(), Some("forward" | "redirect" | "fixed-response"));
    let kinds: Vec<&str> = list.iter().filter(routes).filter_map(|action| action["Type"].as_str()).collect();
    // pf-elbv2-rule-actions-exactly-one-routing
    if kinds.len() > 1 {
        let text = format!("Action types '{}' cannot be specified together", kinds.join(","));
        return Err(bad("TooManyActions", text));
    }
    match (list.last().filter(routes), kinds.first()) {
        (Some(_), _) => Ok(()),
        // pf-elbv2-listener-default-action-routing-last
        (None, Some(kind)) => Err(bad(
            "InvalidLoadBalancerAction",
            format!("An action of type '{kind}' must have a higher order than all other actions"),
        )),
        // API reference of Action: "The last action to be performed must be one of …". The text is
        // a guess.
        (None, None) => Err(bad(
            "InvalidLoadBalancerAction",
            "The last action must be one of: forward, redirect, fixed-response",
        )),
    }
}
