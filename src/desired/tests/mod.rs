//! Tests of the layer as a whole, all on one good document that is changed in one place.

mod checks;
mod conflicts;
mod equal;
mod lower;
mod resolve;

use super::{lower, render};
use crate::model::desired::DesiredState;
use crate::model::finding::Finding;
use crate::model::ids::Generation;
use crate::model::kinds::Document;
use serde_json::{Value, json};

const VPC: &str = "vpc-0123456789abcdef0";

/// A shop with a migration task, a web service behind a rule, and a worker of which there is one.
fn shop() -> Value {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/desired/shop.json"));
    serde_json::from_str(text).unwrap()
}

/// Sets (or, with null, removes) what a JSON pointer names; `-` appends to a list, missing objects
/// on the way are made.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/");
    if document.pointer(parent).is_none() {
        set(document, parent, json!({}));
    }
    match document.pointer_mut(parent).unwrap() {
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => items[last.parse::<usize>().unwrap()] = value,
        Value::Object(fields) if value.is_null() => {
            fields.remove(&last);
        }
        Value::Object(fields) => {
            fields.insert(last, value);
        }
        other => panic!("{pointer} goes through {other}"),
    }
}

fn changed(changes: &[(&str, Value)]) -> Value {
    let mut document = shop();
    for (pointer, value) in changes {
        set(&mut document, pointer, value.clone());
    }
    document
}

fn document(value: &Value) -> Document {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value:#}"))
}

fn findings(value: &Value) -> Vec<Finding> {
    lower(&document(value), Generation(1)).1
}

fn state(value: &Value) -> DesiredState {
    let (state, findings) = lower(&document(value), Generation(1));
    state.unwrap_or_else(|| panic!("{findings:#?}"))
}

#[test]
fn a_good_document_has_no_findings() {
    assert_eq!(findings(&shop()), []);
}

#[test]
fn rendering_an_application_changes_nothing() {
    let doc = document(&shop());
    assert_eq!(render(&doc), (doc, Vec::new()));
}
