//! Clients beside a controller at work: what was served at the beginning is sent every second and
//! after every write, and must be served.

use super::Fixture;
use aws_sim::traffic::{Clients, Request};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often everything is sent.
const BEAT: Duration = Duration::from_secs(1);

/// Clients at work.
pub struct Traffic {
    clients: Clients,
    beat: JoinHandle<()>,
}

impl Fixture {
    /// Clients for everything that is served at present by what never has to be without tasks: one
    /// request at least.
    pub fn traffic(&self) -> Traffic {
        let clients = Clients::of(&self.sim);
        assert!(clients.learn_steady() > 0, "nothing is served: {:?}", self.sim.wave());
        clients.send_after_writes();
        let beating = clients.clone();
        let beat = tokio::spawn(async move { beating.run(BEAT).await });
        Traffic { clients, beat }
    }
}

impl Traffic {
    /// From now on this must be served, too.
    pub fn also(&self, request: Request) {
        self.clients.send_also(request);
    }

    /// From now on this need not be served any more.
    pub fn no_longer(&self, request: &Request) {
        self.clients.forget(|known| known == request);
    }

    /// Services that could answer a request, as that changed.
    pub fn servers(&self, request: &Request) -> Vec<BTreeSet<String>> {
        self.clients.servers(request)
    }

    /// Everything was served so far.
    #[track_caller]
    pub fn all_served(&self) {
        self.clients.send();
        let losses = self.clients.losses();
        let first: Vec<String> = losses.iter().take(5).map(ToString::to_string).collect();
        assert!(losses.is_empty(), "{} of {} lost:\n{}", losses.len(), self.clients.sent(), first.join("\n"));
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.beat.abort();
    }
}
