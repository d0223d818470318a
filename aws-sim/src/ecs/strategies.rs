//! What services refuse of deployment strategies that shift traffic. Sources: API reference of
//! `DeploymentConfiguration`, `CanaryConfiguration`, `LinearConfiguration`; CreateService. Where no
//! source is named, the words are this simulator's.

use serde_json::Value;

use super::{
    errors::{Result, client, invalid},
    input::Fields,
};

/// Longest bake times in minutes ("Valid values are 0 to 1440 minutes (24 hours)").
const DAY: i64 = 1440;
/// What a strategy has for itself alone ("Only valid when the deployment strategy is …"), with the
/// least percentage of its steps.
const PARTS: [(&str, &str, &str, f64, &str); 2] = [
    ("LINEAR", "linearConfiguration", "stepPercent", 3.0, "stepBakeTimeInMinutes"),
    ("CANARY", "canaryConfiguration", "canaryPercent", 0.1, "canaryBakeTimeInMinutes"),
];

/// Checks a deployment configuration, filled, of a service with these load balancers.
///
/// # Errors
/// `InvalidParameterException` or `ClientException` for the first mistake.
pub(super) fn check(own: &Value, balancers: &[Value]) -> Result<()> {
    let strategy = own.text("strategy").unwrap_or("ROLLING");
    shifting(strategy, balancers)?;
    minutes("bakeTimeInMinutes", own)?;
    for (of, part, percent, least, bake) in PARTS {
        let Some(part_of) = own.get(part) else { continue };
        if strategy != of {
            return Err(invalid(format!("{part} is only valid when the deployment strategy is {of}.")));
        }
        minutes(bake, part_of)?;
        // "Valid values are multiples of 0.1 from 0.1 to 100.0", "… from 3.0 to 100.0".
        let tenths = part_of[percent].as_f64().map(|value| value * 10.0);
        let is_multiple = |tenths: f64| (tenths - tenths.round()).abs() < 1e-6;
        if tenths.is_some_and(|value| !(least * 10.0..=1000.0).contains(&value) || !is_multiple(value)) {
            return Err(invalid(format!("{percent} must be a multiple of 0.1 between {least} and 100.")));
        }
    }
    Ok(())
}

fn minutes(field: &str, of: &Value) -> Result<()> {
    match of.int(field) {
        Some(value) if !(0..=DAY).contains(&value) => {
            Err(invalid(format!("{field} must be between 0 and {DAY}.")))
        }
        _ => Ok(()),
    }
}

/// Traffic can be shifted only between two target groups. Seen live for the linear strategy
/// (terraform-aws-modules/terraform-aws-ecs#377); that the others have the same text is a guess.
fn shifting(strategy: &str, balancers: &[Value]) -> Result<()> {
    let words = match strategy {
        "BLUE_GREEN" => "blue/green",
        "LINEAR" => "linear",
        "CANARY" => "canary",
        _ => return Ok(()),
    };
    if balancers.iter().any(|balancer| balancer.get("advancedConfiguration").is_none()) {
        return Err(client(format!(
            "advancedConfiguration field is required for all loadBalancers when using the {words} deployment strategy"
        )));
    }
    Ok(())
}
