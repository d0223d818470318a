//! Requests and answers in the three protocols that CloudWatch speaks, checked and written by AWS's
//! own service model.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::errors::{invalid, missing, not_simulated};
use crate::{
    cbor,
    error::ApiError,
    form::Form,
    shapes::{Model, ShapeError},
    wire::{Body, Protocol, Request},
    xml::{self, XmlBody},
};

/// CloudWatch's model: `cloudwatch/2010-08-01` of botocore.
pub(super) fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| Model::read(include_str!("model.json")))
}

/// An operation that is not simulated, or that AWS has not either.
pub(super) fn unknown_operation(operation: &str) -> ApiError {
    if model().leaves_out(operation) {
        return not_simulated(&format!("The operation {operation}"));
    }
    let text = format!("Could not find operation {operation} for version 2010-08-01");
    ApiError::new(400, "InvalidAction", text)
}

/// The input of a request as awsJson has it, whichever protocol it came in: checked for types,
/// required members, enumerations and limits, without unknown members and nulls, and with times in
/// seconds since 1970.
///
/// # Errors
/// An unknown operation, what cannot be read, and what breaks the model: `SerializationException`
/// for types (awsQuery: `MalformedInput`), `MissingParameter` where the operation has it, else
/// `ValidationError`.
pub fn read(request: &Request) -> Result<Value, ApiError> {
    let operation = &request.operation;
    let Some(shape) = model().input(operation) else { return Err(unknown_operation(operation)) };
    let mut input = match request.protocol {
        Protocol::Json => request.json()?,
        Protocol::Cbor if request.body.is_empty() => Value::Object(Map::new()),
        Protocol::Cbor => cbor::decode(&request.body)?,
        Protocol::Query => model().value_of(shape, &Form::parse(&request.body)),
    };
    model().check(shape, &mut input).map_err(|error| refuse(request, error))?;
    Ok(input)
}

fn refuse(request: &Request, error: ShapeError) -> ApiError {
    match error {
        ShapeError::Type(text) if request.protocol == Protocol::Query => {
            ApiError::new(400, "MalformedInput", text)
        }
        ShapeError::Type(text) => ApiError::new(400, "SerializationException", text),
        ShapeError::Missing(path) if needs_parameters(&request.operation) => missing(&path),
        other => invalid(other.camel().text()),
    }
}

/// Whether the model lists `MissingParameter` among the operation's errors.
fn needs_parameters(operation: &str) -> bool {
    matches!(operation, "PutMetricData" | "GetMetricStatistics")
}

/// Whether CloudWatch has this unit.
///
/// # Errors
/// `ValidationError` if not.
pub(super) fn check_unit(unit: &str) -> Result<(), ApiError> {
    model().check("StandardUnit", &mut unit.into()).map_err(|error| invalid(error.text()))
}

/// Writes an answer in the protocol of its request.
#[must_use]
pub fn write(request: &Request, mut answer: Value) -> Body {
    let shape = model().output(&request.operation);
    if let Value::Object(members) = &mut answer {
        members.retain(|_, value| !value.is_null());
    }
    match (request.protocol, shape) {
        (Protocol::Json, _) => Body::Json(answer.to_string()),
        (Protocol::Cbor, None) => Body::Cbor(Vec::new()),
        (Protocol::Cbor, Some(shape)) => Body::Cbor(cbor::encode(model(), shape, &answer)),
        (Protocol::Query, None) => Body::Xml(XmlBody::without_result(xml::CLOUDWATCH)),
        (Protocol::Query, Some(shape)) => {
            model().times_as_text(shape, &mut answer);
            Body::Xml(XmlBody::new(xml::CLOUDWATCH, answer))
        }
    }
}
