//! AWS's request rate limits, per account and region: one token bucket for each group of
//! operations.
//!
//! Rates are those that AWS publishes: ECS API Reference, "Throttling quotas", Elastic Load
//! Balancing, "Throttling", and CloudWatch User Guide, "CloudWatch service quotas". The latter
//! names no bursts; a second's worth is taken for one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    error::ApiError,
    wire::{Request, Service},
};

/// Name, burst, refill per second.
type Rate = (&'static str, f64, f64);

const SERVICE_READS: Rate = ("ecs service reads", 100.0, 20.0);
const SERVICE_WRITES: Rate = ("ecs service writes", 50.0, 5.0);
const DEFINITION_WRITES: Rate = ("ecs task definition writes", 20.0, 1.0);
const DEFINITION_READS: Rate = ("ecs task definition reads", 50.0, 20.0);
const DEFINITION_DELETES: Rate = ("ecs task definition deletes", 5.0, 1.0);
const TASK_READS: Rate = ("ecs task reads", 100.0, 20.0);
const TASK_WRITES: Rate = ("ecs task writes", 100.0, 40.0);
const DEPLOYMENT_READS: Rate = ("ecs service deployment reads", 50.0, 20.0);
const REVISION_READS: Rate = ("ecs service revision reads", 50.0, 20.0);
const CLUSTER_READS: Rate = ("ecs cluster reads", 50.0, 20.0);
const TAG_WRITES: Rate = ("ecs tag writes", 20.0, 10.0);
const TAG_READS: Rate = ("ecs tag reads", 50.0, 20.0);
const ELB_ALL: Rate = ("elb all", 40.0, 10.0);
const ELB_READS: Rate = ("elb reads", 40.0, 10.0);
const ELB_WRITES: Rate = ("elb writes", 20.0, 3.0);
const ELB_TARGETS: Rate = ("elb targets", 20.0, 4.0);
const ELB_CREATE: Rate = ("elb create load balancer", 10.0, 0.2);
const ALARM_READS: Rate = ("cloudwatch DescribeAlarms", 9.0, 9.0);
const ALARM_READS_BY_METRIC: Rate = ("cloudwatch DescribeAlarmsForMetric", 9.0, 9.0);
const ALARM_PUTS: Rate = ("cloudwatch PutMetricAlarm", 3.0, 3.0);
const ALARM_DELETES: Rate = ("cloudwatch DeleteAlarms", 3.0, 3.0);
const ALARM_STATES: Rate = ("cloudwatch SetAlarmState", 3.0, 3.0);
const ALARM_ENABLES: Rate = ("cloudwatch EnableAlarmActions", 3.0, 3.0);
const ALARM_DISABLES: Rate = ("cloudwatch DisableAlarmActions", 3.0, 3.0);
const ALARM_HISTORY: Rate = ("cloudwatch DescribeAlarmHistory", 3.0, 3.0);
const METRIC_PUTS: Rate = ("cloudwatch PutMetricData", 500.0, 500.0);
const METRIC_STATISTICS: Rate = ("cloudwatch GetMetricStatistics", 400.0, 400.0);
const METRIC_DATA: Rate = ("cloudwatch GetMetricData", 50.0, 50.0);
const METRIC_LISTS: Rate = ("cloudwatch ListMetrics", 25.0, 25.0);

/// The buckets that an operation draws from; none for services without published rates.
fn rates(service: Service, operation: &str) -> &'static [Rate] {
    match service {
        Service::Ecs => ecs(operation),
        Service::Elbv2 => elb(operation),
        Service::Cloudwatch => cloudwatch(operation),
        Service::Secrets | Service::Logs | Service::Sts => &[],
    }
}

/// The buckets that an operation of ECS draws from.
fn ecs(operation: &str) -> &'static [Rate] {
    match operation {
        "DescribeServices" | "ListServices" => &[SERVICE_READS],
        "CreateService" | "UpdateService" | "DeleteService" => &[SERVICE_WRITES],
        "RegisterTaskDefinition" | "DeregisterTaskDefinition" => &[DEFINITION_WRITES],
        "DeleteTaskDefinitions" => &[DEFINITION_DELETES],
        "DescribeTaskDefinition" | "ListTaskDefinitions" | "ListTaskDefinitionFamilies" => {
            &[DEFINITION_READS]
        }
        "ListTasks" | "DescribeTasks" => &[TASK_READS],
        "RunTask" | "StopTask" => &[TASK_WRITES],
        "ListServiceDeployments" | "DescribeServiceDeployments" => &[DEPLOYMENT_READS],
        "DescribeServiceRevisions" => &[REVISION_READS],
        "DescribeClusters" | "ListClusters" => &[CLUSTER_READS],
        "TagResource" | "UntagResource" => &[TAG_WRITES],
        "ListTagsForResource" => &[TAG_READS],
        _ => &[],
    }
}

