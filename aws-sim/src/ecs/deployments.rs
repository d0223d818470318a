//! Reading service deployments and service revisions.

use serde_json::{Value, json};

use super::{
    Ecs,
    errors::{Result, invalid, no_service},
    input::{Fields, page, page_answer, texts},
    service::{Rollout, Service},
};
use crate::ctx::epoch;

impl Ecs {
    pub(super) fn list_service_deployments(&self, input: &Value) -> Result<Value> {
        let cluster = self.active_cluster(input)?;
        let key = self.service_key(&cluster, input.text("service").unwrap_or_default())?;
        let service = self.services.get(&key).ok_or_else(no_service)?;
        let wanted = texts(input, "status");
        let span = input.get("createdAt").cloned().unwrap_or_default();
        let fits = |rollout: &&Rollout| {
            let created = epoch(rollout.created_at).as_f64().unwrap_or(0.0);
            let bound = |name: &str| span.get(name).and_then(Value::as_f64);
            (wanted.is_empty() || wanted.contains(&rollout.status))
                && bound("after").is_none_or(|after| created >= after)
                && bound("before").is_none_or(|before| created <= before)
        };
        let all = service.history.iter().rev().filter(fits).map(|rollout| brief(service, rollout)).collect();
        let (items, next) = page(input, all, 20)?;
        Ok(page_answer("serviceDeployments", items, next))
    }

    pub(super) fn describe_service_deployments(&self, input: &Value) -> Result<Value> {
        let wanted = texts(input, "serviceDeploymentArns");
        if wanted.len() > 20 {
            return Err(invalid("serviceDeploymentArns can have at most 20 items."));
        }
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for arn in wanted {
            let own = self.owner_of(arn).and_then(|service| {
                let rollout = service.history.iter().find(|rollout| rollout.arn == arn)?;
                Some(service.render_rollout(rollout, &self.tasks_of(service)))
            });
            match own {
                Some(body) => found.push(body),
                None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
            }
        }
        Ok(json!({"serviceDeployments": found, "failures": failures}))
    }

    pub(super) fn describe_service_revisions(&self, input: &Value) -> Result<Value> {
        let wanted = texts(input, "serviceRevisionArns");
        if wanted.len() > 20 {
            return Err(invalid("serviceRevisionArns can have at most 20 items."));
        }
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for arn in wanted {
            let mut all = self.owner_of(arn).into_iter().flat_map(|service| &service.revisions);
            match all.find(|revision| revision.arn == arn) {
                Some(revision) => found.push(revision.body.clone()),
                None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
            }
        }
        Ok(json!({"serviceRevisions": found, "failures": failures}))
    }

    /// The service that a service deployment's or revision's ARN speaks of:
    /// `…:service-deployment/cluster/name/id`.
    pub(super) fn owner_of(&self, arn: &str) -> Option<&Service> {
        let (_, rest) = arn.split_once('/')?;
        let (key, _) = rest.rsplit_once('/')?;
        self.services.get(key)
    }
}

fn brief(service: &Service, rollout: &Rollout) -> Value {
    let mut body = json!({
        "serviceDeploymentArn": rollout.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster_arn,
        "startedAt": epoch(rollout.created_at),
        "createdAt": epoch(rollout.created_at),
        "targetServiceRevisionArn": rollout.target,
        "status": rollout.status,
    });
    if let Some(at) = rollout.finished_at {
        body["finishedAt"] = epoch(at);
    }
    if let Some(reason) = &rollout.status_reason {
        body["statusReason"] = reason.as_str().into();
    }
    body
}
