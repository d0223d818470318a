//! Schemas of what `ctl -o json` prints and `/v1` answers: a contract for scripts.
//!
//! Made from the types themselves, as they are written. A member that is new breaks no reader, so
//! none is forbidden; one that is gone, or means something else, is another `apiVersion`.

use crate::model::resource::Tree;
use crate::model::view::{
    API_VERSION, DeploymentList, DeploymentView, EventList, FindingList, PlanList, PlanView, Refusal,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::json;

/// Every output, by its `kind`.
///
/// **Guarantees**: draft 07; `apiVersion` and `kind` are constants.
pub fn output_schemas() -> [(&'static str, Tree); 7] {
    [
        ("DeploymentList", of::<DeploymentList>("DeploymentList")),
        ("Deployment", of::<DeploymentView>("Deployment")),
        ("EventList", of::<EventList>("EventList")),
        ("PlanList", of::<PlanList>("PlanList")),
        ("Plan", of::<PlanView>("Plan")),
        ("FindingList", of::<FindingList>("FindingList")),
        ("Error", of::<Refusal>("Error")),
    ]
}

fn of<T: JsonSchema>(kind: &str) -> Tree {
    let generator = SchemaSettings::draft07().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    schema["title"] = json!(kind);
    for (member, value) in [("apiVersion", API_VERSION), ("kind", kind)] {
        schema["properties"][member] = json!({"const": value});
    }
    schema
}