/// The buckets that an operation of Elastic Load Balancing draws from.
fn elb(operation: &str) -> &'static [Rate] {
    match operation {
        "CreateLoadBalancer" => &[ELB_ALL, ELB_CREATE],
        "RegisterTargets" | "DeregisterTargets" => &[ELB_ALL, ELB_TARGETS],
        name if crate::wire::is_write(name) => &[ELB_ALL, ELB_WRITES],
        _ => &[ELB_ALL, ELB_READS],
    }
}

/// CloudWatch counts each operation for itself.
fn cloudwatch(operation: &str) -> &'static [Rate] {
    match operation {
        "DescribeAlarms" => &[ALARM_READS],
        "DescribeAlarmsForMetric" => &[ALARM_READS_BY_METRIC],
        "PutMetricAlarm" => &[ALARM_PUTS],
        "DeleteAlarms" => &[ALARM_DELETES],
        "SetAlarmState" => &[ALARM_STATES],
        "EnableAlarmActions" => &[ALARM_ENABLES],
        "DisableAlarmActions" => &[ALARM_DISABLES],
        "DescribeAlarmHistory" => &[ALARM_HISTORY],
        "PutMetricData" => &[METRIC_PUTS],
        "GetMetricStatistics" => &[METRIC_STATISTICS],
        "GetMetricData" => &[METRIC_DATA],
        "ListMetrics" => &[METRIC_LISTS],
        _ => &[],
    }
}

/// The buckets of a world.
#[derive(Debug, Clone, Default)]
pub struct Throttle {
    /// Whether the limits hold.
    pub enabled: bool,
    /// By region and name: tokens left and the time of that count.
    buckets: BTreeMap<(String, &'static str), (f64, Timestamp)>,
}

impl Throttle {
    /// Takes a token for a request from each of its buckets.
    ///
    /// # Errors
    /// AWS's throttling error when a bucket is empty; then no token is taken.
    pub fn admit(&mut self, now: Timestamp, request: &Request) -> Result<(), ApiError> {
        let rates = if self.enabled { rates(request.service, &request.operation) } else { &[] };
        for (name, burst, refill) in rates {
            let key = (request.region.clone(), *name);
            let (tokens, at) = self.buckets.entry(key).or_insert((*burst, now));
            let passed = now.duration_since(*at).as_secs_f64().max(0.0);
            (*tokens, *at) = ((*tokens + passed * refill).min(*burst), now);
        }
        let empty =
            |rate: &&Rate| self.buckets.get(&(request.region.clone(), rate.0)).is_some_and(|own| own.0 < 1.0);
        if rates.iter().any(|rate| empty(&rate)) {
            return Err(throttled(request.service));
        }
        for (name, _, _) in rates {
            if let Some((tokens, _)) = self.buckets.get_mut(&(request.region.clone(), *name)) {
                *tokens -= 1.0;
            }
        }
        Ok(())
    }
}

/// How a service says that there were too many calls.
#[must_use]
pub fn throttled(service: Service) -> ApiError {
    ApiError::new(400, service.row().throttling, "Rate exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Protocol;

    #[test]
    fn a_burst_is_served_and_then_the_refill_decides() {
        let mut throttle = Throttle { enabled: true, ..Throttle::default() };
        let request = Request {
            region: "eu-west-1".to_owned(),
            service: Service::Ecs,
            protocol: Protocol::Json,
            operation: "RegisterTaskDefinition".to_owned(),
            body: Vec::new(),
            access_key: None,
        };
        let now = Timestamp::UNIX_EPOCH;
        let served = (0..30).filter(|_| throttle.admit(now, &request).is_ok()).count();
        assert_eq!(served, 20);
        let later = now + jiff::SignedDuration::from_secs(3);
        assert_eq!((0..30).filter(|_| throttle.admit(later, &request).is_ok()).count(), 3);
        let elsewhere = Request { region: "us-east-1".to_owned(), ..request };
        assert!(throttle.admit(later, &elsewhere).is_ok());
    }
}
