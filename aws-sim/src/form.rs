//! The request side of awsQuery: `A.member.1.B=x&…` as a tree.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::ApiError;

/// One node of a query form: a text, named children, or both. The form itself is the root node.
///
/// `Conditions.member.1.Values.member.2=x` is read as
/// `form.structs("Conditions")[0].list("Values")[1] == "x"`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Form {
    text: Option<String>,
    children: BTreeMap<String, Form>,
}

impl Form {
    /// Reads an `application/x-www-form-urlencoded` body. Bytes that are not UTF-8 become
    /// replacement characters.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let mut root = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            root.insert(&name, value.into_owned());
        }
        root
    }

    /// Builds a form from dotted names and values, as tests and in-process callers do.
    #[must_use]
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let mut root = Self::default();
        for (name, value) in pairs {
            root.insert(name, (*value).to_owned());
        }
        root
    }

    fn insert(&mut self, name: &str, value: String) {
        let node = name.split('.').fold(self, |node, part| node.children.entry(part.to_owned()).or_default());
        node.text = Some(value);
    }

    /// The text of this node itself.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The text of a direct member. An empty text counts as present.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.children.get(name)?.text.as_deref()
    }

    /// The text of a member that must be there and not be empty.
    ///
    /// # Errors
    /// AWS's `ValidationError` for a null member.
    pub fn require(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name).filter(|v| !v.is_empty()).ok_or_else(|| null_member(name))
    }

    /// A whole number.
    ///
    /// # Errors
    /// `ValidationError` when the text is no number.
    pub fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.get(name).filter(|v| !v.is_empty()) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| malformed(format!("'{text}' is not a valid number for {name}")))
    }

    /// A truth value, `true` or `false`.
    ///
    /// # Errors
    /// `ValidationError` for any other text.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None | Some("") => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(malformed(format!("'{other}' is not a valid boolean for {name}"))),
        }
    }

    /// Whether the request names this member at all, be it as a text, a structure or an empty list.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.children.contains_key(name)
    }

    /// A nested structure.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Form> {
        self.children.get(name)
    }

    /// The items of a list of structures, in the order of their numbers (10 after 9, not after 1).
    #[must_use]
    pub fn structs(&self, name: &str) -> Vec<&Form> {
        self.children.get(name).map(Form::items).unwrap_or_default()
    }

    /// The items of this node, which is a list, in the order of their numbers.
    #[must_use]
    pub fn items(&self) -> Vec<&Form> {
        let Some(list) = self.children.get("member") else { return Vec::new() };
        let mut items: Vec<(usize, &Form)> =
            list.children.iter().filter_map(|(number, item)| Some((number.parse().ok()?, item))).collect();
        items.sort_by_key(|(number, _)| *number);
        items.into_iter().map(|(_, item)| item).collect()
    }

    /// The texts of a list, in the order of their numbers.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        self.structs(name).into_iter().filter_map(|item| item.text.clone()).collect()
    }

    /// This node as JSON: lists as arrays, `entry` maps as objects, all leaves as strings.
    #[must_use]
    pub fn to_value(&self) -> Value {
        if self.children.is_empty() {
            return Value::String(self.text.clone().unwrap_or_default());
        }
        if self.children.contains_key("member") {
            return self.items().into_iter().map(Form::to_value).collect();
        }
        if let Some(entries) = self.children.get("entry") {
            let pairs = entries.children.values();
            return pairs
                .filter_map(|e| Some((e.get("key")?.to_owned(), Value::from(e.get("value")?))))
                .collect::<Map<_, _>>()
                .into();
        }
        self.children.iter().map(|(name, node)| (name.clone(), node.to_value())).collect::<Map<_, _>>().into()
    }
}

/// AWS's answer to a member that must be there and is not.
#[must_use]
pub fn null_member(name: &str) -> ApiError {
    let mut chars = name.chars();
    let field: String = chars.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect();
    malformed(format!(
        "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
    ))
}

fn malformed(message: String) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_the_order_of_their_numbers() {
        let body: Vec<String> = (1..=11).map(|i| format!("Names.member.{i}=n{i}")).collect();
        let form = Form::parse(body.join("&").as_bytes());
        assert_eq!(form.list("Names")[10], "n11");
        assert_eq!(form.list("Names")[1], "n2");
    }

    #[test]
    fn escapes_and_plus_signs_are_decoded() {
        let form = Form::parse(b"A=x%20y+z%2F%C3%A9&Empty=&Broken=50%");
        assert_eq!(form.get("A"), Some("x y z/\u{e9}"));
        assert_eq!(form.get("Empty"), Some(""));
        assert_eq!(form.get("Broken"), Some("50%"));
    }

    #[test]
    fn structures_nest_and_become_json() {
        let form = Form::parse(
            b"C.member.1.Field=host-header&C.member.1.H.Values.member.1=a&C.member.1.H.Values.member.2=b",
        );
        let value = form.structs("C")[0].to_value();
        assert_eq!(value, serde_json::json!({"Field": "host-header", "H": {"Values": ["a", "b"]}}));
    }

    #[test]
    fn a_missing_member_is_named_as_aws_names_it() {
        let error = Form::default().require("TargetGroupArn").unwrap_err();
        assert_eq!(error.code, "ValidationError");
        assert!(error.message.contains("'targetGroupArn'"));
    }
}
