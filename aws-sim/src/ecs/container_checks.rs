//! What RegisterTaskDefinition refuses of one container. Sources as in `definition_checks`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    errors::{Result, client},
    forms::is_name,
    input::Fields,
    port_checks,
};

/// Checks one container of a request.
///
/// # Errors
/// `ClientException` with AWS's text for the first mistake.
pub(super) fn check(body: &Map<String, Value>, container: &Value) -> Result<()> {
    for (member, text) in [("name", container.text("name")), ("image", container.text("image"))] {
        if text.is_none_or(str::is_empty) {
            return Err(client(format!("Container.{member} should not be null or empty.")));
        }
    }
    let name = container.text("name").unwrap_or_default();
    if !is_name(name) {
        // By analogy with the image, whose text was seen.
        return Err(client("Container.name contains invalid characters."));
    }
    check_image(container.text("image").unwrap_or_default())?;
    check_memory(body, container, name)?;
    // doc: an unsigned share of CPU units. The text is a guess.
    if container.int("cpu").is_some_and(|cpu| cpu < 0) {
        return Err(client(format!("Invalid 'cpu' setting for container '{name}'.")));
    }
    check_environment(body, container)?;
    port_checks::check(body, container, name)?;
    check_health(container, name)?;
    check_logs(container)?;
    check_limits(container, name)?;
    if body.text("networkMode") == Some("awsvpc") {
        check_awsvpc(container)?;
    }
    Ok(())
}

/// doc: "letters …, numbers, hyphens, underscores, colons, periods, forward slashes, and number
/// signs", at most 255 before a digest. The text was seen on the live service for a `$` and for a
/// trailing space.
fn check_image(image: &str) -> Result<()> {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let good = |c: char| c.is_ascii_alphanumeric() || "-_:./#".contains(c);
    let hash = |digest: &str| {
        digest
            .strip_prefix("sha256:")
            .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let sound = !name.is_empty() && name.len() <= 255 && name.chars().all(good) && digest.is_none_or(hash);
    // A tag that is empty names no image; that it is refused here is a guess.
    if sound && !name.ends_with(':') {
        return Ok(());
    }
    Err(client("Container.image contains invalid characters."))
}

fn check_memory(body: &Map<String, Value>, container: &Value, name: &str) -> Result<()> {
    let (hard, soft) = (container.int("memory"), container.int("memoryReservation"));
    // pf-ecs-container-memory-required
    if hard.or(soft).is_none() && body.text("memory").is_none() {
        return Err(client(format!(
            "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
        )));
    }
    // doc: "The Docker 20.10.0 or later daemon reserves a minimum of 6 MiB of memory for a
    // container. So, don't specify less than 6 MiB". That less is refused is a guess.
    if hard.is_some_and(|own| own < 6) || soft.is_some_and(|own| own < 6) {
        return Err(client(format!("Invalid setting for container '{name}'. 'memory' must be at least 6.")));
    }
    // pf-ecs-container-memory-reservation
    if let (Some(hard), Some(soft)) = (hard, soft)
        && hard < soft
    {
        return Err(client(format!(
            "Invalid setting for container '{name}'. 'memory' must be greater than or equal to 'memoryReservation'."
        )));
    }
    Ok(())
}

fn check_environment(body: &Map<String, Value>, container: &Value) -> Result<()> {
    let secrets = container.items("secrets");
    // Seen on the live service, among others in the tests of go-to-k/cdkd.
    if !secrets.is_empty() && body.text("executionRoleArn").is_none() {
        return Err(client(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ));
    }
    let plain = container.items("environment").iter().filter_map(|each| each.text("name"));
    let mut names: BTreeSet<&str> = plain.collect();
    for secret in secrets {
        let name = secret.text("name").unwrap_or_default();
        // Seen on the live service: compose-x/ecs_composex#707.
        if !names.insert(name) {
            return Err(client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such \
                 as '{name}'."
            )));
        }
        // pf-ecs-environment-files-type has this text for another ARN. A name that is no ARN is one
        // of a parameter (doc of Secret).
        let value = secret.text("valueFrom").unwrap_or_default();
        let arn = value.starts_with("arn:");
        if value.is_empty() || arn && !value.contains(":ssm:") && !value.contains(":secretsmanager:") {
            return Err(client("Invalid arn syntax."));
        }
    }
    let files = container.items("environmentFiles");
    // pf-ecs-environment-files-max
    if files.len() > 10 {
        return Err(client(
            "The maximum number of environment files was exceeded. Specify ten or less and try again.",
        ));
    }
    // pf-ecs-environment-files-type
    if files.iter().any(|file| !file.text("value").unwrap_or_default().starts_with("arn:")) {
        return Err(client("Invalid arn syntax."));
    }
    Ok(())
}

