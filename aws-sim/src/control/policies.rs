//! `/_sim/iam`: the policies of callers.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    error::ApiError,
    iam::{Attached, Caller, Document, Iam},
    sim::Sim,
};

/// Policies for a caller.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Given {
    role: Option<String>,
    access_key: Option<String>,
    policies: Vec<Value>,
    boundary: Option<Value>,
}

impl Given {
    fn caller(&self) -> Result<Caller, (u16, String)> {
        match (self.role.clone(), self.access_key.clone()) {
            (None, None) => Ok(Caller::Anybody),
            (Some(role), None) => Ok(Caller::Role(role)),
            (None, Some(key)) => Ok(Caller::Key(key)),
            (Some(_), Some(_)) => Err((400, "role and accessKey exclude each other".to_owned())),
        }
    }

    fn attached(&self) -> Result<Attached, ApiError> {
        let policies = self.policies.iter().map(Document::read).collect::<Result<_, _>>()?;
        let boundary = self.boundary.as_ref().map(Document::read).transpose()?;
        Ok(Attached { policies, boundary })
    }
}

/// Attaches all of them, or none when one cannot be read.
pub(super) fn attach(sim: &Sim, given: Vec<Given>) -> super::Answer {
    let read = |each: &Given| {
        let attached = each.attached().map_err(|error| (400, error.to_string()))?;
        Ok((each.caller()?, attached))
    };
    let read: Vec<(Caller, Attached)> = given.iter().map(read).collect::<Result<_, (u16, String)>>()?;
    let count = read.len();
    sim.with(|world| read.into_iter().for_each(|(caller, attached)| world.iam.attach(caller, attached)));
    Ok(json!({ "added": count }))
}

/// Who has policies.
pub(super) fn show(iam: &Iam) -> Value {
    iam.callers()
        .map(|caller| match caller {
            Caller::Anybody => json!({}),
            Caller::Key(key) => json!({"accessKey": key}),
            Caller::Role(role) => json!({"role": role}),
        })
        .collect()
}
