//! Documents beside the seeds: whatever makes sense of it is good.

use super::below;
use arbitrary::Unstructured;
use serde_json::{Value, json};

/// Edits of one document at most: each is more likely to be refused than the last.
const MOST_EDITS: usize = 6;

/// Edits a document anywhere below its spec.
pub(super) fn vary(document: &mut Value, choices: &mut Unstructured<'_>) {
    for _ in 0..below(choices, MOST_EDITS + 1) {
        let mut paths = Vec::new();
        pointers(&document["spec"], "/spec", &mut paths);
        let path = &paths[below(choices, paths.len())];
        edit(document, path, choices);
    }
}

/// JSON pointers of everything below a value.
pub(super) fn pointers(value: &Value, path: &str, found: &mut Vec<String>) {
    let mut visit = |key: &str, below: &Value| {
        let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(path.clone());
        pointers(below, &path, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, below)| visit(key, below)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, below)| visit(&index.to_string(), below))
        }
        _ => {}
    }
}

fn edit(document: &mut Value, path: &str, choices: &mut Unstructured<'_>) {
    let (parent, key) = path.rsplit_once('/').expect("a pointer has a slash");
    let key = key.replace("~1", "/").replace("~0", "~");
    match below(choices, 4) {
        0 => match document.pointer_mut(parent) {
            Some(Value::Object(members)) => drop(members.remove(&key)),
            Some(Value::Array(items)) => drop(items.remove(key.parse().expect("lists have numbers"))),
            _ => {}
        },
        // One more of the same, to be told apart by a later edit or refused as a duplicate.
        1 => match document.pointer_mut(parent) {
            Some(Value::Array(items)) => {
                items.push(items[key.parse::<usize>().expect("lists have numbers")].clone())
            }
            Some(Value::Object(members)) => {
                let copy = members[&key].clone();
                members.insert(format!("{key}-2"), copy);
            }
            _ => {}
        },
        _ => {
            if let Some(value) = document.pointer_mut(path) {
                *value = other_value(value, choices);
            }
        }
    }
}

fn other_value(value: &Value, choices: &mut Unstructured<'_>) -> Value {
    match value {
        Value::Bool(flag) => json!(!flag),
        Value::Number(_) => {
            const NUMBERS: [i64; 12] = [0, 1, 2, 5, 10, 30, 80, 256, 300, 512, 1024, 65_535];
            json!(NUMBERS[below(choices, NUMBERS.len())])
        }
        Value::String(text) => {
            const WORDS: [&str; 22] = [
                "",
                "0",
                "1",
                "a",
                "/",
                "all",
                "web",
                "EC2",
                "FARGATE",
                "DAEMON",
                "REPLICA",
                "bridge",
                "host",
                "awsvpc",
                "tcp",
                "udp",
                "TCP",
                "HTTP",
                "GRPC",
                "ENABLED",
                "DISABLED",
                "BLUE_GREEN",
            ];
            match below(choices, WORDS.len() + 2) {
                index if index < WORDS.len() => json!(WORDS[index]),
                index if index == WORDS.len() => json!(format!("{text}2")),
                _ => {
                    let tail: String = choices.arbitrary().unwrap_or_default();
                    json!(format!("{text}{}", tail.chars().take(8).collect::<String>()))
                }
            }
        }
        Value::Null | Value::Array(_) | Value::Object(_) => Value::Null,
    }
}
