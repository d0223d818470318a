//! The answer side of awsQuery: JSON-like values as the XML that AWS sends.

use serde_json::Value;

use crate::error::ApiError;

/// Namespace of Elastic Load Balancing v2.
pub const ELBV2: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
/// Namespace of the Security Token Service.
pub const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Namespace of CloudWatch.
pub const CLOUDWATCH: &str = "http://monitoring.amazonaws.com/doc/2010-08-01/";

/// Members that are maps in AWS's models. All other objects are structures.
const MAPS: [&str; 2] = ["AuthenticationRequestExtraParams", "ExtendedStatistics"];

/// The result of one awsQuery action, before it is wrapped into an envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct XmlBody {
    namespace: &'static str,
    result: Option<Value>,
}

impl XmlBody {
    /// A result whose members are those of a JSON object: arrays become `<member>` lists, nulls are
    /// left out.
    #[must_use]
    pub fn new(namespace: &'static str, result: Value) -> Self {
        Self { namespace, result: Some(result) }
    }

    /// The answer of an action that has no result.
    #[must_use]
    pub fn without_result(namespace: &'static str) -> Self {
        Self { namespace, result: None }
    }

    /// The result as JSON, for tests and for callers in the same process.
    #[must_use]
    pub fn value(&self) -> &Value {
        self.result.as_ref().unwrap_or(&Value::Null)
    }

    /// The whole document: `<ActionResponse><ActionResult>…</ActionResult><ResponseMetadata>…`.
    #[must_use]
    pub fn render(&self, action: &str, request_id: &str) -> String {
        let mut out = String::with_capacity(1024);
        out.push_str(&format!("<{action}Response xmlns=\"{}\">", self.namespace));
        if let Some(result) = &self.result {
            out.push_str(&format!("\n  <{action}Result>"));
            write_value(&mut out, "", result);
            out.push_str(&format!("</{action}Result>"));
        }
        out.push_str(&format!(
            "\n  <ResponseMetadata>\n    <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>"
        ));
        out.push_str(&format!("\n</{action}Response>\n"));
        out
    }
}

/// An error document as these services send it: `Sender` below status 500, `Receiver` from there
/// on.
#[must_use]
pub fn render_error(namespace: &str, error: &ApiError, request_id: &str) -> String {
    let side = if error.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\">\n  <Error>\n    <Type>{side}</Type>\n    <Code>{}</Code>\n    \
         <Message>{}</Message>\n  </Error>\n  <RequestId>{request_id}</RequestId>\n</ErrorResponse>\n",
        escape(error.code),
        escape(&error.message)
    )
}

/// How services that are not simulated wrap their errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorForm {
    /// awsQuery, and REST services in XML.
    Query,
    /// EC2.
    Ec2,
    /// S3: in nothing.
    Bare,
}

/// An error document of a service that has no namespace here.
#[must_use]
pub fn render_plain_error(form: ErrorForm, error: &ApiError, request_id: &str) -> String {
    let (code, text) = (escape(error.code), escape(&error.message));
    let inner = format!("<Code>{code}</Code><Message>{text}</Message>");
    match form {
        ErrorForm::Query => format!(
            "<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        ),
        ErrorForm::Ec2 => format!(
            "<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        ),
        ErrorForm::Bare => format!("<Error>{inner}<RequestId>{request_id}</RequestId></Error>"),
    }
}

fn write_value(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(&escape(text)),
        Value::Array(items) => items.iter().for_each(|item| write_element(out, "member", item)),
        Value::Object(entries) if MAPS.contains(&name) => {
            for (key, value) in entries {
                out.push_str("<entry>");
                write_element(out, "key", &Value::from(key.as_str()));
                write_element(out, "value", value);
                out.push_str("</entry>");
            }
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| write_element(out, name, member)),
    }
}

fn write_element(out: &mut String, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    out.push('<');
    out.push_str(name);
    out.push('>');
    write_value(out, name, value);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Text with the five reserved characters escaped; control characters that XML 1.0 cannot hold are
/// dropped.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#xD;"),
            c if c < ' ' && c != '\n' && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_wrapped_as_aws_wraps_it() {
        let body = XmlBody::new(
            ELBV2,
            json!({"Rules": [{"Priority": "10", "IsDefault": false}], "NextMarker": null}),
        );
        let text = body.render("DescribeRules", "r-1");
        assert!(text.starts_with("<DescribeRulesResponse xmlns=\"http://elasticloadbalancing"));
        assert!(
            text.contains(
                "<Rules><member><IsDefault>false</IsDefault><Priority>10</Priority></member></Rules>"
            )
        );
        assert!(!text.contains("NextMarker"));
        assert!(text.contains("<RequestId>r-1</RequestId>"));
    }

    #[test]
    fn reserved_characters_are_escaped_and_forbidden_ones_dropped() {
        assert_eq!(escape("a<b>&\"'\u{1}"), "a&lt;b&gt;&amp;&quot;&apos;");
    }

    #[test]
    fn a_client_mistake_is_the_senders_fault() {
        let text =
            render_error(ELBV2, &ApiError::new(400, "RuleNotFound", "One or more rules not found"), "r-2");
        assert!(text.contains("<Type>Sender</Type>\n    <Code>RuleNotFound</Code>"));
        assert!(render_error(ELBV2, &ApiError::new(500, "InternalFailure", "x"), "r").contains("Receiver"));
    }
}
