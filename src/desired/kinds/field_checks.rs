//! Checks of one field that several typed kinds make.

use crate::model::arn::{Arn, is_arn};
use crate::model::finding::Findings;
use crate::model::kinds::references::SecretRef;

impl Findings {
    /// A text that must be there.
    pub(in crate::desired) fn required(&mut self, field: &str, value: &str, help: &str) {
        if value.trim().is_empty() {
            self.error(field, "is required", help);
        }
    }

    /// Fields below `base` that make sense only together: all or none.
    pub(in crate::desired) fn together(&mut self, base: &str, fields: &[(&str, bool)], help: &str) {
        if fields.iter().any(|(_, present)| *present) {
            for (name, _) in fields.iter().filter(|(_, present)| !present) {
                self.error(format!("{base}.{name}"), "is required with its neighbours: all or none", help);
            }
        }
    }

    /// Text that must be PEM content. A path is the usual mistake: these variables carry the
    /// certificate itself.
    pub(in crate::desired) fn pem(&mut self, field: &str, value: Option<&str>) {
        if value.is_some_and(|value| !value.trim().is_empty() && !value.contains("-----BEGIN ")) {
            self.error(
                field,
                "is not PEM content",
                "put the certificate itself here, beginning with -----BEGIN CERTIFICATE-----, not its path",
            );
        }
    }

    /// A host name without scheme, port and path.
    pub(in crate::desired) fn host(&mut self, field: &str, value: &str) {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if !value.is_empty() && (!value.chars().all(legal) || !value.contains('.')) {
            let message = format!("`{value}` is not a host name");
            self.error(field, message, "write lower-case labels with dots only: no scheme, port or path");
        }
    }

    /// `host:port`, without scheme.
    pub(in crate::desired) fn host_port(&mut self, field: &str, value: &str, example: &str) {
        let good = value.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains(['/', ':']) && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !value.is_empty() && !good {
            let message = format!("`{value}` is not `host:port`");
            self.error(field, message, format!("write it as `{example}`"));
        }
    }

    /// A URL with scheme.
    pub(in crate::desired) fn url(&mut self, field: &str, value: &str) {
        let good = ["https://", "http://"].iter().any(|scheme| {
            value.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        if !value.is_empty() && !good {
            self.error(field, format!("`{value}` is not a URL"), "begin with https:// or http://");
        }
    }

    /// A tag that names one build for ever. Source: the vendors' upgrade guides, which tell to pin.
    pub(in crate::desired) fn image_tag(&mut self, tag: &str) {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if tag.is_empty() {
            self.error("spec.imageTag", "is required", "pin the version that is to run");
        } else if tag == "latest" {
            let message = "`latest` is not a version: tasks that start later run something else";
            self.warning("spec.imageTag", message, "pin the version that is to run");
        } else if tag.len() > 128 || !tag.chars().all(legal) || tag.starts_with(['.', '-']) {
            let message = format!("`{tag}` is not an image tag");
            self.error("spec.imageTag", message, "use up to 128 letters, digits, `.`, `_` and `-`");
        }
    }

    /// A reference to a secret, which must not be the secret itself.
    pub(in crate::desired) fn secret(&mut self, field: &str, reference: &SecretRef) {
        let text = reference.as_str();
        let said = ["ssm:", "secretsmanager:"].iter().find_map(|word| text.strip_prefix(word));
        let text = said.unwrap_or(text);
        let name = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        let head = text.split(':').next().unwrap_or_default();
        if text.trim().is_empty() {
            self.error(field, "is empty", "name the secret, or leave the field out");
        } else if text.contains("://") || text.contains("-----BEGIN") || text.chars().any(char::is_whitespace)
        {
            // The text is not repeated here: it may well be a secret.
            self.error(
                field,
                "looks like a secret's value; only references belong here",
                "store the value in Secrets Manager and write the secret's name or ARN",
            );
        } else if is_arn(text) {
            let service = Arn::parse(text).map(|arn| arn.service).unwrap_or_default();
            if !matches!(service, "secretsmanager" | "ssm") {
                let message = format!("an ARN of `{service}` is not a secret");
                self.error(field, message, "use an ARN of secretsmanager or ssm");
            }
        } else if !head.chars().all(name) || !matches!(text.matches(':').count(), 0 | 3) {
            self.error(
                field,
                "is not a reference to a secret",
                "write a name or an ARN, with `:json-key::` behind it to select a key",
            );
        }
    }
}
