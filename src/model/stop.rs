//! Why Evenkeel stops a task: written as the reason of StopTask, and read back from the stopped
//! task, where ECS shows it as `stoppedReason`.

use jiff::Timestamp;
use std::fmt;

/// What every reason of ours begins with.
const OURS: &str = "Evenkeel: ";

/// What follows when the time of a run was up.
const NOT_DONE: &str = "not done by ";

/// Why a task is stopped. Its text is the `reason` of StopTask (ECS takes 255 characters).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause<'a> {
    /// Its run was to be done by then.
    Deadline(Timestamp),
    /// Nothing declares it any more.
    Undeclared,
    /// Another revision takes its place, in words: `a:1 makes way for a:2`.
    Superseded(&'a str),
}

impl fmt::Display for StopCause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(deadline) => write!(f, "{OURS}{NOT_DONE}{deadline}"),
            Self::Undeclared => write!(f, "{OURS}no longer declared"),
            Self::Superseded(what) => write!(f, "{OURS}{what}"),
        }
    }
}

/// Who stopped a task by StopTask, by the reason that ECS shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoppedBy {
    /// Evenkeel, because its time was up.
    Deadline,
    /// Evenkeel, for a cause that says nothing of the run itself.
    Evenkeel,
    /// Somebody else.
    Another,
}

impl StoppedBy {
    /// Reads `stoppedReason`.
    pub fn of(reason: &str) -> Self {
        match reason.strip_prefix(OURS) {
            Some(cause) if cause.starts_with(NOT_DONE) => Self::Deadline,
            Some(_) => Self::Evenkeel,
            None => Self::Another,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let written = |cause: StopCause<'_>| StoppedBy::of(&cause.to_string());
        assert_eq!(written(StopCause::Deadline(Timestamp::UNIX_EPOCH)), StoppedBy::Deadline);
        assert_eq!(written(StopCause::Undeclared), StoppedBy::Evenkeel);
        assert_eq!(written(StopCause::Superseded("a:1 makes way for a:2")), StoppedBy::Evenkeel);
        assert_eq!(StoppedBy::of("Task stopped by user"), StoppedBy::Another);
        assert_eq!(StoppedBy::of(""), StoppedBy::Another);
    }
}
