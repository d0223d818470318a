//! One field of a document changed, so that AWS has to become another.

use super::vary::pointers;
use super::{below, coin};
use arbitrary::Unstructured;
use serde_json::{Value, json};

/// Words of AWS that stand for each other's opposite, so that a change is not refused for its
/// spelling.
const WORDS: [&[&str]; 9] = [
    &["ENABLED", "DISABLED"],
    &["tcp", "udp"],
    &["enabled", "disabled"],
    &["START", "COMPLETE", "SUCCESS", "HEALTHY"],
    &["X86_64", "ARM64"],
    &["SERVICE", "TASK_DEFINITION", "NONE"],
    &["Restart", "Ignore"],
    &["HTTP_301", "HTTP_302"],
    &["http", "http2", "grpc"],
];

/// Changes one field or takes one item away; says what it did, or nothing when there is nothing to
/// change.
pub(super) fn change(document: &mut Value, choices: &mut Unstructured<'_>) -> Option<String> {
    let mut paths = Vec::new();
    pointers(&document["spec"], "/spec", &mut paths);
    paths.retain(|path| reaches_aws(document, path));
    if paths.is_empty() {
        return None;
    }
    let path = paths.swap_remove(below(choices, paths.len()));
    let (parent, key) = path.rsplit_once('/')?;
    if let Some(Value::Array(items)) = document.pointer_mut(parent)
        && coin(choices)
    {
        let gone = items.remove(key.parse().ok()?);
        // Of two that are the same the other one stays, and a launch type that is not named is
        // known all the same.
        let meant =
            items.contains(&gone) || (items.is_empty() && parent.ends_with("/requiresCompatibilities"));
        return (!meant).then(|| format!("{gone} gone from {parent}"));
    }
    let value = document.pointer_mut(&path)?;
    let before = value.clone();
    *value = match &before {
        Value::Bool(flag) => json!(!flag),
        Value::Number(number) if number.is_f64() => json!(number.as_f64()? + 1.0),
        Value::Number(number) => json!(number.as_i64()? + 1),
        Value::String(text) => json!(other_text(text, choices)),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(format!("{path} from {before} to {value}"))
}

fn other_text(text: &str, choices: &mut Unstructured<'_>) -> String {
    if let Some(words) = WORDS.iter().find(|words| words.contains(&text)) {
        let others: Vec<&&str> = words.iter().filter(|word| **word != text).collect();
        return (*others[below(choices, others.len())]).to_owned();
    }
    let number = text.parse::<u32>().ok().and_then(|number| number.checked_add(1));
    match (number, text.char_indices().last()) {
        (Some(number), _) => number.to_string(),
        // Ids are hexadecimal.
        (None, Some((last, letter))) if letter.is_ascii_hexdigit() => {
            format!("{}{}", &text[..last], if letter == '7' { '8' } else { '7' })
        }
        _ => format!("{text}x"),
    }
}

/// Whether a field reaches AWS: it is no setting of Evenkeel's own, and nothing that only the
/// next task or a lookup uses.
fn reaches_aws(document: &Value, path: &str) -> bool {
    let steps: Vec<&str> = path.split('/').skip(2).collect();
    // All traffic goes to an only target group, whatever its weight.
    let only =
        |list: &str| document.pointer(list).and_then(Value::as_array).is_some_and(|items| items.len() == 1);
    if path.strip_suffix("/0/weight").is_some_and(|list| list.ends_with("/targetGroups") && only(list)) {
        return false;
    }
    match steps.as_slice() {
        ["placement" | "drift" | "suspend" | "deletionPolicy" | "adopt", ..] => false,
        ["logGroups", _, "deletionPolicy"] | ["targetGroups", _, "name"] => false,
        ["components", _, "dependsOn" | "task", ..] => false,
        ["components", name, "service" | "singleton", rest @ ..] => match rest {
            ["serviceName" | "autoscaling" | "bakeSeconds" | "progressDeadlineSeconds", ..] => false,
            ["desiredCount"] => document["spec"]["components"][*name]["service"]["autoscaling"].is_null(),
            _ => true,
        },
        // A policy that is off is none.
        ["components", name, "taskDefinition", "containerDefinitions", index, "restartPolicy", field] => {
            let containers = &document["spec"]["components"][*name]["taskDefinition"]["containerDefinitions"];
            let index: usize = index.parse().unwrap_or(0);
            *field == "enabled" || containers[index]["restartPolicy"]["enabled"] == true
        }
        _ => true,
    }
}
