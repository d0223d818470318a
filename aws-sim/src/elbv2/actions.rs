//! Actions of listeners and rules: checked, and brought into the form in which AWS returns them.

use serde_json::{Map, Value, json};

use super::Elbv2;
use super::errors::{bad, check_arn, check_enum, check_range, invalid, target_group_not_found};
use crate::error::ApiError;
use crate::form::Form;

const TYPES: [&str; 6] =
    ["forward", "authenticate-oidc", "authenticate-cognito", "redirect", "fixed-response", "jwt-validation"];

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
            let order = action.number("Order")?.map(|o| check_range("order", o, 1, 50_000)).transpose()?;
            if many && order.is_none() {
                return Err(invalid("You must specify an order for each action when there are several"));
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
        check_enum("type", kind, &TYPES)?;
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
        let mut groups: Vec<(String, i64)> = Vec::new();
        for group in config.map(|c| c.structs("TargetGroups")).unwrap_or_default() {
            let weight = check_range("weight", group.number("Weight")?.unwrap_or(1), 0, 999)?;
            groups.push((group.require("TargetGroupArn")?.to_owned(), weight));
        }
        match plain {
            Some(arn) if groups.is_empty() => groups.push((arn.to_owned(), 1)),
            Some(arn) if groups.len() != 1 || groups[0].0 != arn => {
                return Err(invalid(
                    "You cannot specify both a target group ARN and a forward config with other target groups",
                ));
            }
            None if groups.is_empty() => return Err(invalid("A target group ARN must be specified")),
            _ => {}
        }
        if groups.len() > 5 {
            return Err(bad(
                "TooManyUniqueTargetGroupsPerLoadBalancer",
                "You can only forward to '5' target groups",
            ));
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

fn config_of<'a>(action: &'a Form, name: &str, kind: &str) -> Result<&'a Form, ApiError> {
    action
        .child(name)
        .ok_or_else(|| invalid(format!("A {name} must be specified for an action of type '{kind}'")))
}

fn stickiness(config: Option<&Form>) -> Result<Value, ApiError> {
    let Some(given) = config.and_then(|c| c.child("TargetGroupStickinessConfig")) else {
        return Ok(json!({"Enabled": false}));
    };
    let enabled = given.flag("Enabled")?.unwrap_or(false);
    let seconds = given
        .number("DurationSeconds")?
        .map(|s| check_range("durationSeconds", s, 1, 604_800))
        .transpose()?;
    if enabled && seconds.is_none() {
        return Err(invalid("A duration must be specified when target group stickiness is enabled"));
    }
    Ok(json!({"Enabled": enabled, "DurationSeconds": seconds}))
}

fn redirect(config: &Form) -> Result<Value, ApiError> {
    check_enum("statusCode", config.require("StatusCode")?, &["HTTP_301", "HTTP_302"])?;
    let part = |name: &str, default: &str| config.get(name).unwrap_or(default).to_owned();
    let (protocol, host, path) =
        (part("Protocol", "#{protocol}"), part("Host", "#{host}"), part("Path", "/#{path}"));
    let (port, query) = (part("Port", "#{port}"), part("Query", "#{query}"));
    if !matches!(protocol.as_str(), "HTTP" | "HTTPS" | "#{protocol}") {
        return Err(invalid(format!(
            "Redirect protocol '{protocol}' must be one of 'HTTP, HTTPS, #{{protocol}}'"
        )));
    }
    if !path.starts_with('/') {
        return Err(invalid(format!("Redirect path '{path}' must begin with a '/' character")));
    }
    let unchanged = [(&protocol, "#{protocol}"), (&host, "#{host}"), (&path, "/#{path}"), (&port, "#{port}")];
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
    let code = config.require("StatusCode")?;
    let sound =
        code.len() == 3 && code.starts_with(['2', '4', '5']) && code.bytes().all(|b| b.is_ascii_digit());
    if !sound {
        return Err(invalid(format!("Fixed response status code '{code}' must be 2XX, 4XX or 5XX")));
    }
    let kinds = ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];
    let kind = config.get("ContentType").filter(|k| !k.is_empty()).unwrap_or("text/plain");
    check_enum("contentType", kind, &kinds)?;
    let body = config.get("MessageBody").filter(|b| !b.is_empty());
    if body.is_some_and(|b| b.len() > 1024) {
        return Err(invalid("Fixed response message body cannot be longer than '1024' characters"));
    }
    Ok(json!({"StatusCode": code, "ContentType": kind, "MessageBody": body}))
}

fn authenticate(config: &Form, needed: &[&str]) -> Result<Value, ApiError> {
    needed.iter().try_for_each(|name| config.require(name).map(|_| ()))?;
    let seconds = config.number("SessionTimeout")?.unwrap_or(604_800);
    let mut value = config.to_value();
    if let Some(members) = value.as_object_mut() {
        // The secret can be written, never read.
        members.remove("ClientSecret");
        members.remove("UseExistingClientSecret");
        members
            .insert("SessionTimeout".to_owned(), check_range("sessionTimeout", seconds, 1, 604_800)?.into());
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
        |action: &Value| matches!(action["Type"].as_str(), Some("forward" | "redirect" | "fixed-response"));
    let count = list.iter().filter(|a| routes(a)).count();
    if count > 1 {
        return Err(bad(
            "TooManyActions",
            "You can only specify one forward, redirect or fixed-response action",
        ));
    }
    if !list.last().is_some_and(routes) {
        return Err(bad(
            "InvalidLoadBalancerAction",
            "The last action must be one of: forward, redirect, fixed-response",
        ));
    }
    Ok(())
}
