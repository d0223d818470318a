//! What AWS's own service model says about requests, and how load balancing refuses what breaks it.

use std::sync::OnceLock;

use super::errors::invalid;
use crate::{
    error::ApiError,
    form::Form,
    shapes::{Model, ShapeError},
};

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::read(include_str!("model.json")))
}

/// Checks the form of an action for required members, enumerations, limits and patterns. Numbers
/// and flags that cannot be read are left to those who read them.
///
/// # Errors
/// `ValidationError` in the words of AWS's common validation; those at
/// `defaultActions.1.member.redirectConfig.statusCode` were seen on the live service
/// (badmintoncryer/cdk-preflight, pf-elbv2-action-redirect-status-code).
pub(super) fn admit(action: &str, form: &Form) -> Result<(), ApiError> {
    let Some(shape) = model().input(action) else { return Ok(()) };
    match model().check(shape, &mut model().value_of(shape, form)) {
        Err(ShapeError::Type(_)) | Ok(()) => Ok(()),
        Err(other) => Err(invalid(other.camel().text())),
    }
}
