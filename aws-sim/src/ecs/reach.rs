//! Which task is behind an address, and whether it listens there.

use super::{Ecs, task::State, task::Status, task::Task};

/// What a connection to the address of a task meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Behind {
    /// A container of this task that listens.
    Listens(String),
    /// The task's network interface or its instance, but no container that listens: the connection
    /// is refused.
    Refuses(String),
    /// A task that is gone, with its network interface.
    Gone(String),
}

impl Ecs {
    /// The service of a task, as `cluster/name`.
    pub(crate) fn service_of(&self, task: &str) -> Option<String> {
        self.tasks.get(task)?.service.clone()
    }

    /// What a connection to a target meets. `None`: no task that is still known ever had the
    /// address.
    pub(crate) fn behind(&self, target: &str, port: u16) -> Option<Behind> {
        let here = |task: &&Task| {
            task.eni.as_ref().is_some_and(|eni| eni.ip == target)
                || task.targets.iter().any(|own| own.id == target && own.port == port)
        };
        let found = self.tasks.values().filter(here).map(|task| meets(task, target, port));
        // Instances give a port to one task after the other; the one that listens has it.
        found.min_by_key(|behind| match behind {
            Behind::Listens(_) => 0,
            Behind::Refuses(_) => 1,
            Behind::Gone(_) => 2,
        })
    }
}

fn meets(task: &Task, target: &str, port: u16) -> Behind {
    let id = task.id.clone();
    let registered = task.targets.iter().find(|own| own.id == target && own.port == port);
    let mut runs = task.containers.iter().enumerate();
    let listens = runs.any(|(place, run)| {
        let is_its =
            registered.map_or(run.ports.iter().any(|own| own.1 == port), |own| own.container == place);
        is_its && run.state == State::Running
    });
    match task.status {
        Status::Deprovisioning | Status::Stopped => Behind::Gone(id),
        _ if listens => Behind::Listens(id),
        _ => Behind::Refuses(id),
    }
}
