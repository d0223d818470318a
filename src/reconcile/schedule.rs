//! When the next pass comes, and how deep it is.

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;
use strum::{EnumIter, IntoStaticStr};

/// After a write: AWS needs a moment until reads show it.
const AFTER_WRITE: Duration = Duration::from_secs(1);
/// While ECS moves tasks, or a task runs.
pub const WHILE_ROLLING: Duration = Duration::from_secs(5);
/// While all that is under way waits for a person, whose answer comes by another way.
const WHILE_PAUSED: Duration = Duration::from_secs(30);
/// First wait after something failed or is missing; doubles up to [`LONGEST_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
/// Longest wait after failures. A resync that is due sooner comes sooner.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
/// Full passes of steady deployments per resync, whatever their number: one batch. A light pass
/// costs 0.1 reads per service; a full one costs about 7 and 8 more for the whole batch. So 1,000
/// services cost 100 + 8 + 70 reads, below 0.2 each.
pub const FULL_PASSES_PER_RESYNC: usize = 10;

/// Why a deployment is due for a pass. It is for people: the log and the metrics show it, and the
/// pass itself never sees it, so what is done cannot depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Trigger {
    /// The controller started.
    StartUp,
    /// Another declaration came into force.
    Declaration,
    /// It has been steady for a resync period.
    Resync,
    /// It is steady, and full passes have rotated to it.
    FullPass,
    /// The last pass wrote something, and AWS needs a moment to show it.
    Acted,
    /// The last pass saw ECS at work, or a wait that ends soon.
    Rolling,
    /// The last pass failed, could not see something, or found something missing.
    Held,
    /// A suspension has ended.
    PauseEnded,
    /// A person asked for something, or what was asked for is over.
    Request,
}

impl From<Ending> for Trigger {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Acted => Self::Acted,
            Ending::Rolling | Ending::Paused => Self::Rolling,
            Ending::Held => Self::Held,
            Ending::Steady => Self::Resync,
        }
    }
}

/// How a pass ended, as far as the next one is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Ending {
    /// Something was written.
    Acted,
    /// ECS is at work, or a wait has a known end.
    Rolling,
    /// All that ECS works at waits for a person.
    Paused,
    /// Something failed, could not be seen, or is missing.
    Held,
    /// Nothing to do.
    Steady,
}

/// The wait until the next pass.
///
/// `held` counts the passes in a row that ended `Held`, this one included. Waits after failures
/// double with full jitter, so that a thousand deployments that lost AWS together do not come back
/// together; resyncs are spread by a tenth.
pub fn wait(ending: Ending, held: u32, resync: Duration, seed: u64) -> Duration {
    let mut random = fastrand::Rng::with_seed(seed);
    match ending {
        Ending::Acted => AFTER_WRITE,
        Ending::Rolling => WHILE_ROLLING.min(resync),
        Ending::Paused => WHILE_PAUSED.min(resync),
        Ending::Held => {
            let exponential = ExponentialBuilder::default()
                .with_min_delay(FIRST_BACKOFF)
                .with_max_delay(LONGEST_BACKOFF)
                .with_factor(2.0)
                .without_max_times()
                .build()
                .nth(held.saturating_sub(1) as usize)
                .unwrap_or(LONGEST_BACKOFF);
            let half = exponential / 2;
            (half + half.mul_f64(random.f64())).min(resync.max(FIRST_BACKOFF))
        }
        Ending::Steady => resync.mul_f64(0.95 + 0.1 * random.f64()),
    }
}

/// How much earlier than due a pass may come, to share its reads with others. A steady deployment
/// may be reconciled at any time; one that was written or failed is given the time that it needs.
pub fn slack(ending: Ending, resync: Duration) -> Duration {
    match ending {
        Ending::Steady => resync / 10,
        Ending::Acted | Ending::Rolling | Ending::Paused | Ending::Held => Duration::ZERO,
    }
}

/// Whether a fleet is so small that every pass is full.
pub fn is_small(fleet: usize) -> bool {
    fleet <= FULL_PASSES_PER_RESYNC
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESYNC: Duration = Duration::from_secs(60);

    #[test]
    fn waits_after_failures_grow_and_are_spread() {
        let first = wait(Ending::Held, 1, Duration::from_secs(3600), 1);
        let tenth = wait(Ending::Held, 10, Duration::from_secs(3600), 1);
        assert!(first <= FIRST_BACKOFF && first >= FIRST_BACKOFF / 2, "{first:?}");
        assert!(tenth <= LONGEST_BACKOFF && tenth >= LONGEST_BACKOFF / 2, "{tenth:?}");
        assert_ne!(wait(Ending::Held, 5, RESYNC, 1), wait(Ending::Held, 5, RESYNC, 2));
    }

    #[test]
    fn a_held_deployment_is_reconciled_at_least_every_resync() {
        assert!(wait(Ending::Held, 30, RESYNC, 3) <= RESYNC);
    }

    #[test]
    fn only_steady_deployments_are_reconciled_early() {
        assert_eq!(slack(Ending::Steady, RESYNC), Duration::from_secs(6));
        assert_eq!(slack(Ending::Acted, RESYNC), Duration::ZERO);
        assert_eq!(slack(Ending::Held, RESYNC), Duration::ZERO);
    }
}
