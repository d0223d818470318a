//! How urgent the work on a deployment is, compared with that on others.

use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

/// What goes first when there is more to do than AWS's request rates allow: the most urgent is the
/// first. It decides about order alone, never about what is done.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Urgency {
    /// A repair or an edit of what serves, and whatever a person asks for.
    #[default]
    Serving,
    /// A rollout of what serves, under way or begun for many at once.
    Rollout,
    /// What has never served comes up for the first time.
    BringUp,
    /// A look at what is in order as far as is known.
    Look,
}

impl Urgency {
    /// The word used in metrics.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The same, one step more urgent. Nothing becomes as urgent by waiting as what serves.
    #[must_use]
    pub fn aged(self) -> Self {
        match self {
            Self::Serving => Self::Serving,
            Self::Rollout | Self::BringUp => Self::Rollout,
            Self::Look => Self::BringUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn waiting_makes_nothing_as_urgent_as_what_serves() {
        for urgency in Urgency::iter() {
            let aged = urgency.aged().aged().aged();
            assert_eq!(aged == Urgency::Serving, urgency == Urgency::Serving, "{urgency:?}");
            assert!(aged <= urgency);
        }
    }
}
