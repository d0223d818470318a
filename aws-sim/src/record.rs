//! What was called: the newest calls, counts of all, and a hash over everything that went over the
//! wire.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::wire::{Protocol, Request, Response};

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Its number, from 1.
    pub number: u64,
    /// Simulated time of its execution.
    pub at: Timestamp,
    /// The region.
    pub region: String,
    /// The service, as signatures name it.
    pub service: &'static str,
    /// The operation.
    pub operation: String,
    /// Whether the operation changes something.
    pub write: bool,
    /// HTTP status of the answer; 0 when there was none.
    pub status: u16,
    /// The error code.
    pub error: Option<String>,
}

/// Counts of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// All calls.
    pub calls: u64,
    /// Calls that were answered with an error or not at all.
    pub failed: u64,
}

/// Counts of all operations, by service and operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Calls that change nothing.
    pub reads: u64,
    /// Calls that change something.
    pub writes: u64,
    /// By service, then by operation.
    pub operations: BTreeMap<&'static str, BTreeMap<String, Count>>,
}

impl Counts {
    /// All calls.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.reads + self.writes
    }

    /// The calls of one operation, such as (`ecs`, `UpdateService`).
    #[must_use]
    pub fn of(&self, service: &str, operation: &str) -> u64 {
        self.operations.get(service).and_then(|own| own.get(operation)).map_or(0, |count| count.calls)
    }
}

/// The record of a world.
#[derive(Debug, Clone)]
pub struct Record {
    newest: VecDeque<Call>,
    kept: usize,
    counts: Counts,
    number: u64,
    trace: Trace,
}

impl Record {
    /// A record that keeps the newest `kept` calls.
    #[must_use]
    pub fn new(kept: usize) -> Self {
        Self { newest: VecDeque::new(), kept, counts: Counts::default(), number: 0, trace: Trace::default() }
    }

    /// Notes a call and its answer, `None` if none came.
    pub fn note(&mut self, now: Timestamp, request: &Request, response: Option<&Response>) -> Call {
        self.number += 1;
        let write = request.is_write();
        let failed = response.is_none_or(|answer| answer.status >= 300);
        *(if write { &mut self.counts.writes } else { &mut self.counts.reads }) += 1;
        let operations = self.counts.operations.entry(request.service.name()).or_default();
        if !operations.contains_key(&request.operation) {
            operations.insert(request.operation.clone(), Count::default());
        }
        if let Some(count) = operations.get_mut(&request.operation) {
            count.calls += 1;
            count.failed += u64::from(failed);
        }
        self.trace.eat(now, request, response);
        let call = Call {
            number: self.number,
            at: now,
            region: request.region.clone(),
            service: request.service.name(),
            operation: request.operation.clone(),
            write,
            status: response.map_or(0, |answer| answer.status),
            error: response.and_then(|answer| answer.error).map(str::to_owned),
        };
        if self.newest.len() >= self.kept {
            self.newest.pop_front();
        }
        self.newest.push_back(call.clone());
        call
    }

    /// The newest calls, oldest first.
    #[must_use]
    pub fn newest(&self) -> Vec<Call> {
        self.newest.iter().cloned().collect()
    }

    /// The counts since the last reset.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Forgets calls and counts. Numbers and the trace go on.
    pub fn reset(&mut self) {
        self.newest.clear();
        self.counts = Counts::default();
    }

    /// The hash over all calls and answers so far.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.trace.state
    }
}

/// The body with the members of objects in one order: some SDKs send maps in another order each
/// time, and mean the same. Reads hold no maps; theirs are left as they are, for speed, and so are
/// the other protocols: no operation that is simulated in them has maps.
fn canonical(request: &Request) -> Cow<'_, [u8]> {
    if !request.is_write() || request.protocol != Protocol::Json {
        return Cow::Borrowed(&request.body);
    }
    let sorted =
        serde_json::from_slice::<Value>(&request.body).ok().and_then(|body| serde_json::to_vec(&body).ok());
    sorted.map_or(Cow::Borrowed(&request.body), Cow::Owned)
}

/// A fast hash: equal traces hash equally on every machine. Not for secrets.
#[derive(Debug, Clone)]
struct Trace {
    state: u64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { state: 0x9e37_79b9_7f4a_7c15 }
    }
}

impl Trace {
    fn eat(&mut self, now: Timestamp, request: &Request, response: Option<&Response>) {
        self.bytes(&now.as_nanosecond().to_le_bytes());
        self.bytes(request.region.as_bytes());
        self.bytes(request.service.name().as_bytes());
        self.bytes(request.operation.as_bytes());
        self.bytes(&canonical(request));
        if let Some(answer) = response {
            self.bytes(&answer.status.to_le_bytes());
            self.bytes(answer.request_id.as_bytes());
            self.bytes(&answer.body);
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        // Plain loops, because this runs over every byte of every call in unoptimised test builds,
        // too.
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }

    fn word(&mut self, word: u64) {
        let product = u128::from(self.state ^ word)
            * u128::from(0xa076_1d64_78bd_642f_u64 ^ self.state.rotate_left(23));
        let folded = (product as u64) ^ ((product >> 64) as u64);
        self.state = folded ^ word.rotate_left(32);
    }
}
