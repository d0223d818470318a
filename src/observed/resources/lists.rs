//! Things that AWS lists by what they hang on: listeners of a load balancer, rules of a listener.

use crate::aws::Error;
use crate::model::observed::{ObservedResource, Seen};
use crate::model::resource::ResourceKind;
use crate::observed::reader::propagate;
use crate::observed::request::ObservationRequest;
use std::collections::{BTreeMap, BTreeSet};

/// Things by ARN.
pub(super) type ByArn = BTreeMap<String, Seen<ObservedResource>>;
/// Lists by the ARN of what they hang on.
pub(super) type Lists = BTreeMap<String, Seen<Vec<ObservedResource>>>;

/// When what the list hangs on is gone, the list is not empty but unknown: nothing could be added
/// to it either.
pub(super) fn list(answer: Result<Vec<ObservedResource>, Error>) -> Seen<Vec<ObservedResource>> {
    answer.map_or_else(|error| Seen::Unknown(error.into()), Seen::Present)
}

/// Recorded ARNs of a kind that are in none of the lists.
pub(super) fn unlisted(
    requests: &[ObservationRequest<'_>],
    kind: ResourceKind,
    lists: &Lists,
) -> Vec<String> {
    let listed: BTreeSet<&str> =
        lists.values().filter_map(Seen::present).flatten().map(|resource| resource.arn.as_str()).collect();
    let recorded = requests.iter().flat_map(|request| request.recorded()).filter(|(id, _)| id.kind == kind);
    let unlisted: BTreeSet<&str> = recorded.map(|(_, arn)| arn).filter(|arn| !listed.contains(arn)).collect();
    unlisted.into_iter().map(str::to_owned).collect()
}

/// The one in a list that is meant.
pub(super) fn pick(
    list: Option<&Seen<Vec<ObservedResource>>>,
    is_it: impl Fn(&ObservedResource) -> bool,
) -> Seen<ObservedResource> {
    match list {
        None => Seen::NotRead,
        Some(Seen::Present(list)) => {
            list.iter().find(|one| is_it(one)).cloned().map_or(Seen::Absent, Seen::Present)
        }
        Some(lacking) => propagate(lacking).unwrap_or_default(),
    }
}

/// One by its ARN: among those that were asked for by it, or in a list.
pub(super) fn by_arn(recorded: &ByArn, lists: &Lists, arn: &str) -> Seen<ObservedResource> {
    if let Some(seen) = recorded.get(arn) {
        return seen.clone();
    }
    let mut listed = lists.values().filter_map(Seen::present).flatten();
    listed.find(|resource| resource.arn == arn).cloned().map_or(Seen::NotRead, Seen::Present)
}
