//! What the tasks of a service run on. Where a document says nothing of it, a service that is there
//! stays on what it is on; what was declared and is declared no longer is taken back.
//!
//! Source: ECS API, UpdateService, capacityProviderStrategy (an empty list goes back to the launch
//! type). That any change of it needs a forced deployment is told by live AWS alone:
//! pipe-cd/pipecd#6385.

use super::Draft;
use crate::model::observed::ObservedService;
use crate::model::resource::{ResourceId, Tree};
use serde_json::{Map, Value, json};

/// The member of UpdateService that starts a deployment of a revision that the service has already.
pub(super) const FORCED: &str = "forceNewDeployment";

const STRATEGY: &str = "capacityProviderStrategy";

/// The declared fields of a service that is there, with what leaving the capacity out means for it.
pub(super) fn settled(
    draft: &Draft<'_>,
    id: &ResourceId,
    declared: &Tree,
    service: &ObservedService,
) -> Tree {
    let mut fields = declared.clone();
    let Some(members) = fields.as_object_mut().filter(|_| !has_strategy(declared)) else { return fields };
    let was_ours = draft
        .input
        .rollout
        .resources
        .get(id)
        .is_some_and(|it| it.written.iter().any(|path| path == STRATEGY));
    if has_strategy(&service.fields) && (was_ours || declared["launchType"].is_string()) {
        members.insert(STRATEGY.to_owned(), json!([]));
        // Which launch type it comes back to is seen afterwards.
        members.remove("launchType");
    }
    // Elsewhere than on Fargate ECS refuses a platform version.
    if !is_on_fargate(&service.fields) {
        members.remove("platformVersion");
    }
    fields
}

/// Adds what a change of the strategy needs.
pub(super) fn force(update: &mut Map<String, Value>) {
    if update.contains_key(STRATEGY) {
        update.insert(FORCED.to_owned(), json!(true));
    }
}

/// What a person can do when the launch type of a service is not the declared one.
pub(super) fn remedy(path: &str) -> Option<&'static str> {
    (path == "launchType").then_some(
        "declare a `capacityProviderStrategy`, which a service can change to, or another `serviceName`: then the old service serves until \
         the new one does; so long nothing else of it is changed",
    )
}

fn has_strategy(fields: &Tree) -> bool {
    fields[STRATEGY].as_array().is_some_and(|providers| !providers.is_empty())
}

fn is_on_fargate(fields: &Tree) -> bool {
    let mut providers = fields[STRATEGY].as_array().into_iter().flatten();
    fields["launchType"] == "FARGATE"
        || providers
            .any(|item| item["capacityProvider"].as_str().is_some_and(|name| name.starts_with("FARGATE")))
}
