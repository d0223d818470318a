//! How this layer asks AWS: a few calls at a time, batches that fall apart when they are refused,
//! and errors as gaps.

use crate::aws::error::Kind;
use crate::aws::{Error, PlacementClients};
use crate::model::kinds::Placement;
use crate::model::observed::{ObservedResource, Seen};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use tokio::sync::Semaphore;

/// Calls of one batch that are under way at a time.
const AT_A_TIME: usize = 8;

/// Answers of a batched call, each with the things that were asked for.
pub(super) type Answers<T> = Vec<(Vec<String>, Result<T, Error>)>;

/// Reads one placement for one pass.
pub(super) struct Reader<'a> {
    pub(super) clients: &'a PlacementClients,
    pub(super) placement: &'a Placement,
    gate: Semaphore,
}

impl<'a> Reader<'a> {
    pub(super) fn new(clients: &'a PlacementClients, placement: &'a Placement) -> Self {
        Self { clients, placement, gate: Semaphore::new(AT_A_TIME) }
    }

    /// The cluster as declared.
    pub(super) fn cluster(&self) -> &'a str {
        &self.placement.cluster
    }

    /// Waits for its turn, then for the answer.
    pub(super) async fn call<T>(&self, call: impl Future<Output = T>) -> T {
        let _turn = self.gate.acquire().await.expect("the gate is never closed");
        call.await
    }

    /// One call per thing, answers in the order of the things.
    pub(super) async fn each<K, T, Answer>(
        &self,
        things: impl IntoIterator<Item = K>,
        call: impl Fn(K) -> Answer,
    ) -> Vec<T>
    where
        Answer: Future<Output = T>,
    {
        join_all(things.into_iter().map(|thing| self.call(call(thing)))).await
    }

    /// Calls for `size` things at a time. A call that is refused as a whole for a reason that may
    /// lie in one of its things is made again for each half of them, down to single things. The
    /// answers tell which things each is for.
    pub(super) async fn batches<T, Answer>(
        &self,
        things: Vec<String>,
        size: usize,
        divides: fn(&Error) -> bool,
        call: impl Fn(Vec<String>) -> Answer,
    ) -> Answers<T>
    where
        Answer: Future<Output = Result<T, Error>>,
    {
        let chunks: Vec<Vec<String>> = things.chunks(size).map(<[String]>::to_vec).collect();
        let divided = join_all(chunks.into_iter().map(|chunk| self.divide(chunk, divides, &call))).await;
        divided.into_iter().flatten().collect()
    }

    async fn divide<T, Answer>(
        &self,
        chunk: Vec<String>,
        divides: fn(&Error) -> bool,
        call: &impl Fn(Vec<String>) -> Answer,
    ) -> Answers<T>
    where
        Answer: Future<Output = Result<T, Error>>,
    {
        let mut answers = Vec::new();
        let mut left = vec![chunk];
        while let Some(mut things) = left.pop() {
            match self.call(call(things.clone())).await {
                Err(error) if things.len() > 1 && divides(&error) => {
                    let second = things.split_off(things.len() / 2);
                    left.push(second);
                    left.push(things);
                }
                answer => answers.push((things, answer)),
            }
        }
        answers
    }
}

/// Whether a refusal may be due to one of the things that were asked for, where things that do not
/// exist are no error.
pub(super) fn refused(error: &Error) -> bool {
    matches!(error.kind, Kind::Denied | Kind::Rejected)
}

/// Whether a refusal may be due to one of the things that were asked for, where one that does not
/// exist is an error.
pub(super) fn refused_or_missing(error: &Error) -> bool {
    refused(error) || error.is_not_found()
}

/// What an answer for one thing shows: not found is absent.
pub(super) fn seen_or_absent<T>(answer: Result<T, Error>) -> Seen<T> {
    match answer {
        Ok(thing) => Seen::Present(thing),
        Err(error) if error.is_not_found() => Seen::Absent,
        Err(error) => Seen::Unknown(error.into()),
    }
}

/// What an error says of a thing that was asked for: not found is absent.
pub(super) fn seen_from_error<T>(error: &Error) -> Seen<T> {
    seen_or_absent(Err(error.clone()))
}

/// Answers that list what was found, by the things that were asked for; what AWS does not list is
/// absent.
pub(super) fn by_id(
    answers: Answers<Vec<ObservedResource>>,
    id: fn(&ObservedResource) -> &str,
) -> BTreeMap<String, Seen<ObservedResource>> {
    let mut all = BTreeMap::new();
    for (ids, answer) in answers {
        match answer {
            Ok(found) => {
                let mut found: BTreeMap<String, ObservedResource> =
                    found.into_iter().map(|resource| (id(&resource).to_owned(), resource)).collect();
                for id in ids {
                    let seen = found.remove(&id).map_or(Seen::Absent, Seen::Present);
                    all.insert(id, seen);
                }
            }
            Err(error) => all.extend(ids.into_iter().map(|id| (id, seen_from_error(&error)))),
        }
    }
    all
}

/// Answers that show what was found by its name; what AWS does not show is absent.
pub(super) fn by_name(
    answers: Answers<BTreeMap<String, ObservedResource>>,
) -> BTreeMap<String, Seen<ObservedResource>> {
    let mut all = BTreeMap::new();
    for (names, answer) in answers {
        match answer {
            Ok(mut found) => all.extend(names.into_iter().map(|name| {
                let seen = found.remove(&name).map_or(Seen::Absent, Seen::Present);
                (name, seen)
            })),
            Err(error) => {
                all.extend(names.into_iter().map(|name| (name, Seen::Unknown(error.clone().into()))));
            }
        }
    }
    all
}

/// The same knowledge of another thing: absent, not read or unknown for the same reason; `None`
/// when it is there.
pub(super) fn propagate<T, U>(seen: &Seen<T>) -> Option<Seen<U>> {
    match seen {
        Seen::Present(_) => None,
        Seen::Absent => Some(Seen::Absent),
        Seen::NotRead => Some(Seen::NotRead),
        Seen::Unknown(gap) => Some(Seen::Unknown(gap.clone())),
    }
}
