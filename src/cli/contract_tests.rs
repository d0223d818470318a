//! The contract for scripts: every structured output has a shape and is valid by its schema.

use super::tests::{alive, now, record, status, troubled};
use super::*;
use crate::model::finding::Finding;
use crate::model::request::{Request, RequestKind};
use crate::model::schema::output_schemas;
use crate::model::status::{Event, EventKind, EventReason, LostRecord};
use crate::model::view::{API_VERSION, DeploymentView, EventList, FindingList, Shape};
use crate::state::Recorded;
use serde_json::Value;

/// Holds that an output is what the schema of its kind says.
fn is_valid(output: &str) -> Value {
    let value: Value = serde_json::from_str(output).unwrap();
    assert_eq!(value["apiVersion"], API_VERSION, "{output}");
    let kind = value["kind"].as_str().unwrap_or_else(|| panic!("no kind: {output}"));
    let (_, schema) = output_schemas().into_iter().find(|(name, _)| *name == kind).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{kind}: {wrong:#?}\n{output}");
    value
}

fn view() -> DeploymentView {
    let mut record = record(status("shop", "web is being rolled out"));
    record.events = vec![Event {
        at: now(),
        kind: EventKind::Warning,
        reason: EventReason::DriftSeen,
        object: "service/web".to_owned(),
        message: "desiredCount 5 → 3".to_owned(),
        count: 2,
    }];
    record.lost = Some(LostRecord { at: now(), because: "it was half written".to_owned() });
    let until = now() + jiff::SignedDuration::from_hours(1);
    let kinds = [RequestKind::Pause { until }, RequestKind::Retry { component: Some("web".into()) }];
    let request = |kind| Request {
        deployment: "shop".into(),
        kind,
        by: "ann".to_owned(),
        reason: "incident 42".to_owned(),
        at: now(),
    };
    DeploymentView::of(record, kinds.map(request).into(), Some(&alive(now())), now())
}

#[test]
fn the_list_of_all_deployments_is_one_object_that_tells_of_the_store_too() {
    let records = troubled().into_iter().map(record).collect();
    let mut list = Recorded { records, heartbeat: Some(alive(now())), ..Default::default() }.list(now());
    list.problems.push(Finding::error("", "the store cannot be read", ""));
    list.prune_held = Some("2 of 2 documents vanished at once".to_owned());
    let text = out::structured(&list, out::Structured::Json).unwrap();
    let value = is_valid(&text);
    assert_eq!(value["kind"], "DeploymentList");
    assert_eq!(value["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(value["problems"][0]["message"], "the store cannot be read");
    assert_eq!(value["pruneHeld"], "2 of 2 documents vanished at once");
}

#[test]
fn one_deployment_and_its_events_are_objects_of_their_schemas() {
    let view = view();
    let value = is_valid(&out::structured(&view, out::Structured::Json).unwrap());
    assert_eq!((&value["kind"], &value["name"]), (&"Deployment".into(), &"shop".into()));
    let value = is_valid(&out::structured(&EventList::from(view), out::Structured::Json).unwrap());
    assert_eq!(value["items"][0]["reason"], "DriftSeen");
}

#[test]
fn findings_are_a_list_with_their_places() {
    let text = "apiVersion: evenkeel.dev/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec: {placement: {regoin: x}}\n";
    let content = crate::specs::read("shop.yaml", text.as_bytes());
    let given =
        source::Given { files: vec![("specs/shop.yaml".to_owned(), content.into())], problems: Vec::new() };
    let report = validate::check(&given);
    let list = FindingList { shape: Shape::of("FindingList"), documents: 1, items: report.findings };
    let value = is_valid(&out::structured(&list, out::Structured::Json).unwrap());
    let place = &value["items"][0]["place"];
    assert_eq!((&place["file"], &place["line"]), (&"specs/shop.yaml".into(), &4.into()), "{value}");
}

#[test]
fn an_error_is_an_object_where_json_is_asked_for_and_a_line_elsewhere() {
    let parse = |line: &str| Cli::parse_from(line.split(' ')).is_json();
    for line in [
        "ctl status -o json",
        "ctl plan -o json",
        "ctl events shop -o json",
        "ctl describe shop -o json",
        "ctl validate x -o json",
        "ctl validate x -o sarif",
        "ctl render -f x -o json",
    ] {
        assert!(parse(line), "{line}");
    }
    for line in
        ["ctl status", "ctl plan -o yaml", "ctl events shop", "ctl schema Error", "ctl status -o wide"]
    {
        assert!(!parse(line), "{line}");
    }
    let error = anyhow::anyhow!("there is no deployment `shpo`").context("cannot tell");
    assert_eq!(told(&error, false), "error: cannot tell: there is no deployment `shpo`");
    let value = is_valid(&told(&error, true));
    assert_eq!(
        (&value["kind"], &value["error"]),
        (&"Error".into(), &"cannot tell: there is no deployment `shpo`".into())
    );
}

fn list() -> view::DeploymentList {
    let [blog, mut edit, gone] = troubled();
    edit.kind = "Datero".to_owned();
    let records = [blog, edit, gone].into_iter().map(record).collect();
    Recorded { records, heartbeat: Some(alive(now())), ..Default::default() }.list(now())
}

#[test]
fn deployments_are_chosen_by_names_and_kind_and_a_wrong_name_is_told() {
    let chosen = |names: &[&str], kind| {
        let mut list = list();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        list.only(&names, kind).map(|()| list.rows().keys().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(chosen(&[], None).unwrap().len(), 3);
    assert_eq!(chosen(&["gone", "blog"], None).unwrap(), ["blog", "gone"]);
    assert_eq!(chosen(&[], Some(kinds::Kind::Datero)).unwrap(), ["edit"]);
    assert_eq!(chosen(&["blog"], Some(kinds::Kind::Datero)).unwrap(), Vec::<String>::new());
    assert_eq!(chosen(&["blgo"], None).unwrap_err(), "there is no deployment `blgo`; did you mean `blog`?");
}

#[tokio::test]
async fn a_table_may_come_without_heads_and_as_names_alone() {
    let folders = tests::Folders::with(vec![status("blog", ""), status("shop", "")]).await;
    let whole = folders.shown(&["status"]).await;
    let bare = folders.shown(&["status", "--no-headers"]).await;
    assert!(
        whole.starts_with("NAME ") && bare.starts_with("blog ") && whole.ends_with(&bare),
        "{whole}{bare}"
    );
    assert_eq!(folders.shown(&["status", "-o", "name"]).await, "blog\nshop\n");
    assert_eq!(folders.shown(&["status", "shop", "-o", "name"]).await, "shop\n");
    assert_eq!(folders.shown(&["status", "--kind", "datero", "-o", "name"]).await, "");
    let two = folders.shown(&["status", "shop", "blog", "-o", "json"]).await;
    assert_eq!(is_valid(&two)["items"].as_array().map(Vec::len), Some(2));
}
