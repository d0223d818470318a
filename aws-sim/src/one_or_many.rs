//! JSON that holds one thing or a list of them.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One of something, or a list.
pub(crate) enum OneOrMany<T> {
    /// A list, which may be empty.
    Many(Vec<T>),
    /// One.
    One(T),
}

impl<T> OneOrMany<T> {
    /// All of them, in order.
    pub(crate) fn list(self) -> Vec<T> {
        match self {
            Self::Many(list) => list,
            Self::One(one) => vec![one],
        }
    }
}

/// What is wrong is said of the thing itself, which an untagged enum does not.
impl<'de, T: DeserializeOwned> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |value| serde_json::from_value::<T>(value).map_err(D::Error::custom);
        match Value::deserialize(deserializer)? {
            Value::Array(list) => list.into_iter().map(read).collect::<Result<_, _>>().map(Self::Many),
            one => read(one).map(Self::One),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::FaultRule;

    #[test]
    fn what_is_wrong_with_one_of_them_is_said() {
        let of = |text: &str| serde_json::from_str::<OneOrMany<FaultRule>>(text).err().map(|e| e.to_string());
        let refused = r#"{"operation": "ecs:UpdateService", "effect": {"refuse": {"code": "AccessDenied"}}}"#;
        for text in [refused.to_owned(), format!("[{refused}]")] {
            let said = of(&text).unwrap_or_default();
            assert!(said.contains("missing field") || said.contains("unknown variant"), "{said}");
        }
    }
}
