//! The policies of `manifests`, as the README tells to use them: account and roles adapted, nothing
//! else.

use aws_sim::Sim;
use aws_sim::iam::{Attached, Caller, Document};
use serde_json::{Value, json};
use std::path::Path;

/// What the shipped policy lets the controller do.
pub const SHIPPED: &str = "iam-policy.json";

/// The same but for adoption.
pub const NO_ADOPTION: &str = "iam-policy-no-adoption.json";

/// Roles that documents of these tests hand to tasks and to ECS.
const ROLES: [&str; 6] = ["execution", "hooks", "matrix*", "shop*", "task", "volumes"];

/// A document of `manifests`.
pub fn manifest(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A policy with the roles of the tests in place of those of the examples.
pub fn adapted(file: &str) -> Value {
    let mut policy = manifest(file);
    let roles: Vec<String> =
        ROLES.iter().map(|name| format!("arn:aws:iam::123456789012:role/{name}")).collect();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        if statement["Action"] == json!(["iam:PassRole"]) {
            statement["Resource"].as_array_mut().unwrap().extend(roles.iter().map(|role| json!(role)));
        }
    }
    policy
}

/// Puts whoever calls over the wire under a policy, in place of the one that is there: controllers
/// and `ctl`, by themselves or in a role that a document names. What is done by hand is not.
pub fn grant(sim: &Sim, policy: &Value) {
    let attached = Attached { policies: vec![Document::read(policy).unwrap()], boundary: None };
    sim.with(|world| world.iam.attach(Caller::Anybody, attached));
}
