//! What the controller may do: what `manifests/iam-policy.json` allows, with the roles of these
//! documents in place of those of the examples, as the README tells.

use aws_sim::Sim;
use aws_sim::iam::{Attached, Caller, Document};
use serde_json::{Value, json};

const SHIPPED: &str = include_str!("../../manifests/iam-policy.json");

/// Roles of the documents, and of the values that fields of theirs are given.
const ROLES: [&str; 2] = ["arn:aws:iam::123456789012:role/matrix-*", "arn:aws:iam::123456789012:role/sim-*"];

/// Puts whoever calls over the wire under the shipped policy. What people do by hand is not.
pub fn grant(sim: &Sim) {
    let mut policy: Value = serde_json::from_str(SHIPPED).expect("a policy is JSON");
    for statement in policy["Statement"].as_array_mut().into_iter().flatten() {
        if statement["Action"] == json!(["iam:PassRole"])
            && let Some(roles) = statement["Resource"].as_array_mut()
        {
            roles.extend(ROLES.map(Value::from));
        }
    }
    let document = Document::read(&policy).expect("AWS takes the policy");
    let attached = Attached { policies: vec![document], boundary: None };
    sim.with(|world| world.iam.attach(Caller::Anybody, attached));
}
