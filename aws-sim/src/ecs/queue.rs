//! What will happen, ordered by time and then by the order in which it was planned.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// Something that happens in ECS without a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// A task (by id) takes its next step.
    Task(String, Step),
    /// The service scheduler makes a pass over a service (by key).
    Service(String),
    /// A task definition (by family and revision) whose deletion was requested may go.
    Definition(String, u32),
}

/// A step in a task's lifecycle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// The network interface is attached.
    Provisioned,
    /// All images are pulled.
    Pulled,
    /// A container (by place) starts.
    ContainerStarts(usize),
    /// A container ends by itself, in its n-th run.
    ContainerExits(usize, u32),
    /// A container's health check comes to a result, in its n-th run.
    ContainerHealth(usize, u32),
    /// The task is fully up.
    Running,
    /// See whether the load balancers have drained the task.
    Drained,
    /// The containers have obeyed the stop signal or were killed.
    ContainersStopped,
    /// The network interface is gone.
    Deprovisioned,
    /// A stopped task is no longer shown.
    Forgotten,
}

/// The events to come.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    events: BTreeMap<(Timestamp, u64), Event>,
    planned: u64,
}

impl Queue {
    /// Plans an event.
    pub(super) fn plan(&mut self, at: Timestamp, event: Event) {
        self.planned += 1;
        self.events.insert((at, self.planned), event);
    }

    /// Takes the next event that is due at `now`, with its time.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<(Timestamp, Event)> {
        let entry = self.events.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), event) = entry.remove_entry();
        Some((at, event))
    }

    /// When the next event happens.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.events.keys().next().map(|(at, _)| *at)
    }
}

/// `now` plus some seconds, to the millisecond.
pub(super) fn after(now: Timestamp, seconds: f64) -> Timestamp {
    let millis = (seconds * 1000.0).round() as i64;
    now.checked_add(SignedDuration::from_millis(millis)).unwrap_or(Timestamp::MAX)
}

/// Seconds from `earlier` to `later`.
pub(super) fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.duration_since(earlier).as_secs_f64()
}

/// A random number of seconds in `from..to`.
pub(super) fn between(rng: &mut fastrand::Rng, from: f64, to: f64) -> f64 {
    from + rng.f64() * (to - from)
}
