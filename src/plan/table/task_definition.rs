//! Rows of task definitions. Revisions are immutable: a difference means a new revision, and the
//! rows say what to call it. Source: ECS API, RegisterTaskDefinition, and what
//! DescribeTaskDefinition fills in.

use super::{Compare, Effect, Row, UpdateCall};
use crate::model::resource::ResourceKind;

const fn row(path: &'static str, doc: &'static str) -> Row {
    Row {
        absent: super::Absent::Nothing,
        ..Row::new(ResourceKind::TaskDefinition, UpdateCall::RegisterTaskDefinition, path, doc)
    }
    .effect(Effect::Replaces)
}

const NO_DEFAULTS: &[(&str, &str)] = &[];
const READ_WRITE: &[(&str, &str)] = &[("readOnly", "false")];
const PORT_DEFAULTS: &[(&str, &str)] = &[("protocol", "\"tcp\""), ("hostPort", "0")];

pub(super) const TASK_DEFINITION: &[Row] = &[
    row("family", "finds the revisions").identity(),
    row("cpu", "CPU units of the task").compare(Compare::Text),
    row("memory", "memory of the task in MiB").compare(Compare::Text),
    row("networkMode", "awsvpc, bridge, host or none; left out it is bridge on Linux and NAT on Windows")
        .means("\"bridge\""),
    row("executionRoleArn", "role that pulls images and reads secrets"),
    row("taskRoleArn", "role of the application"),
    Row {
        absent: super::Absent::Unmanaged,
        ..row("requiresCompatibilities", "FARGATE, EC2, EXTERNAL").compare(Compare::Set(NO_DEFAULTS))
    },
    // Fargate's defaults are normalised away; on EC2 an absent platform restricts nothing, which no
    // value does.
    row("runtimePlatform.cpuArchitecture", "X86_64 or ARM64"),
    row("runtimePlatform.operatingSystemFamily", "LINUX or a Windows family"),
    row("ephemeralStorage.sizeInGiB", "Fargate scratch space").compare(Compare::Text),
    row("ipcMode", "host, task or none"),
    row("pidMode", "host or task"),
    row("containerDefinitions[].name", "finds the container").identity(),
    row("containerDefinitions[].image", "image with tag or digest"),
    row("containerDefinitions[].cpu", "CPU units").compare(Compare::Text).means("0"),
    row("containerDefinitions[].memory", "hard memory limit").compare(Compare::Text),
    row("containerDefinitions[].memoryReservation", "soft memory limit").compare(Compare::Text),
    row("containerDefinitions[].essential", "whether the task stops with it").means("true"),
    row("containerDefinitions[].portMappings", "ports").compare(Compare::Set(PORT_DEFAULTS)).means("[]"),
    row("containerDefinitions[].environment", "plain variables").compare(Compare::Named("name")).means("[]"),
    row("containerDefinitions[].environmentFiles", "files of variables; the first one wins").means("[]"),
    row("containerDefinitions[].secrets", "variables from secrets, by ARN")
        .compare(Compare::Named("name"))
        .means("[]"),
    row("containerDefinitions[].command", "command").means("[]"),
    row("containerDefinitions[].entryPoint", "entry point").means("[]"),
    row("containerDefinitions[].workingDirectory", "working directory"),
    row("containerDefinitions[].user", "user"),
    row("containerDefinitions[].healthCheck", "container health check"),
    row("containerDefinitions[].stopTimeout", "seconds until it is killed").compare(Compare::Text),
    row("containerDefinitions[].startTimeout", "seconds until its dependents give up").compare(Compare::Text),
    row("containerDefinitions[].dependsOn", "order of containers")
        .compare(Compare::Set(NO_DEFAULTS))
        .means("[]"),
    row("containerDefinitions[].ulimits", "resource limits").compare(Compare::Set(NO_DEFAULTS)).means("[]"),
    row("containerDefinitions[].mountPoints", "mounted volumes")
        .compare(Compare::Set(READ_WRITE))
        .means("[]"),
    row("containerDefinitions[].volumesFrom", "volumes of other containers")
        .compare(Compare::Set(READ_WRITE))
        .means("[]"),
    row("containerDefinitions[].readonlyRootFilesystem", "read-only root").means("false"),
    row("containerDefinitions[].logConfiguration", "where output goes"),
    row("containerDefinitions[].firelensConfiguration", "log router"),
    row("containerDefinitions[].dockerLabels", "labels").compare(Compare::Map).means("{}"),
    row("containerDefinitions[].dockerSecurityOptions", "SELinux, AppArmor").means("[]"),
    row("containerDefinitions[].linuxParameters", "capabilities, devices, shared memory"),
    row("containerDefinitions[].systemControls", "kernel parameters")
        .compare(Compare::Set(NO_DEFAULTS))
        .means("[]"),
    row("containerDefinitions[].resourceRequirements", "GPUs").compare(Compare::Set(NO_DEFAULTS)).means("[]"),
    row("containerDefinitions[].repositoryCredentials", "credentials of a private registry"),
    row("containerDefinitions[].restartPolicy", "restarts in the task"),
    row("containerDefinitions[].privileged", "full access to the host").means("false"),
    row("containerDefinitions[].interactive", "keeps standard input open").means("false"),
    row("containerDefinitions[].pseudoTerminal", "gives it a terminal").means("false"),
    row("containerDefinitions[].links", "links (bridge mode)").means("[]"),
    row("containerDefinitions[].hostname", "host name"),
    row("containerDefinitions[].dnsServers", "DNS servers").means("[]"),
    row("containerDefinitions[].dnsSearchDomains", "DNS search domains").means("[]"),
    row("containerDefinitions[].extraHosts", "entries of /etc/hosts").means("[]"),
    row("containerDefinitions[].disableNetworking", "turns networking off").means("false"),
    row("containerDefinitions[].credentialSpecs", "credential spec files").means("[]"),
    row("containerDefinitions[].versionConsistency", "pins tags to digests").means("\"enabled\""),
    row("volumes", "volumes of the task").compare(Compare::Named("name")).means("[]"),
    row("placementConstraints", "where tasks may be placed").compare(Compare::Set(NO_DEFAULTS)).means("[]"),
    row("proxyConfiguration", "App Mesh proxy"),
    row("enableFaultInjection", "whether AWS FIS may act on the tasks").means("false"),
    row("tags", "declared tags, Evenkeel's own and the content hash")
        .compare(Compare::DeclaredKeys)
        .update_call(UpdateCall::Tag),
];
