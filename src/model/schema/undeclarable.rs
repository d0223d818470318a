//! Fields of AWS's API that documents cannot declare yet: refused with a sentence that says so, and
//! listed by `ctl explain`.

/// A field of AWS's API that cannot be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undeclarable {
    /// The fields below which it would stand.
    pub under: &'static [&'static str],
    /// Its name in AWS's API.
    pub name: &'static str,
    /// What to do without it.
    pub instead: &'static str,
}

const SERVICE: &[&str] = &["service", "singleton"];
const DEFINITION: &[&str] = &["taskDefinition"];
const VOLUMES: &[&str] = &["volumes"];
const GROUPS: &[&str] = &["targetGroups"];
const LISTENERS: &[&str] = &["listeners"];
const RULES: &[&str] = &["rules"];
const ACTIONS: &[&str] = &["actions", "defaultActions"];
const CONDITIONS: &[&str] = &["conditions"];
const LOGS: &[&str] = &["logGroups"];

const LEFT_ALONE: &str = "set it in AWS: Evenkeel leaves it as it is";
const NOT_HERE: &str = "leave it out; nothing here stands in its place yet";

const fn of(under: &'static [&'static str], name: &'static str, instead: &'static str) -> Undeclarable {
    Undeclarable { under, name, instead }
}

/// Every one that is known. Source: the ECS, Elastic Load Balancing v2 and CloudWatch Logs APIs.
pub const UNDECLARABLE: &[Undeclarable] = &[
    of(SERVICE, "vpcLatticeConfigurations", LEFT_ALONE),
    of(SERVICE, "gatewayConnectors", LEFT_ALONE),
    of(SERVICE, "monitoring", LEFT_ALONE),
    of(
        SERVICE,
        "deploymentController",
        "leave it out: Evenkeel works with the controller `ECS`, which is the default",
    ),
    of(SERVICE, "role", "leave it out: ECS uses its service-linked role"),
    of(SERVICE, "resourceManagementType", NOT_HERE),
    of(DEFINITION, "trustedExecutionConfiguration", NOT_HERE),
    of(DEFINITION, "inferenceAccelerators", "leave it out: AWS takes no new ones"),
    of(VOLUMES, "s3filesVolumeConfiguration", "use efsVolumeConfiguration"),
    of(VOLUMES, "fsxWindowsFileServerVolumeConfiguration", NOT_HERE),
    of(GROUPS, "ipAddressType", "leave it out: it is ipv4"),
    of(GROUPS, "targetControlPort", LEFT_ALONE),
    of(LISTENERS, "mutualAuthentication", LEFT_ALONE),
    of(RULES, "transforms", LEFT_ALONE),
    of(CONDITIONS, "regexValues", "use values with `*` and `?`"),
    of(ACTIONS, "jwtValidationConfig", NOT_HERE),
    of(ACTIONS, "authenticateOidcConfig", NOT_HERE),
    of(ACTIONS, "authenticateCognitoConfig", NOT_HERE),
    of(ACTIONS, "forwardConfig", "use targetGroup, or targetGroups with weights"),
    of(ACTIONS, "order", "leave it out: there is one action"),
    of(LOGS, "logGroupClass", "make the group yourself, and take it over with `adopt`"),
    of(LOGS, "deletionProtectionEnabled", LEFT_ALONE),
];

/// Action types that cannot be declared.
pub const UNDECLARABLE_ACTIONS: [&str; 3] = ["jwt-validation", "authenticate-oidc", "authenticate-cognito"];

/// The fields of AWS that cannot be declared at this place; keys of maps and numbers of items may
/// stand in the path or not.
pub fn undeclarable(path: &str) -> Vec<&'static Undeclarable> {
    let segments: Vec<&str> = path.split(['.', '[', ']', '"']).filter(|part| !part.is_empty()).collect();
    // What stands above is the last segment, or the one before a key or number.
    let above = |under: &&'static str| segments.iter().rev().take(2).any(|segment| segment == under);
    UNDECLARABLE.iter().filter(|field| field.under.iter().any(above)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kinds::Kind;
    use crate::model::schema::explain;

    #[test]
    fn what_cannot_be_declared_has_a_place_and_is_no_field_there() {
        let places = [
            ("spec.components.service", SERVICE),
            ("spec.components.singleton", SERVICE),
            ("spec.components.taskDefinition", DEFINITION),
            ("spec.components.taskDefinition.volumes", VOLUMES),
            ("spec.targetGroups", GROUPS),
            ("spec.listeners", LISTENERS),
            ("spec.rules", RULES),
            ("spec.rules.conditions", CONDITIONS),
            ("spec.rules.actions", ACTIONS),
            ("spec.listeners.defaultActions", ACTIONS),
            ("spec.logGroups", LOGS),
        ];
        for (path, under) in places {
            let explained = explain(Kind::Application, path).unwrap_or_else(|| panic!("{path}"));
            for field in UNDECLARABLE.iter().filter(|field| field.under == under) {
                assert!(explained.fields.iter().all(|(name, _)| name != field.name), "{path}.{}", field.name);
            }
        }
        for field in UNDECLARABLE {
            assert!(places.iter().any(|(_, under)| *under == field.under), "{}", field.name);
        }
    }

    #[test]
    fn a_place_is_known_with_and_without_keys() {
        for path in
            ["spec.components.web.service", "spec.components[\"web\"].service", "spec.components.service"]
        {
            assert!(undeclarable(path).iter().any(|field| field.name == "monitoring"), "{path}");
        }
        assert!(undeclarable("spec.targetGroups.web").iter().any(|field| field.name == "ipAddressType"));
        assert_eq!(undeclarable("spec.placement"), Vec::<&Undeclarable>::new());
    }
}
