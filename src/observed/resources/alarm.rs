//! CloudWatch metric alarms, found by their names.

use super::{Found, ResourceType};
use crate::aws::cloudwatch::read::{self, ALARMS_PER_CALL};
use crate::model::arn::alarm_name;
use crate::model::desired::DesiredResource;
use crate::model::kinds::alarm;
use crate::model::observed::{ObservedResource, Readiness, Seen};
use crate::model::resource::{ResourceId, ResourceKind};
use crate::observed::reader::{Reader, by_name, refused, seen_or_absent};
use crate::observed::request::ObservationRequest;
use std::collections::{BTreeMap, BTreeSet};

/// The alarms of a batch of deployments, by name.
pub(super) struct Alarms(BTreeMap<String, Seen<ObservedResource>>);

impl Alarms {
    /// Reads all alarms that are declared or recorded, and their tags.
    pub(super) async fn read(reader: &Reader<'_>, requests: &[ObservationRequest<'_>]) -> Self {
        let names: BTreeSet<String> = requests.iter().flat_map(names).map(str::to_owned).collect();
        let read = |names: Vec<String>| async move { read::alarms(reader.clients, &names).await };
        let found = reader.batches(names.into_iter().collect(), ALARMS_PER_CALL, refused, read).await;
        let tag = |(name, alarm)| async move { (name, tagged(reader, alarm).await) };
        Self(reader.each(by_name(found), tag).await.into_iter().collect())
    }

    fn named(&self, name: &str) -> Seen<ObservedResource> {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

async fn tagged(reader: &Reader<'_>, alarm: Seen<ObservedResource>) -> Seen<ObservedResource> {
    let Seen::Present(mut alarm) = alarm else { return alarm };
    alarm::normalise(&mut alarm.fields);
    // Without its tags nobody knows whose it is, so then it is not seen at all.
    let tags = read::alarm_tags(reader.clients, &alarm.arn).await;
    seen_or_absent(tags.map(|tags| ObservedResource { tags, ..alarm }))
}

fn names<'a>(request: &ObservationRequest<'a>) -> impl Iterator<Item = &'a str> {
    let declared = request.desired.resources.iter().filter(|(id, _)| id.kind == ResourceKind::Alarm);
    let declared = declared.filter_map(|(_, alarm)| alarm.fields["alarmName"].as_str());
    let recorded = request.recorded().filter(|(id, _)| id.kind == ResourceKind::Alarm);
    declared.chain(recorded.map(|(_, arn)| alarm_name(arn)))
}

pub(super) struct Alarm;

impl ResourceType for Alarm {
    fn declared(
        &self,
        found: &Found,
        _: &ObservationRequest<'_>,
        _: &ResourceId,
        declared: &DesiredResource,
    ) -> Seen<ObservedResource> {
        found.alarms.named(declared.fields["alarmName"].as_str().unwrap_or_default())
    }

    fn fits(
        &self,
        _: &Found,
        _: &ObservationRequest<'_>,
        declared: &DesiredResource,
        alarm: &ObservedResource,
    ) -> bool {
        declared.fields["alarmName"] == alarm.fields["alarmName"]
    }

    /// An alarm watches from the moment that it is there; its own state is what it says of others.
    fn readiness(&self, _: &ObservedResource) -> Readiness {
        Readiness::Ready
    }

    fn recorded(&self, found: &Found, _: &ResourceId, arn: &str) -> Seen<ObservedResource> {
        found.alarms.named(alarm_name(arn))
    }

    fn may_be_another(&self) -> bool {
        false
    }

    fn lacks_tags(&self) -> bool {
        false
    }
}
