//! What a document does not say of what is there and that stays as it is: thresholds of the circuit
//! breaker, though AWS takes the breaker as a whole, attributes of target groups, and a grace
//! period without load balancers, which AWS refuses there. What was said before goes back to AWS's
//! default.

use super::Draft;
use crate::model::observed::ObservedService;
use crate::model::resource::{ResourceId, Tree};
use crate::plan::resources::ResourceType;
use serde_json::{Value, json};

/// Adds what is left as it is to the declared fields.
pub(super) fn kept(draft: &Draft<'_>, id: &ResourceId, declared: Tree, service: &ObservedService) -> Tree {
    let mut fields = declared;
    let grace = &service.fields["healthCheckGracePeriodSeconds"];
    if let Some(members) = fields.as_object_mut().filter(|_| !grace.is_null()) {
        members.entry("healthCheckGracePeriodSeconds").or_insert_with(|| grace.clone());
    }
    let written = draft.input.rollout.resources.get(id).map(|known| &known.written);
    let breaker =
        fields.get_mut("deploymentConfiguration").and_then(|of| of.get_mut("deploymentCircuitBreaker"));
    let Some(breaker) = breaker.and_then(Value::as_object_mut) else { return fields };
    for member in ["resetOnHealthyTask", "thresholdConfiguration"] {
        let path = format!("deploymentConfiguration.deploymentCircuitBreaker.{member}");
        let was_ours = written.is_some_and(|written| written.contains(&path));
        let observed = &service.fields["deploymentConfiguration"]["deploymentCircuitBreaker"][member];
        if !was_ours && !observed.is_null() {
            breaker.entry(member).or_insert_with(|| observed.clone());
        }
    }
    fields
}

/// The declared fields of a resource with AWS's default for what we wrote and the document says
/// nothing of any more.
pub(super) fn restored(
    draft: &Draft<'_>,
    id: &ResourceId,
    kind: &dyn ResourceType,
    declared: &Tree,
) -> Option<Tree> {
    let known = draft.input.rollout.resources.get(id)?;
    let mut fields = None;
    for path in known.put_on() {
        let Some((member, key)) =
            path.split_once('.').filter(|(member, key)| declared[member][key].is_null())
        else {
            continue;
        };
        if let Some(default) = kind.default_of(declared, path) {
            fields.get_or_insert_with(|| declared.clone())[member][key] = json!(default);
        }
    }
    fields
}
