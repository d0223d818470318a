//! One line of `tests/cases/desired/checks.txt` per check.

use super::*;

const TABLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/desired/checks.txt"));
const C: &str = "/spec/components/web/taskDefinition/containerDefinitions/0";

/// Puts a relative part behind its base.
fn joined(base: &str, part: &str) -> String {
    match part {
        "(self)" => base.to_owned(),
        absolute if absolute.starts_with("spec") || absolute.starts_with("metadata") => absolute.to_owned(),
        relative => format!("{base}{relative}"),
    }
}

/// A change in the document, as (pointer, value).
fn change(text: &str) -> Result<(&str, Value), String> {
    let (pointer, value) = text.split_once(" = ").ok_or("no =")?;
    Ok((pointer, serde_json::from_str(value).map_err(|error| error.to_string())?))
}

/// Whether the document, changed so for the whole section and by the line, has the finding; else
/// what it has instead.
fn hold(line: &str, pointers: &str, fields: &str, section: &[(&str, Value)]) -> Result<(), String> {
    let (left, right) = line.split_once(" => ").ok_or("no =>")?;
    let (pointer, value) = change(left)?;
    // A field may end in a quoted key that contains a colon.
    let quoted = right.find("\"]").unwrap_or(0);
    let end = quoted + right[quoted..].find(": ").ok_or("no message")?;
    let (field, message) = (joined(fields, &right[..end]), &right[end + 2..]);
    let pointer = joined(pointers, pointer);
    let mut changes = section.to_vec();
    changes.push((&pointer, value));
    let found = findings(&changed(&changes));
    let hit = found.iter().any(|finding| finding.field == field && finding.message.contains(message));
    if hit { Ok(()) } else { Err(format!("wanted {field}: {message}; found {found:#?}")) }
}

#[test]
fn every_line_of_the_table_holds() {
    let (mut pointers, mut fields) = ("", "");
    let mut section = Vec::new();
    let mut wrong = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '~'])) {
        if let Some(bases) = line.strip_prefix('@') {
            (pointers, fields) = bases.trim().split_once(' ').unwrap_or_default();
            section.clear();
        } else if let Some(text) = line.strip_prefix("+ ") {
            section.push(change(text).unwrap());
        } else if let Err(why) = hold(line, pointers, fields, &section) {
            wrong.push(format!("{line}\n  {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn launch_type_and_strategy_exclude_each_other() {
    let both = changed(&[
        ("/spec/components/web/service/launchType", json!("FARGATE")),
        (
            "/spec/components/web/service/capacityProviderStrategy",
            json!([{"capacityProvider": "FARGATE", "weight": 1}]),
        ),
    ]);
    assert!(findings(&both).iter().any(|finding| finding.message.contains("excludes launchType")));
}

#[test]
fn all_faults_are_found_in_one_run() {
    let many = changed(&[
        ("/metadata/name", json!("X")),
        ("/spec/placement/region", json!("x")),
        ("/spec/components/web/taskDefinition/cpu", json!(1)),
        ("/spec/components/web/service/launchType", json!("x")),
        ("/spec/rules/web/priority", json!(0)),
    ]);
    let (state, found) = lower(&document(&many), Generation(1));
    assert_eq!(state, None);
    assert!(found.iter().filter(|finding| finding.is_error()).count() >= 5, "{found:#?}");
}

#[test]
fn a_warning_does_not_stop_a_document() {
    let (state, found) =
        lower(&document(&changed(&[(&format!("{C}/image"), json!("shop/web"))])), Generation(1));
    assert!(state.is_some());
    assert_eq!(found.iter().map(Finding::is_error).collect::<Vec<_>>(), [false]);
}

#[test]
fn an_image_with_a_digest_needs_no_tag() {
    let image = format!("shop/web@sha256:{}", "0".repeat(64));
    assert_eq!(findings(&changed(&[(&format!("{C}/image"), json!(image))])), []);
}

#[test]
fn traffic_to_a_group_that_no_service_is_in_is_warned_of_and_not_refused() {
    let action =
        |groups: Value| ("/spec/rules/web/actions/0", json!({"type": "forward", "targetGroups": groups}));
    let alone = ("/spec/components/web/service/loadBalancers", json!([]));
    let cases = [
        (vec![alone.clone()], Some("spec.rules.web.actions[0].targetGroup")),
        (
            vec![alone.clone(), action(json!([{"targetGroup": "web"}]))],
            Some("spec.rules.web.actions[0].targetGroups[0].targetGroup"),
        ),
        (vec![action(json!([{"targetGroup": "web"}]))], None),
    ];
    for (changes, field) in cases {
        let (state, found) = lower(&document(&changed(&changes)), Generation(1));
        assert!(state.is_some(), "{found:#?}");
        let mut of_it =
            found.iter().filter(|finding| finding.message.contains("no service of this document"));
        assert_eq!(of_it.next().map(|finding| finding.field.as_str()), field, "{found:#?}");
    }
}
