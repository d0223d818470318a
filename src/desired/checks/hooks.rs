//! Checks of what stops, delays or ends a deployment of a service: circuit breaker, lifecycle hooks
//! and early success. Sources: ECS API, DeploymentCircuitBreaker, DeploymentLifecycleHook and
//! DeploymentEarlySuccessCriteria.

use crate::model::arn::Arn;
use crate::model::finding::Findings;
use crate::model::kinds::service::{DeploymentConfiguration, LifecycleHook};

/// Minutes that ECS waits for a hook at most: two weeks.
const TIMEOUT: i64 = 20_160;
/// Stages that a hook can belong to.
const STAGES: [&str; 8] = [
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];

/// Checks the deployment configuration at `path`; `minimum` is the share of tasks that stays
/// healthy in a deployment.
pub(super) fn check(findings: &mut Findings, path: &str, of: &DeploymentConfiguration, minimum: i32) {
    breaker(findings, &format!("{path}.deploymentCircuitBreaker"), of);
    early_success(findings, &format!("{path}.earlySuccessCriteria"), of, minimum);
    for (index, hook) in of.lifecycle_hooks.iter().enumerate() {
        self::hook(findings, &format!("{path}.lifecycleHooks[{index}]"), hook);
    }
}

fn breaker(findings: &mut Findings, path: &str, of: &DeploymentConfiguration) {
    let Some(breaker) = &of.deployment_circuit_breaker else { return };
    if breaker.rollback && !breaker.enable {
        findings.warning(path, "rollback does nothing while the breaker is off", "set enable to true");
    }
    if let Some(threshold) = &breaker.threshold_configuration {
        let path = format!("{path}.thresholdConfiguration");
        let kinds = ["COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"];
        findings.one_of(format!("{path}.type"), Some(&threshold.kind), &kinds);
        findings.within(format!("{path}.value"), Some(i64::from(threshold.value)), 1, i64::from(i32::MAX));
    }
}

fn early_success(findings: &mut Findings, path: &str, of: &DeploymentConfiguration, minimum: i32) {
    let Some(early) = &of.early_success_criteria else { return };
    let cleanup = early.source_service_revision_cleanup.as_deref();
    findings.one_of(format!("{path}.sourceServiceRevisionCleanup"), cleanup, &["BLOCKING", "DEFERRED"]);
    let percent = early.healthy_percent.map(i64::from);
    let least = if early.enable { i64::from(minimum) } else { 0 };
    if let Some(percent) = percent.filter(|percent| !(least..=100).contains(percent)) {
        let help = format!("from minimumHealthyPercent, {least}, to 100");
        findings.error(format!("{path}.healthyPercent"), format!("{percent} is out of range"), help);
    }
    // Source: ECS API, DeploymentEarlySuccessCriteria.
    if let Some(strategy) = of.strategy.as_deref().filter(|word| early.enable && *word != "ROLLING") {
        let message = format!("a {strategy} deployment has no early success");
        findings.error(path, message, "remove it, or use the strategy ROLLING");
    }
    if early.enable && (percent.is_none() || cleanup.is_none()) {
        let help = "set healthyPercent and sourceServiceRevisionCleanup";
        findings.error(path, "enabled, it needs both others", help);
    }
}

fn hook(findings: &mut Findings, path: &str, hook: &LifecycleHook) {
    let (target, paused) = (hook.target_type.as_deref(), hook.target_type.as_deref() == Some("PAUSE"));
    findings.one_of(format!("{path}.targetType"), target, &["AWS_LAMBDA", "PAUSE"]);
    let stages = format!("{path}.lifecycleStages");
    if hook.lifecycle_stages.is_empty() {
        findings.error(&stages, "a hook belongs to at least one stage", "name the stages");
    }
    let named = hook.lifecycle_stages.iter().map(|stage| (stages.clone(), stage));
    findings.duplicates("the stage", named);
    for stage in &hook.lifecycle_stages {
        findings.one_of(stages.clone(), Some(stage), &STAGES);
        if paused && matches!(stage.as_str(), "TEST_TRAFFIC_SHIFT" | "PRODUCTION_TRAFFIC_SHIFT") {
            let message = format!("a deployment cannot pause at {stage}");
            let before =
                if stage == "TEST_TRAFFIC_SHIFT" { "POST_SCALE_UP" } else { "PRE_PRODUCTION_TRAFFIC_SHIFT" };
            findings.error(&stages, message, format!("use {before} or POST_{stage}"));
        }
    }
    for (field, is_set, is_needed) in [
        ("hookTargetArn", hook.hook_target_arn.is_some(), true),
        ("roleArn", hook.role_arn.is_some(), true),
        ("hookDetails", hook.hook_details.is_some(), false),
    ] {
        if !is_set && is_needed && !paused {
            findings.error(format!("{path}.{field}"), "a Lambda hook needs it", "set it, or use PAUSE");
        }
        if is_set && paused {
            findings.error(
                format!("{path}.{field}"),
                "a PAUSE hook calls no function",
                "remove it, or use AWS_LAMBDA",
            );
        }
    }
    if let Some(arn) = &hook.hook_target_arn
        && Arn::parse(arn).is_none_or(|arn| arn.service != "lambda")
    {
        let message = format!("`{arn}` is not the ARN of a Lambda function");
        findings.error(format!("{path}.hookTargetArn"), message, "");
    }
    super::role(findings, format!("{path}.roleArn"), hook.role_arn.as_deref());
    if let Some(timeout) = &hook.timeout_configuration {
        let path = format!("{path}.timeoutConfiguration");
        let minutes = timeout.timeout_in_minutes.map(i64::from);
        findings.within(format!("{path}.timeoutInMinutes"), minutes, 1, TIMEOUT);
        findings.one_of(format!("{path}.action"), timeout.action.as_deref(), &["ROLLBACK", "CONTINUE"]);
    }
}
