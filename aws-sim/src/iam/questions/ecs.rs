//! Amazon ECS: "Actions, resources, and condition keys for Amazon Elastic Container Service".
//!
//! Of the condition keys, the tags, `ecs:CreateAction`, `ecs:cluster` and `ecs:task-definition`
//! are simulated; the many that describe a service's or task's settings are not.

use serde_json::Value;

use super::{Asking, Tags, listed_tags, names};
use crate::{fields::Fields, iam::question::Question};

/// Whom roles of tasks are passed to.
const TASKS: &str = "ecs-tasks.amazonaws.com";
/// Whom the roles that ECS itself works with are passed to: ECS developer guide, "Amazon ECS
/// infrastructure IAM role".
const ECS: &str = "ecs.amazonaws.com";

/// The members of a task definition, and of the overrides of one, that name roles.
const ROLES: [&str; 2] = ["executionRoleArn", "taskRoleArn"];

pub(super) fn of(asking: &Asking<'_>, action: &str) -> Option<Vec<Question>> {
    let input = asking.input;
    match asking.operation {
        "CreateCluster" => {
            let arn =
                asking.arn("ecs", &format!("cluster/{}", input.text("clusterName").unwrap_or("default")));
            Some(creation(asking, action, Question::new(action, arn.as_str()), arn))
        }
        "DescribeClusters" => {
            let mut clusters = names(input, "clusters");
            if clusters.is_empty() {
                clusters.push("default".to_owned());
            }
            Some(each(asking, action, clusters, "cluster", None))
        }
        "CreateService" => Some(create_service(asking, action)),
        "UpdateService" | "DeleteService" => {
            let mut asked = each(asking, action, names_of(input, "service"), "service", Some("cluster"));
            let definition = input.text("taskDefinition").map(|reference| asking.definition(reference));
            if let Some(definition) = definition {
                asked = asked
                    .into_iter()
                    .map(|one| one.with("ecs:task-definition", definition.as_str()))
                    .collect();
            }
            asked.extend(passed(service_roles(input), ECS));
            Some(asked)
        }
        "DescribeServices" => {
            Some(each(asking, action, names(input, "services"), "service", Some("cluster")))
        }
        "ListServiceDeployments" => {
            Some(each(asking, action, names_of(input, "service"), "service", Some("cluster")))
        }
        "RegisterTaskDefinition" => Some(register(asking, action)),
        "RunTask" => Some(run_task(asking, action)),
        "StopTask" => Some(each(asking, action, names_of(input, "task"), "task", Some("cluster"))),
        "DescribeTasks" => Some(each(asking, action, names(input, "tasks"), "task", Some("cluster"))),
        // Live: construct-hub#1207: "on resource: *", scoped by `ecs:cluster`.
        "ListTasks" | "ListServices" => {
            Some(vec![Question::new(action, "*").with("ecs:cluster", asking.cluster())])
        }
        "DescribeServiceDeployments" => Some(plain(asking, action, names(input, "serviceDeploymentArns"))),
        "DescribeServiceRevisions" => Some(plain(asking, action, names(input, "serviceRevisionArns"))),
        "StopServiceDeployment" | "ContinueServiceDeployment" => {
            Some(plain(asking, action, names_of(input, "serviceDeploymentArn")))
        }
        "TagResource" => {
            let tags = listed_tags(input, "tags", "key", "value");
            let asked = plain(asking, action, names_of(input, "resourceArn"));
            Some(asked.into_iter().map(|one| one.giving(&tags)).collect())
        }
        "UntagResource" => {
            let asked = plain(asking, action, names_of(input, "resourceArn"));
            Some(asked.into_iter().map(|one| one.naming(names(input, "tagKeys"))).collect())
        }
        "ListTagsForResource" => Some(plain(asking, action, names_of(input, "resourceArn"))),
        // The rest of the operations, those on task definitions among them, know no resources:
        // aws/containers-roadmap#929 is open.
        _ => None,
    }
}

fn create_service(asking: &Asking<'_>, action: &str) -> Vec<Question> {
    let input = asking.input;
    let cluster = asking.cluster();
    let cluster_name = cluster.rsplit('/').next().unwrap_or_default();
    let name = input.text("serviceName").unwrap_or_default();
    let arn = asking.arn("ecs", &format!("service/{cluster_name}/{name}"));
    let mut own = Question::new(action, arn.as_str()).with("ecs:cluster", cluster.as_str());
    if let Some(reference) = input.text("taskDefinition") {
        own = own.with("ecs:task-definition", asking.definition(reference));
    }
    let mut asked = creation(asking, action, own, arn);
    asked.extend(passed(service_roles(input), ECS));
    asked
}

fn register(asking: &Asking<'_>, action: &str) -> Vec<Question> {
    let input = asking.input;
    let family = input.text("family").unwrap_or_default();
    let new = asking.arn("ecs", &format!("task-definition/{family}:*"));
    // Of the new revision, whose number nobody knows yet, live errors name the family only
    // (aws/aws-cdk#25768); the `:*` is for policies that name `task-definition/family:*` (a guess).
    let mut asked = creation(asking, action, Question::new(action, "*"), new);
    let roles = ROLES.iter().filter_map(|member| input.text(member)).map(str::to_owned);
    asked.extend(passed(roles.collect(), TASKS));
    asked
}

