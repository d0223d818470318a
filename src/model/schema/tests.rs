use super::*;
use std::path::Path;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crds")
}

#[test]
fn the_files_under_crds_are_what_the_types_say() {
    let stale: Vec<String> = generated_files()
        .into_iter()
        .filter(|(path, content)| std::fs::read_to_string(folder().join(path)).ok().as_ref() != Some(content))
        .map(|(path, _)| path)
        .collect();
    assert!(stale.is_empty(), "stale: {stale:?}; run `cargo run --bin ctl -- schema --write crds`");
}

/// Source: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions",
/// structural schemas.
fn structural_faults(schema: &Tree, path: &str, faults: &mut Vec<String>) {
    let Some(fields) = schema.as_object() else { return faults.push(format!("{path}: not an object")) };
    let loose = ["x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"];
    let typed = fields.get("type").is_some_and(Tree::is_string);
    if !typed && !loose.iter().any(|key| fields.contains_key(*key)) {
        faults.push(format!("{path}: no type"));
    }
    for key in ["$ref", "definitions", "default", "patternProperties", "allOf", "oneOf", "not", "const"] {
        if fields.contains_key(key) {
            faults.push(format!("{path}: {key}"));
        }
    }
    if fields.contains_key("anyOf") && !fields.contains_key(loose[0]) {
        faults.push(format!("{path}: anyOf"));
    }
    if fields.get("additionalProperties").is_some_and(Tree::is_boolean) {
        faults.push(format!("{path}: additionalProperties is a boolean"));
    }
    if fields.contains_key("properties") && fields.contains_key("additionalProperties") {
        faults.push(format!("{path}: properties next to additionalProperties"));
    }
    for (name, property) in fields.get("properties").and_then(Tree::as_object).into_iter().flatten() {
        structural_faults(property, &format!("{path}.{name}"), faults);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get(key).filter(|inner| inner.is_object()) {
            structural_faults(inner, &format!("{path}.{key}"), faults);
        }
    }
}

#[test]
fn every_crd_is_structural() {
    for kind in Kind::ALL {
        let mut faults = Vec::new();
        structural_faults(
            &crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"],
            kind.as_str(),
            &mut faults,
        );
        assert_eq!(faults, Vec::<String>::new());
    }
}

#[test]
fn every_editor_schema_is_a_schema_and_refuses_unknown_fields() {
    for kind in Kind::ALL {
        let validator = jsonschema::draft7::new(&editor_schema(kind)).unwrap();
        let document =
            json!({"apiVersion": API_VERSION, "kind": kind.as_str(), "metadata": {"name": "x"}, "sepc": {}});
        assert!(!validator.is_valid(&document));
    }
}

fn application() -> Tree {
    json!({
        "apiVersion": API_VERSION,
        "kind": "Application",
        "metadata": {"name": "shop"},
        "spec": {
            "placement": {"region": "eu-west-1", "cluster": "shop"},
            "components": {"web": {
                "taskDefinition": {"cpu": 256, "memory": "512", "containerDefinitions": [{"name": "web", "image": "a:1"}]},
                "service": {"desiredCount": 2},
            }},
        },
    })
}

#[test]
fn a_good_application_fits_both_schemas() {
    let validator = jsonschema::draft7::new(&editor_schema(Kind::Application)).unwrap();
    assert!(validator.is_valid(&application()), "{:?}", validator.iter_errors(&application()).next());
    assert_eq!(cel_findings(Kind::Application, &application()), []);
}

#[test]
fn the_rules_of_the_crd_are_evaluated_offline() {
    let mut document = application();
    document["spec"]["components"]["web"]["task"] = json!({});
    document["spec"]["components"]["web"]["service"]["launchType"] = json!("EC2");
    document["spec"]["components"]["web"]["service"]["capacityProviderStrategy"] =
        json!([{"capacityProvider": "x"}]);
    document["metadata"]["name"] = json!("Not A Name");
    let messages: Vec<String> =
        cel_findings(Kind::Application, &document).into_iter().map(|finding| finding.message).collect();
    for expected in
        ["exactly one of service, task, singleton", "launchType and capacityProviderStrategy", "1 to 63"]
    {
        assert!(messages.iter().any(|message| message.contains(expected)), "{expected}: {messages:?}");
    }
}

#[test]
fn a_missing_container_name_is_seen_by_the_schema() {
    let mut document = application();
    document["spec"]["components"]["web"]["taskDefinition"]["containerDefinitions"] =
        json!([{"image": "a:1"}]);
    let validator = jsonschema::draft7::new(&editor_schema(Kind::Application)).unwrap();
    assert!(!validator.is_valid(&document));
}

#[test]
fn fields_are_explained_with_or_without_the_keys_of_maps() {
    let with = explain(Kind::Application, "spec.components.web.service.desiredCount").unwrap();
    let without = explain(Kind::Application, "spec.components.service.desiredCount").unwrap();
    assert_eq!(with, without);
    assert_eq!((with.kind.as_str(), with.required), ("integer", false));
    assert!(with.description.starts_with("How many tasks."));
    let policy = explain(Kind::Application, "spec.deletionPolicy").unwrap();
    assert_eq!(policy.kind, "Retain | Delete");
    let root = explain(Kind::Application, "").unwrap();
    assert_eq!(
        root.fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["apiVersion", "kind", "metadata", "spec"]
    );
    assert_eq!(explain(Kind::Application, "spec.nothing"), None);
}

#[test]
fn the_examples_fit_their_schemas_and_rules() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/examples");
    let mut seen = 0;
    for kind in Kind::ALL {
        let validator = jsonschema::draft7::new(&editor_schema(kind)).unwrap();
        for entry in std::fs::read_dir(&examples).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let document: Tree = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            if document["kind"] != kind.as_str() {
                continue;
            }
            seen += 1;
            let faults: Vec<String> = validator
                .iter_errors(&document)
                .map(|fault| format!("{}: {fault}", fault.instance_path()))
                .collect();
            assert_eq!(faults, Vec::<String>::new(), "{}", path.display());
            assert_eq!(cel_findings(kind, &document), [], "{}", path.display());
        }
    }
    assert!(seen >= 4, "{seen}");
}

/// Kubernetes' type keeps all bounds as floating-point numbers.
fn with_floats(tree: Tree) -> Tree {
    match tree {
        Tree::Number(number) => json!(number.as_f64()),
        Tree::Array(items) => items.into_iter().map(with_floats).collect(),
        Tree::Object(fields) => fields.into_iter().map(|(key, value)| (key, with_floats(value))).collect(),
        other => other,
    }
}

/// What the type of Kubernetes' own API does not know would be dropped by a server without a word.
#[test]
fn kubernetes_own_type_knows_every_field_of_a_crd() {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    for kind in Kind::ALL {
        let typed: CustomResourceDefinition = serde_json::from_value(crd(kind)).unwrap();
        assert_eq!(with_floats(serde_json::to_value(typed).unwrap()), with_floats(crd(kind)));
    }
}

#[test]
fn every_rule_finds_its_place_in_the_application() {
    let text = crd(Kind::Application).to_string();
    for (path, rule, _) in crd::RULES {
        let rule = Tree::from(rule).to_string();
        assert!(text.contains(&rule), "{path}: {rule}");
    }
}
