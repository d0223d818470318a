//! What a service is set to: the members of CreateService and UpdateService, by AWS's model, and
//! who shows them.

use serde_json::{Map, Value, json};

use super::shapes;

/// Members of CreateService that are no settings: they name things, are counted or are used once.
const NO_SETTINGS: [&str; 7] =
    ["clientToken", "cluster", "desiredCount", "role", "serviceName", "tags", "taskDefinition"];

/// Members whose change starts a deployment (API reference of UpdateService: "This parameter
/// triggers a new service deployment").
pub(super) const DEPLOYING: [&str; 7] = [
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// Members that a service does not show itself, only its deployments and revisions.
const IN_DEPLOYMENTS: [&str; 3] =
    ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

/// Members that only service revisions show.
const IN_REVISIONS: [&str; 2] = ["gatewayConnectors", "monitoring"];

/// The settings of a request that are shown by deployments or revisions only.
pub(super) fn hidden(input: &Value) -> Map<String, Value> {
    given(input, |name| !is_echoed(name))
}

/// Makes of such settings what AWS makes of them, as seen on live services: Service Connect that is
/// off is not shown (terraform-provider-aws#43871), a port without a discovery name has its own
/// (cdk-real-drift#406), a volume without a file system has xfs and else what was declared
/// (cdk-real-drift#412). An empty list is none.
pub(super) fn settle(hidden: &mut Map<String, Value>) {
    let off = |name: &str, value: &Value| {
        value.as_array().is_some_and(Vec::is_empty)
            || name == "serviceConnectConfiguration" && value["enabled"] != json!(true)
    };
    hidden.retain(|name, value| !off(name, value));
    let connect = hidden.get_mut("serviceConnectConfiguration");
    let ports = connect.and_then(|own| own.get_mut("services")).and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten() {
        if port.get("discoveryName").is_none() {
            port["discoveryName"] = port["portName"].clone();
        }
    }
    let volumes = hidden.get_mut("volumeConfigurations").and_then(Value::as_array_mut);
    for volume in volumes.into_iter().flatten().filter_map(|own| own.get_mut("managedEBSVolume")) {
        if volume.get("filesystemType").is_none() {
            volume["filesystemType"] = "xfs".into();
        }
    }
}

/// The part of [`hidden`] that deployments show.
pub(super) fn shown_in_deployments(hidden: &Map<String, Value>) -> Map<String, Value> {
    let mut shown = hidden.clone();
    shown.retain(|name, _| !IN_REVISIONS.contains(&name.as_str()));
    shown
}

/// Whether the service itself shows a setting.
pub(super) fn is_echoed(name: &str) -> bool {
    !IN_DEPLOYMENTS.contains(&name) && !IN_REVISIONS.contains(&name)
}

/// The settings of a request whose names fit.
pub(super) fn given(input: &Value, fits: impl Fn(&str) -> bool) -> Map<String, Value> {
    let names = shapes::members("CreateService").filter(|name| !NO_SETTINGS.contains(name) && fits(name));
    names.filter_map(|name| Some((name.to_owned(), input.get(name)?.clone()))).collect()
}

/// The settings of a request to UpdateService that take the place of the service's own as a whole:
/// all that UpdateService takes, but the deployment configuration, whose members are set one by
/// one.
pub(super) fn replaced(input: &Value) -> Map<String, Value> {
    given(input, |name| {
        is_echoed(name)
            && name != "deploymentConfiguration"
            && shapes::members("UpdateService").any(|each| each == name)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_replaces_what_aws_s_model_lets_it_set() {
        let all = shapes::members("CreateService").chain(shapes::members("UpdateService"));
        let input: Value = all.map(|name| (name.to_owned(), json!(name))).collect::<Map<_, _>>().into();
        let replaced: Vec<String> = replaced(&input).into_iter().map(|(name, _)| name).collect();
        assert!(replaced.contains(&"availabilityZoneRebalancing".to_owned()));
        for own in ["launchType", "schedulingStrategy", "serviceName", "monitoring", "volumeConfigurations"] {
            assert!(!replaced.contains(&own.to_owned()), "{own}");
        }
        let mut hidden: Vec<String> = hidden(&input).into_iter().map(|(name, _)| name).collect();
        hidden.retain(|name| !IN_DEPLOYMENTS.contains(&name.as_str()));
        assert_eq!(hidden, IN_REVISIONS);
    }
}
