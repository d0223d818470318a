//! CloudWatch metric alarms. Source: CloudWatch API, PutMetricAlarm.

use super::{Change, ResourceType};
use crate::model::call::{Call, Verb};
use crate::model::observed::{ObservedResource, Seen};
use crate::model::plan::WaitingOn;
use crate::model::resource::{ResourceId, ResourceKind, Tree};
use crate::plan::PlanInput;
use crate::plan::row::{Absent, Class, Compare, Row, UpdateCall};
use std::collections::{BTreeMap, BTreeSet};

/// PutMetricAlarm overwrites an alarm as a whole, so a field that is not declared is one that is
/// not set.
const fn row(path: &'static str, doc: &'static str) -> Row {
    let row = Row::new(ResourceKind::Alarm, UpdateCall::Put, path, doc);
    Row { absent: Absent::Nothing, ..row }
}

/// A list whose order means nothing.
const fn list(path: &'static str, doc: &'static str) -> Row {
    row(path, doc).compare(Compare::Set(&[])).means("[]")
}

/// A field that AWS fills in when nothing is said.
const fn filled(path: &'static str, doc: &'static str) -> Row {
    let row = Row::new(ResourceKind::Alarm, UpdateCall::Put, path, doc);
    row.class(Class::DefaultedUnlessDeclared).compare(Compare::Text)
}

const ROWS: &[Row] = &[
    row("alarmName", "finds the alarm; another name makes another alarm").identity(),
    row("alarmDescription", "what it is for"),
    row("actionsEnabled", "whether its actions are taken").means("true"),
    list("okActions", "what is notified when it returns to OK"),
    list("alarmActions", "what is notified when it goes to ALARM"),
    list("insufficientDataActions", "what is notified when data is missing"),
    row("metricName", "the metric that it watches"),
    row("namespace", "namespace of the metric"),
    row("statistic", "how data is reduced"),
    row("extendedStatistic", "how data is reduced, as a percentile"),
    list("dimensions", "which of the metrics of that name"),
    row("period", "seconds of one datapoint").compare(Compare::Text),
    row("unit", "unit of the data that counts"),
    row("evaluationPeriods", "how many of the newest periods are evaluated").compare(Compare::Text),
    row("datapointsToAlarm", "how many of them must breach; absent means all").compare(Compare::Text),
    row("threshold", "what is compared with"),
    row("comparisonOperator", "how it is compared"),
    row("treatMissingData", "what a period without data means").means("\"missing\""),
    row("evaluateLowSampleCountPercentile", "whether percentiles of few samples count").means("\"evaluate\""),
    row("metrics", "metrics and expressions").compare(Compare::Set(&[("returnData", "true")])).means("[]"),
    row("thresholdMetricId", "the band that takes the threshold's place"),
    row("evaluationWindow", "which span of time is evaluated").means("{\"slidingWindow\":{}}"),
    row("warmUpConfiguration", "how long nothing is judged at first"),
    row("evaluationCriteria.promQLCriteria.query", "the PromQL query that it watches"),
    filled("evaluationCriteria.promQLCriteria.pendingPeriod", "seconds that it must breach"),
    filled("evaluationCriteria.promQLCriteria.recoveryPeriod", "seconds until it is over"),
    filled("evaluationInterval", "seconds between evaluations"),
    row("actionConfiguration", "which tags go along with notifications")
        .means("{\"alarmTagsPropagation\":{\"enabled\":false}}"),
    Row::new(ResourceKind::Alarm, UpdateCall::Tag, "tags", "declared tags and Evenkeel's own")
        .compare(Compare::DeclaredKeys),
];

pub(super) struct Alarm;

impl ResourceType for Alarm {
    fn rows(&self) -> &'static [Row] {
        ROWS
    }

    fn described(&self, id: &ResourceId, alarm: &ObservedResource) -> String {
        format!("alarm `{}`", name(id, &alarm.fields))
    }

    fn create(&self, _: &ResourceId, fields: &Tree, tags: BTreeMap<String, String>) -> Vec<(Verb, Call)> {
        vec![(Verb::Create, Call::PutMetricAlarm { fields: fields.clone(), tags })]
    }

    /// The alarm as a whole: what is not to be written keeps the value that it has. Tags are put on
    /// by a call of their own, for this one ignores them.
    fn update(&self, with: UpdateCall, change: &Change<'_>) -> Option<Call> {
        let mut fields = change.fields.clone();
        for member in &change.kept {
            let members = fields.as_object_mut()?;
            match change.observed.get(member) {
                Some(value) => members.insert(member.clone(), value.clone()),
                None => members.remove(member),
            };
        }
        (with == UpdateCall::Put).then(|| Call::PutMetricAlarm { fields, tags: BTreeMap::new() })
    }

    fn tag(&self, arn: String, tags: BTreeMap<String, String>) -> Call {
        Call::TagAlarm { arn, tags }
    }

    fn untag(&self, arn: String, keys: BTreeSet<String>) -> Call {
        Call::UntagAlarm { arn, keys }
    }

    fn delete(&self, id: &ResourceId, alarm: &ObservedResource) -> Call {
        Call::DeleteAlarm { name: name(id, &alarm.fields).to_owned() }
    }

    /// A service whose deployments it watches: without the alarm ECS could not judge them.
    fn used_by(&self, input: &PlanInput<'_>, alarm: &ObservedResource) -> Option<WaitingOn> {
        input.observed.all_services().find_map(|(id, found)| match found {
            Seen::Present(service) => {
                let watched = service.fields["deploymentConfiguration"]["alarms"]["alarmNames"].as_array();
                let uses = watched.is_some_and(|names| names.contains(&alarm.fields["alarmName"]));
                uses.then(|| WaitingOn::InUse { by: format!("service {}", service.name) })
            }
            Seen::Unknown(gap) => {
                Some(WaitingOn::Observation { because: format!("{}: {}", gap.operation, gap.code) })
            }
            Seen::NotRead => {
                Some(WaitingOn::Observation { because: format!("service {} was not looked at", id.key) })
            }
            Seen::Absent => None,
        })
    }
}

fn name<'n>(id: &'n ResourceId, fields: &'n Tree) -> &'n str {
    fields["alarmName"].as_str().unwrap_or(&id.key)
}