fn check_health(container: &Value, name: &str) -> Result<()> {
    let Some(check) = container.get("healthCheck") else { return Ok(()) };
    let command = check.items("command");
    let first = command.first().and_then(Value::as_str);
    // doc: "The string array must start with CMD … or CMD-SHELL"; `NONE` switches the image's own
    // check off. The text is a guess.
    if !matches!((first, command.len()), (Some("CMD" | "CMD-SHELL"), 2..) | (Some("NONE"), 1)) {
        return Err(client(format!(
            "Health check command must start with CMD or CMD-SHELL for container '{name}'"
        )));
    }
    for (field, least, most) in
        [("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)]
    {
        // pf-ecs-healthcheck-interval-range and its three sisters; the other end by analogy.
        let rule = match check.int(field) {
            Some(value) if value > most => format!("less than or equal to the maximum allowed value {most}"),
            Some(value) if value < least => {
                format!("greater than or equal to the minimum allowed value {least}")
            }
            _ => continue,
        };
        return Err(client(format!("Health check {field} must be {rule} for container '{name}'")));
    }
    Ok(())
}

fn check_logs(container: &Value) -> Result<()> {
    let logs = &container["logConfiguration"];
    if logs.text("logDriver") != Some("awslogs") {
        return Ok(());
    }
    let missing: Vec<&str> = ["awslogs-region", "awslogs-group"]
        .into_iter()
        .filter(|option| logs["options"].text(option).is_none_or(str::is_empty))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    // pf-ecs-awslogs-missing-group
    Err(client(format!("Log driver awslogs requires options: {}", missing.join(", "))))
}

fn check_limits(container: &Value, name: &str) -> Result<()> {
    for (field, word) in [("startTimeout", "start"), ("stopTimeout", "stop")] {
        // doc: 2 seconds at least. The text as radkawar/stackd has it.
        if container.int(field).is_some_and(|seconds| seconds < 2) {
            return Err(client(format!(
                "Granular {word} timeout on container '{name}' must be at least 2 seconds."
            )));
        }
    }
    let restart = &container["restartPolicy"];
    // pf-ecs-restart-policy-attempt-period-range
    if restart.int("restartAttemptPeriod").is_some_and(|seconds| !(60..=1800).contains(&seconds)) {
        return Err(client(format!(
            "The 'restartAttemptPeriod' setting for container '{name}' must be between 60 and 1800."
        )));
    }
    // doc: "You can specify a maximum of 50 container exit codes." By analogy.
    if restart.items("ignoredExitCodes").len() > 50 {
        return Err(client(format!(
            "The 'ignoredExitCodes' setting for container '{name}' can have at most 50 items."
        )));
    }
    // doc: "Accepted values are whole numbers between 0 and 100." By analogy.
    if container["linuxParameters"].int("swappiness").is_some_and(|own| !(0..=100).contains(&own)) {
        return Err(client(format!(
            "The 'swappiness' setting for container '{name}' must be between 0 and 100."
        )));
    }
    // Docker refuses such a limit when the container starts; that ECS looks before is a guess.
    let upside_down = |limit: &Value| limit.int("softLimit") > limit.int("hardLimit");
    if container.items("ulimits").iter().any(upside_down) {
        return Err(client("The soft limit of a ulimit must not be greater than its hard limit."));
    }
    Ok(())
}

/// What network mode awsvpc does not let a container have: `pf-ecs-fargate-links`,
/// `pf-ecs-awsvpc-hostname`, `pf-ecs-awsvpc-extra-hosts`, `pf-ecs-fargate-dns-servers`,
/// `pf-ecs-fargate-disable-networking`; `dnsSearchDomains` by analogy.
fn check_awsvpc(container: &Value) -> Result<()> {
    let on_container =
        |what: &str, verb: &str| format!("{what} {verb} not supported on container when networkMode=awsvpc.");
    let refused = [
        (!container.items("links").is_empty(), "Links are not supported when networkMode=awsvpc.".to_owned()),
        (container.text("hostname").is_some(), on_container("hostname", "is")),
        (!container.items("extraHosts").is_empty(), on_container("Extra hosts", "are")),
        (!container.items("dnsServers").is_empty(), on_container("DNS servers", "are")),
        (!container.items("dnsSearchDomains").is_empty(), on_container("DNS search domains", "are")),
        (container.flag("disableNetworking"), on_container("Disable Networking", "is")),
    ];
    match refused.into_iter().find(|(is_set, _)| *is_set) {
        Some((_, text)) => Err(client(text)),
        None => Ok(()),
    }
}
