//! What is due in every cell, read off the ownership table: no cell is listed by hand.

use evenkeel::model::resource::ResourceKind;
use evenkeel::plan::table::{Class, Compare, Effect, Row, UpdateCall};
use std::fmt;

/// What somebody does to a field by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ManualChange {
    /// The declared value is replaced by another.
    Changed,
    /// The declared value goes: back to what AWS has when nobody names the field; of a list, one
    /// element.
    Removed,
    /// A list or map gets an element that nobody declared.
    Added,
    /// The document does not name the field, and somebody sets it.
    Unnamed,
}

impl ManualChange {
    pub const ALL: [Self; 4] = [Self::Changed, Self::Removed, Self::Added, Self::Unnamed];

    /// Whether it is done to the resource whose document names the field.
    pub fn is_on_named(self) -> bool {
        self != Self::Unnamed
    }
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written back in the pass that sees it, and reported.
    Repaired,
    /// Reported with the reason why AWS cannot change it, and never fought.
    Reported,
    /// Neither reported nor written.
    Left,
    /// An edit of the document brings this about.
    Brings(&'static str),
    /// There is no such thing, because of this.
    Meaningless(&'static str),
    /// Something that no rule allows.
    Odd(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repaired => "repaired",
            Self::Reported => "reported",
            Self::Left => "left",
            Self::Meaningless(_) => "-",
            Self::Brings(what) => what,
            Self::Odd(what) => what,
        })
    }
}

/// What is known of a field's place in a document.
#[derive(Clone, Copy, Debug)]
pub struct Cardinality {
    /// Whether a document without the field is refused.
    pub required: bool,
    /// Whether the declared value is a list or a map.
    pub many: bool,
}

/// What is due of a change under a policy other than `Repair`.
pub fn due_under(policy: &str) -> Outcome {
    if policy == "Report" { Outcome::Reported } else { Outcome::Left }
}

/// Why a row is outside of what can drift by hand, when it is.
pub fn outside(row: &Row) -> Option<&'static str> {
    match (row.kind, row.compare, row.update_call) {
        (_, _, UpdateCall::Nothing) => Some("a setting of Evenkeel's own, which AWS never sees"),
        (ResourceKind::Task, ..) => {
            Some("AWS changes nothing in a task that runs; it holds for the next one")
        }
        (ResourceKind::TaskDefinition, _, carrier) if carrier != UpdateCall::Tag => {
            Some("a revision never changes in AWS; see the table of documents")
        }
        _ if row.class == Class::Delegated || row.class == Class::DeclaredWhileRolling => None,
        (_, Compare::Never, _) => {
            Some("it says which resource is meant: with another value it is another one")
        }
        (ResourceKind::Listener | ResourceKind::Rule, Compare::Exact, _)
            if row.effect == Effect::Replaces =>
        {
            Some("AWS moves no listener to another load balancer and no rule to another listener")
        }
        _ => None,
    }
}

/// What is due when somebody does this to this field.
pub fn due(row: &Row, change: ManualChange, cardinality: Cardinality) -> Outcome {
    if let Some(reason) = outside(row) {
        return Outcome::Meaningless(reason);
    }
    let undone = if row.effect == Effect::Impossible { Outcome::Reported } else { Outcome::Repaired };
    if row.class == Class::Delegated {
        return match change {
            ManualChange::Added => Outcome::Repaired,
            ManualChange::Removed => Outcome::Left,
            ManualChange::Changed | ManualChange::Unnamed => {
                Outcome::Meaningless("no document names it, and AWS changes none of it")
            }
        };
    }
    if row.class == Class::DeclaredWhileRolling && change != ManualChange::Changed {
        return Outcome::Meaningless(
            "the rollout writes it: no document names it, and a service always has one",
        );
    }
    let keys_of_others = row.compare == Compare::DeclaredKeys;
    match change {
        ManualChange::Changed => undone,
        ManualChange::Removed if cardinality.required && !cardinality.many => {
            Outcome::Meaningless("neither a document nor AWS does without it")
        }
        ManualChange::Removed => undone,
        ManualChange::Added if !cardinality.many => {
            Outcome::Meaningless("one value, to which nothing can be added")
        }
        ManualChange::Added if keys_of_others => Outcome::Left,
        ManualChange::Added => undone,
        ManualChange::Unnamed if cardinality.required => {
            Outcome::Meaningless("a document without it is refused")
        }
        ManualChange::Unnamed if row.update_call == UpdateCall::Tag => {
            Outcome::Meaningless("Evenkeel's own tags are always declared")
        }
        ManualChange::Unnamed => match row.class {
            Class::Declared | Class::DeclaredWithDefault | Class::WeightsDelegatedWhileShifting => undone,
            Class::DelegatedUnlessDeclared
            | Class::DefaultedUnlessDeclared
            | Class::DeclaredWhileRolling
            | Class::Delegated => Outcome::Left,
        },
    }
}
