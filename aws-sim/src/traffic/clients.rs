//! Clients that go on sending requests, and notice when one is not served any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::{Answer, Outcome, Request};
use crate::sim::{Moment, Sim};

/// Clients that send the same requests again and again. Each is meant for a target: an answer that
/// comes from the load balancer itself is a loss, too. Clones are the same clients.
#[derive(Clone)]
pub struct Clients {
    sim: Sim,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// What is sent, and who could answer it, as that changed.
    requests: BTreeMap<Request, Vec<BTreeSet<String>>>,
    sent: u64,
    losses: Vec<Loss>,
}

/// A request that no target answered, or might not have answered had chance decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// When.
    pub at: Timestamp,
    /// What was sent.
    pub request: Request,
    /// What came back, or could have.
    pub answer: Answer,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { load_balancer, port, host, path, .. } = &self.request;
        let status = self.answer.status().map_or_else(|| "no connection".to_owned(), |code| code.to_string());
        write!(f, "{} {load_balancer}:{port} {host}{path} got {status}", self.at)?;
        match &self.answer.outcome {
            Outcome::Lost { why, .. } => write!(f, ": {why}"),
            _ => write!(f, " from the load balancer itself"),
        }
    }
}

impl Clients {
    /// Clients that send nothing yet.
    #[must_use]
    pub fn of(sim: &Sim) -> Self {
        Self { sim: sim.clone(), inner: Arc::default() }
    }

    /// From now on this is sent, too.
    pub fn send_also(&self, request: Request) {
        self.inner().requests.entry(request).or_default();
    }

    /// From now on everything of [`Sim::wave`] is sent, too, that targets serve at present,
    /// whatever chance decides. Answers how many requests that are in all.
    pub fn learn(&self) -> usize {
        self.learn_if(|_| true)
    }

    /// As [`Clients::learn`], but leaves out what is served by services whose deployments may leave
    /// no task.
    pub fn learn_steady(&self) -> usize {
        let services = self.sim.with(|world| {
            let regions = world.regions();
            regions.iter().flat_map(|region| world.region(region).ecs.services()).collect::<Vec<_>>()
        });
        let bare: BTreeSet<String> =
            services.into_iter().filter(|service| service.lower == 0).map(|service| service.key).collect();
        self.learn_if(|server| !bare.contains(server))
    }

    fn learn_if(&self, steady: impl Fn(&str) -> bool) -> usize {
        for request in self.sim.wave() {
            let answers = self.sim.every_answer(&request);
            if answers.iter().all(is_served) && self.servers_of(&answers).iter().all(|server| steady(server))
            {
                self.send_also(request);
            }
        }
        self.inner().requests.len()
    }

    /// From now on, what `gone` says yes to is not sent any more.
    pub fn forget(&self, gone: impl Fn(&Request) -> bool) {
        self.inner().requests.retain(|request, _| !gone(request));
    }

    /// Sends every request once.
    pub fn send(&self) {
        let requests: Vec<Request> = self.inner().requests.keys().cloned().collect();
        for request in requests {
            let at = self.sim.now();
            let mut answers = vec![self.sim.request(&request)];
            // What another draw would have brought counts as much as what this one did.
            answers.extend(self.sim.every_answer(&request));
            let servers = self.servers_of(&answers);
            let lost = answers.into_iter().find(|answer| !is_served(answer));
            let inner = &mut *self.inner();
            inner.sent += 1;
            if let Some(answer) = lost {
                inner.losses.push(Loss { at, request, answer });
            } else if let Some(seen) = inner.requests.get_mut(&request)
                && seen.last() != Some(&servers)
            {
                seen.push(servers);
            }
        }
    }

    /// From now on everything is sent after every call that writes, too.
    pub fn send_after_writes(&self) {
        let clients = self.clone();
        self.sim.on_call(move |moment| {
            if let Moment::After { request, .. } = moment
                && request.is_write()
            {
                clients.send();
            }
        });
    }

    /// Sends everything, again and again, with so much simulated time in between.
    pub async fn run(&self, every: Duration) {
        loop {
            self.send();
            self.sim.clock().sleep(every).await;
        }
    }

    /// What was lost so far.
    #[must_use]
    pub fn losses(&self) -> Vec<Loss> {
        self.inner().losses.clone()
    }

    /// How many requests were sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.inner().sent
    }

    /// Who could answer a request, whenever it was served, as that changed: services as
    /// `cluster/name`, tasks of none by id, other targets by address.
    #[must_use]
    pub fn servers(&self, request: &Request) -> Vec<BTreeSet<String>> {
        self.inner().requests.get(request).cloned().unwrap_or_default()
    }

    /// What is sent at present.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.inner().requests.keys().cloned().collect()
    }

    fn servers_of(&self, answers: &[Answer]) -> BTreeSet<String> {
        self.sim.with(|world| answers.iter().filter_map(|answer| world.server(answer)).collect())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_served(answer: &Answer) -> bool {
    matches!(answer.outcome, Outcome::Served { .. })
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        let (sent, lost) = (inner.sent, inner.losses.len());
        f.debug_struct("Clients").field("sent", &sent).field("lost", &lost).finish_non_exhaustive()
    }
}