/// Running a task hands its definition's roles on again: live, LBHackney-IT/Data-Platform#1990 and
/// #1992, and aws/serverless-application-model#2247.
fn run_task(asking: &Asking<'_>, action: &str) -> Vec<Question> {
    let input = asking.input;
    let cluster = asking.cluster();
    let cluster_name = cluster.rsplit('/').next().unwrap_or_default();
    let definition = asking.definition(input.text("taskDefinition").unwrap_or_default());
    let tags = asking.tags(&definition);
    let own = Question::new(action, definition.as_str())
        .with("ecs:cluster", cluster.as_str())
        .of_resource("ecs", &tags);
    let new = asking.arn("ecs", &format!("task/{cluster_name}/*"));
    let mut asked = creation(asking, action, own, new);
    let role = |member: &&str| {
        let registered = || asking.region.ecs.role_of_definition(&definition, member);
        input["overrides"].text(member).or_else(registered).map(str::to_owned)
    };
    asked.extend(passed(ROLES.iter().filter_map(role).collect(), TASKS));
    asked.extend(passed(service_roles(input), ECS));
    asked
}

/// The creation itself and, when it gives tags, the right to tag: ECS developer guide, "Tagging
/// authorization" and "Grant permission to tag resources on creation".
fn creation(asking: &Asking<'_>, action: &str, own: Question, new: String) -> Vec<Question> {
    let tags = listed_tags(asking.input, "tags", "key", "value");
    let mut asked = vec![own.giving(&tags)];
    if !tags.is_empty() {
        let operation = action.trim_start_matches("ecs:");
        asked.push(Question::new("ecs:TagResource", new).with("ecs:CreateAction", operation).giving(&tags));
    }
    asked
}

/// A question about each resource of a kind, by its name or ARN; with those of a cluster, the
/// cluster as a key.
fn each(
    asking: &Asking<'_>,
    action: &str,
    references: Vec<String>,
    kind: &str,
    within: Option<&str>,
) -> Vec<Question> {
    let cluster = asking.cluster();
    let cluster_name = cluster.rsplit('/').next().unwrap_or_default().to_owned();
    let ask = |reference: String| {
        let name = reference.rsplit('/').next().unwrap_or_default();
        let arn = match within {
            _ if reference.starts_with("arn:") && kind == "cluster" => reference.clone(),
            Some(_) => asking.arn("ecs", &format!("{kind}/{cluster_name}/{name}")),
            None => asking.arn("ecs", &format!("{kind}/{name}")),
        };
        let tags = asking.tags(&arn);
        let question = Question::new(action, arn).of_resource("ecs", &tags);
        if within.is_some() { question.with("ecs:cluster", cluster.as_str()) } else { question }
    };
    references.into_iter().map(ask).collect()
}

/// A question about each ARN as it is given.
fn plain(asking: &Asking<'_>, action: &str, arns: Vec<String>) -> Vec<Question> {
    let ask = |arn: String| {
        let tags = asking.tags(&arn);
        Question::new(action, arn).of_resource("ecs", &tags)
    };
    arns.into_iter().map(ask).collect()
}

/// A question about each role that is handed on: IAM User Guide, "Grant a user permissions to pass
/// a role to an AWS service".
fn passed(roles: Vec<String>, to: &str) -> impl Iterator<Item = Question> {
    let mut roles = roles;
    roles.sort();
    roles.dedup();
    roles.into_iter().map(move |role| Question::new("iam:PassRole", role).with("iam:PassedToService", to))
}

/// The roles that ECS works with for a service, wherever in the request they are: for load
/// balancers (`role`, `advancedConfiguration`), lifecycle hooks, volumes, TLS and VPC Lattice.
fn service_roles(input: &Value) -> Vec<String> {
    let mut found: Vec<String> = input.text("role").map(str::to_owned).into_iter().collect();
    for part in [
        "loadBalancers",
        "deploymentConfiguration",
        "volumeConfigurations",
        "serviceConnectConfiguration",
        "vpcLatticeConfigurations",
    ] {
        role_arns(&input[part], &mut found);
    }
    found
}

fn role_arns(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|each| role_arns(each, found)),
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(role) if name == "roleArn" => found.push(role.to_owned()),
                    _ => role_arns(member, found),
                }
            }
        }
        _ => {}
    }
}

fn names_of(input: &Value, member: &str) -> Vec<String> {
    vec![input.text(member).unwrap_or_default().to_owned()]
}

impl Asking<'_> {
    /// The ARN of the cluster that the request names.
    fn cluster(&self) -> String {
        let reference = self.input.text("cluster").unwrap_or("default");
        let name = reference.rsplit('/').next().unwrap_or_default();
        self.arn("ecs", &format!("cluster/{name}"))
    }

    /// The ARN of a task definition that is named by ARN, family or family and revision.
    fn definition(&self, reference: &str) -> String {
        self.region.ecs.definition_arn(reference).unwrap_or_else(|| {
            let name = reference.rsplit('/').next().unwrap_or_default();
            self.arn("ecs", &format!("task-definition/{name}"))
        })
    }

    fn tags(&self, arn: &str) -> Tags {
        self.region.ecs.tags_at(arn).cloned().unwrap_or_default()
    }
}
