//! The shipped policy allows all that the controller does.
//!
//! What somebody took the owner tag from, or deleted, in the very moment before a write is refused
//! for that; so is a call that comes late or twice.

use super::CheckResult;
use super::call::Parsed;
use super::facts::{Disturbance, Facts};
use aws_sim::wire::Response;
use jiff::Timestamp;

/// How long a disturbance excuses a refusal, in seconds.
const EXCUSED: i64 = 240;
const EXCUSES: [Disturbance; 5] = [
    Disturbance::Double,
    Disturbance::ManualChange,
    Disturbance::Process,
    Disturbance::Stale,
    Disturbance::Wire,
];

/// A call was answered. Refusals that are planted as faults name no resource.
pub fn after(parsed: &Parsed, response: Option<&Response>, facts: &Facts, now: Timestamp) -> CheckResult {
    let Some(response) = response.filter(|response| matches!(response.status, 400 | 403)) else {
        return Ok(());
    };
    let said = String::from_utf8_lossy(&response.body);
    let refused = said.contains("is not authorized to perform")
        && (said.contains(" on resource: ") || said.contains("CreateLogGroup with Tags"));
    if refused && facts.quiet(now, EXCUSED, &EXCUSES) {
        return Err(format!("{} of {}: {said}", parsed.operation, parsed.target()));
    }
    Ok(())
}
