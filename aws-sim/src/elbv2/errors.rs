//! ELBv2's errors, with the codes that its service model names and the texts that AWS sends.
//! Sources as in `conditions`.

use crate::error::ApiError;

/// A client error with this code.
pub(super) fn bad(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(400, code, message)
}

/// What AWS answers to input that breaks a rule which has no error of its own.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    bad("ValidationError", message)
}

pub(super) fn load_balancer_not_found() -> ApiError {
    bad("LoadBalancerNotFound", "One or more load balancers not found")
}

pub(super) fn target_group_not_found() -> ApiError {
    bad("TargetGroupNotFound", "One or more target groups not found")
}

pub(super) fn listener_not_found() -> ApiError {
    bad("ListenerNotFound", "One or more listeners not found")
}

pub(super) fn rule_not_found() -> ApiError {
    bad("RuleNotFound", "One or more rules not found")
}

/// Whether a text is an ARN of this kind of resource (`loadbalancer`, `targetgroup`, `listener`,
/// `listener-rule`).
///
/// # Errors
/// `ValidationError` for anything else, which AWS tells apart from an ARN that does not exist.
pub(super) fn check_arn(arn: &str, kind: &str, name: &str) -> Result<(), ApiError> {
    let mut parts = arn.splitn(6, ':');
    let sound = parts.next() == Some("arn")
        && parts.next().is_some_and(|p| p.starts_with("aws"))
        && parts.next() == Some("elasticloadbalancing")
        && parts.nth(2).is_some_and(|r| r.split('/').next() == Some(kind) && r.contains('/'));
    if sound { Ok(()) } else { Err(invalid(format!("'{arn}' is not a valid {name} ARN"))) }
}

/// The rules for names of load balancers and target groups: at most 32 letters, digits and hyphens,
/// and no hyphen at either end.
pub(super) fn check_name(name: &str, what: &str) -> Result<(), ApiError> {
    if name.chars().count() > 32 {
        return Err(invalid(format!("{what} name '{name}' cannot be longer than '32' characters")));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(invalid(format!(
            "{what} name '{name}' can only contain characters that are alphanumeric characters or hyphens(-)"
        )));
    }
    // pf-elbv2-tg-name has another text where the name breaks this rule alone; its pattern,
    // `(?!^-)(?!.*-$)^[A-Za-z0-9-]+$`, lets two hyphens stand side by side.
    if name.starts_with('-') || name.ends_with('-') {
        return Err(invalid(format!("{what} name '{name}' cannot begin or end with a hyphen(-)")));
    }
    Ok(())
}
