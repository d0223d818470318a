//! Trees to the SDK's ECS shapes and back, by the SDK's own schemas.
//!
//! The desired tree of a task definition or service is AWS's JSON already, so no field is mapped by
//! hand: the same schema codec that the SDK uses on the wire reads it into the request type. That
//! codec skips fields that it does not know. A skipped field would be a declaration that silently
//! does nothing, so every tree is written back after reading and compared: what got lost is an
//! error that names it.

use super::error::Error;
use crate::model::resource::Tree;
use aws_sdk_ecs::operation::create_service::CreateServiceInput;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::operation::run_task::RunTaskInput;
use aws_sdk_ecs::operation::update_service::UpdateServiceInput;
use aws_smithy_json::codec::{JsonCodec, JsonCodecSettings};
use aws_smithy_schema::codec::Codec;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeDeserializer, ShapeSerializer};

/// Reads a tree into RegisterTaskDefinition's request.
///
/// # Errors
///
/// A wrong type, or fields that ECS does not know, each named.
pub fn register_task_definition_input(tree: &Tree) -> Result<RegisterTaskDefinitionInput, Error> {
    from_tree("ecs:RegisterTaskDefinition", tree, RegisterTaskDefinitionInput::deserialize)
}

/// Reads a tree into CreateService's request.
///
/// # Errors
///
/// A wrong type, or fields that ECS does not know, each named.
pub fn create_service_input(tree: &Tree) -> Result<CreateServiceInput, Error> {
    from_tree("ecs:CreateService", tree, CreateServiceInput::deserialize)
}

/// Reads a tree into UpdateService's request.
///
/// # Errors
///
/// A wrong type, or fields that ECS does not know or cannot update, each named.
pub fn update_service_input(tree: &Tree) -> Result<UpdateServiceInput, Error> {
    from_tree("ecs:UpdateService", tree, UpdateServiceInput::deserialize)
}

/// Reads a tree into RunTask's request.
///
/// # Errors
///
/// A wrong type, or fields that ECS does not know, each named.
pub fn run_task_input(tree: &Tree) -> Result<RunTaskInput, Error> {
    from_tree("ecs:RunTask", tree, RunTaskInput::deserialize)
}

/// Any ECS shape as a tree under AWS's field names. Times are seconds since 1970 as numbers; what
/// is unset is absent.
///
/// # Errors
///
/// When the shape cannot be written, which AWS's own answers never cause.
pub fn to_tree(shape: &impl SerializableStruct) -> Result<Tree, Error> {
    let bytes = write(shape).map_err(|error| Error::bad_tree("ecs", error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::bad_tree("ecs", error.to_string()))
}

/// How the SDK reads a shape: the `deserialize` that every shape has.
type Read<T> = fn(&mut dyn ShapeDeserializer) -> Result<T, SerdeError>;

fn from_tree<T: SerializableStruct>(operation: &'static str, tree: &Tree, read: Read<T>) -> Result<T, Error> {
    let bytes = tree.to_string().into_bytes();
    let shape = read(&mut codec().create_deserializer(&bytes))
        .map_err(|error| Error::bad_tree(operation, error.to_string()))?;
    let kept = to_tree(&shape)?;
    let mut lost = Vec::new();
    compare("", tree, &kept, &mut lost);
    if lost.is_empty() {
        return Ok(shape);
    }
    Err(Error::bad_tree(operation, format!("ECS does not know {}", lost.join(", "))))
}

fn codec() -> JsonCodec {
    JsonCodec::new(JsonCodecSettings::builder().use_json_name(false).build())
}

fn write(shape: &impl SerializableStruct) -> Result<Vec<u8>, SerdeError> {
    let mut serializer = codec().create_serializer();
    serializer.write_struct(shape.schema(), shape)?;
    Ok(serializer.finish())
}

/// Collects the paths of everything in `sent` that `kept` does not say as well. Null is as good as
/// absent.
fn compare(path: &str, sent: &Tree, kept: &Tree, lost: &mut Vec<String>) {
    match (sent, kept) {
        (Tree::Null, _) => {}
        (Tree::Object(sent), Tree::Object(kept)) => {
            for (key, value) in sent {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, value, kept.get(key).unwrap_or(&Tree::Null), lost);
            }
        }
        (Tree::Array(sent), Tree::Array(kept)) if sent.len() == kept.len() => {
            for (index, (sent, kept)) in sent.iter().zip(kept).enumerate() {
                compare(&format!("{path}[{index}]"), sent, kept, lost);
            }
        }
        (Tree::Number(sent), Tree::Number(kept)) if sent.as_f64() == kept.as_f64() => {}
        (sent, kept) if sent == kept => {}
        (_, Tree::Null) => lost.push(format!("`{path}`")),
        (sent, kept) => lost.push(format!("`{path}` = {sent} (it reads {kept})")),
    }
}

#[cfg(test)]
#[path = "codec_samples.rs"]
pub(crate) mod samples;
#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
