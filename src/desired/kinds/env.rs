//! Variables of a container from tables: one row per variable, so that a table can be held against
//! the vendor's.

use crate::desired::secret_ref::SecretRef as SecretText;
use crate::model::finding::Findings;
use crate::model::kinds::references::SecretRef;
use crate::model::kinds::task_definition::{ContainerDefinition, KeyValuePair, OnRotation, Secret};

/// One variable: its name and what it is set to, if anything.
pub type Variable = (&'static str, Value);

/// What a variable is set to.
#[derive(Clone, Debug)]
pub enum Value {
    /// A plain text; `None` leaves the variable out, an empty text sets it to nothing.
    Plain(Option<String>),
    /// A secret.
    Secret {
        /// Field of the document that names it.
        field: &'static str,
        /// The reference; `None` leaves the variable out.
        reference: Option<SecretRef>,
        /// What a new version does.
        on_rotation: OnRotation,
    },
}

/// Always this text.
pub fn fixed(value: &str) -> Value {
    Value::Plain(Some(value.to_owned()))
}

/// This text, when there is one.
pub fn text(value: &Option<String>) -> Value {
    Value::Plain(value.clone())
}

/// This number or flag, when there is one, as Rust writes it: `true`, `false`, `20`.
pub fn shown<T: ToString>(value: Option<T>) -> Value {
    Value::Plain(value.map(|value| value.to_string()))
}

/// `true` when the flag is set to true; otherwise the variable is left out, since some services
/// take any text for true.
pub fn when(flag: Option<bool>) -> Value {
    Value::Plain(flag.filter(|flag| *flag).map(|_| "true".to_owned()))
}

/// `True` or `False`, as Python writes it, when there is a flag.
pub fn python(flag: Option<bool>) -> Value {
    Value::Plain(flag.map(|flag| if flag { "True" } else { "False" }.to_owned()))
}

/// A secret whose rotation rolls the tasks.
pub fn secret(field: &'static str, reference: &Option<SecretRef>) -> Value {
    Value::Secret { field, reference: reference.clone(), on_rotation: OnRotation::Restart }
}

/// A secret that is written once, so that a new version changes nothing.
pub fn write_once(field: &'static str, reference: &Option<SecretRef>) -> Value {
    Value::Secret { field, reference: reference.clone(), on_rotation: OnRotation::Ignore }
}

/// Puts the rows that have a value on the container.
pub fn apply(rows: Vec<Variable>, container: &mut ContainerDefinition, findings: &mut Findings) {
    for (name, value) in rows {
        match value {
            Value::Plain(Some(value)) => plain(container, name, value),
            Value::Secret { field, reference: Some(reference), on_rotation } => {
                findings.secret(field, &reference);
                // The fields of these kinds are for secrets: a plain name is one.
                let value_from = SecretText::as_secret(reference.as_str());
                container.secrets.push(Secret { name: name.to_owned(), value_from, on_rotation });
            }
            Value::Plain(None) | Value::Secret { reference: None, .. } => {}
        }
    }
}

/// Sets one plain variable.
pub fn plain(container: &mut ContainerDefinition, name: impl Into<String>, value: impl Into<String>) {
    container.environment.push(KeyValuePair { name: name.into(), value: value.into() });
}
