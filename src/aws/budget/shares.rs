//! Which part of AWS's published rates may be used.

use super::category::Category;
use crate::model::nearest::nearest;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use strum::IntoEnumIterator;

/// The smallest share that counts.
const LEAST: f64 = 0.001;

/// Parts of AWS's published rates, 0 to 1: one for all categories, and others for some.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    all: f64,
    own: BTreeMap<Category, f64>,
}

impl Shares {
    /// The share of a category: at least a thousandth, at most the whole.
    pub fn of(&self, category: Category) -> f64 {
        self.own.get(&category).copied().unwrap_or(self.all).clamp(LEAST, 1.0)
    }

    /// The share of ELB's bucket for all of its actions: the largest of theirs, so that this bucket
    /// holds back none that has more.
    pub(super) fn of_elb(&self) -> f64 {
        Category::iter().filter(|category| category.is_elb()).map(|one| self.of(one)).fold(LEAST, f64::max)
    }
}

impl From<f64> for Shares {
    fn from(all: f64) -> Self {
        Self { all, own: BTreeMap::new() }
    }
}

/// In percent, as [`Shares::from_str`] reads it.
impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| (share * 100.0).round();
        write!(f, "{}", percent(self.all))?;
        let mut own = self.own.iter();
        own.try_for_each(|(category, share)| write!(f, ",{}={}", category.as_str(), percent(*share)))
    }
}

/// Reads `25` or `25,ecs-service-write=50,elb-write=50`: percent for all categories, then for
/// single ones.
impl FromStr for Shares {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',').map(str::trim);
        let all = parts.next().unwrap_or_default();
        if let Some((name, _)) = all.split_once('=') {
            return Err(format!(
                "the share of all categories comes before that of `{}`: `25,{all}`",
                name.trim()
            ));
        }
        let mut shares = Self::from(percent(all)?);
        for part in parts {
            let (name, share) = part.split_once('=').ok_or_else(|| {
                format!("`{part}` is no CATEGORY=PERCENT; the first one alone is for all categories")
            })?;
            let name = name.trim();
            let category = Category::from_str(name).map_err(|_| unknown(name))?;
            if shares.own.insert(category, percent(share.trim())?).is_some() {
                return Err(format!("`{name}` has two shares; give it one"));
            }
        }
        Ok(shares)
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<u32>() {
        Ok(percent @ 1..=100) => Ok(f64::from(percent) / 100.0),
        _ => Err(format!("`{text}` is no share; expected a whole number of percent, 1 to 100")),
    }
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = Category::iter().map(Category::as_str).collect();
    match nearest(name, &names) {
        Some(meant) => format!("there is no category `{name}`; did you mean `{meant}`?"),
        None => format!("there is no category `{name}`; there are: {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_for_all_and_names_have_their_own() {
        let shares: Shares = "25, ecs-service-write = 50,elb-write=100".parse().unwrap();
        assert_eq!(shares.of(Category::EcsServiceRead), 0.25);
        assert_eq!(shares.of(Category::EcsServiceWrite), 0.5);
        assert_eq!(shares.of_elb(), 1.0, "else the bucket of all actions would hold writes back");
        assert_eq!(shares.to_string(), "25,ecs-service-write=50,elb-write=100");
        assert_eq!("7".parse::<Shares>(), Ok(0.07.into()));
    }

    #[test]
    fn what_cannot_be_read_says_what_was_expected() {
        let error = |text: &str| text.parse::<Shares>().unwrap_err();
        for bad in ["", "0", "101", "-5", "2.5", "25,elb-write=0", "25,elb-write="] {
            assert!(error(bad).contains("expected a whole number of percent, 1 to 100"), "{bad}");
        }
        assert!(error("elb-write=50").contains("`25,elb-write=50`"), "{}", error("elb-write=50"));
        assert!(error("25,50").contains("CATEGORY=PERCENT"), "{}", error("25,50"));
        assert!(error("25,elb-writes=50").contains("did you mean `elb-write`?"));
        assert!(error("25,dynamodb=50").contains("there are: ecs-service-read, "));
        assert!(error("25,elb-write=50,elb-write=60").contains("two shares"));
    }
}
