//! What each operation asks for: actions, resources and condition keys.
//!
//! Source: Service Authorization Reference, the page of each service ("Actions, resources, and
//! condition keys for …"); what is asked besides, and how resources that are not there yet are
//! written, names its own source. An operation without a row asks for the action of its name on
//! `*`, with no keys of its own.

mod cloudwatch;
mod ecs;
mod elbv2;
mod logs;

use std::collections::BTreeMap;

use serde_json::Value;

use super::question::Question;
use crate::{
    ctx::partition,
    fields::{Fields, texts},
    wire::{Request, Service},
    world::Region,
};

/// Tags by key.
type Tags = BTreeMap<String, String>;

/// Where questions are asked: what they are made from.
struct Asking<'a> {
    operation: &'a str,
    input: &'a Value,
    account: &'a str,
    region: &'a Region,
}

/// Whether an operation asks for no permission at all: AWS STS API Reference, GetCallerIdentity.
pub(super) fn is_free(request: &Request) -> bool {
    request.operation == "GetCallerIdentity"
}

/// The action with the operation's own name.
pub(super) fn own_action(request: &Request) -> String {
    let prefix = match request.service {
        Service::Cloudwatch => "cloudwatch",
        other => other.name(),
    };
    format!("{prefix}:{}", request.operation)
}

/// All that a call asks for, in the order in which it is answered. Each must be allowed.
pub(super) fn of(request: &Request, input: &Value, account: &str, region: &Region) -> Vec<Question> {
    let action = own_action(request);
    let asking = &Asking { operation: &request.operation, input, account, region };
    let asked = match request.service {
        Service::Ecs => ecs::of(asking, &action),
        Service::Elbv2 => elbv2::of(asking, &action),
        Service::Logs => logs::of(asking, &action),
        Service::Cloudwatch => cloudwatch::of(asking, &action),
        Service::Secrets => asking.secret(&action),
        Service::Sts => input.text("RoleArn").map(|role| vec![Question::new(action.as_str(), role)]),
    };
    // A request that names nothing asks for the action all the same.
    asked.filter(|asked| !asked.is_empty()).unwrap_or_else(|| vec![Question::new(action, "*")])
}

impl Asking<'_> {
    /// An ARN in the caller's account and the request's region.
    fn arn(&self, service: &str, resource: &str) -> String {
        let region = &self.region.name;
        format!("arn:{}:{service}:{region}:{}:{resource}", partition(region), self.account)
    }

    /// A secret by its ARN, or by its name with the six characters that a name does not tell.
    fn secret(&self, action: &str) -> Option<Vec<Question>> {
        let id = self.input.text("SecretId")?;
        let (arn, tags) = self.region.secrets.tagged(id).unwrap_or_else(|| {
            let arn = if id.starts_with("arn:") {
                id.to_owned()
            } else {
                self.arn("secretsmanager", &format!("secret:{id}"))
            };
            (arn, Tags::new())
        });
        Some(vec![
            Question::new(action, arn)
                .with("secretsmanager:SecretId", id)
                .of_resource("secretsmanager", &tags),
        ])
    }
}

impl Question {
    /// Puts in the tags that the resource has.
    fn of_resource(mut self, service: &str, tags: &Tags) -> Self {
        for (key, value) in tags {
            self.context.put(&format!("aws:ResourceTag/{key}"), vec![value.clone()]);
            self.context.put(&format!("{service}:ResourceTag/{key}"), vec![value.clone()]);
        }
        self
    }

    /// Puts in the tags that the request gives.
    fn giving(mut self, tags: &Tags) -> Self {
        for (key, value) in tags {
            self.context.put(&format!("aws:RequestTag/{key}"), vec![value.clone()]);
        }
        self.naming(tags.keys().cloned().collect())
    }

    /// Puts in the keys of tags that the request names.
    fn naming(mut self, keys: Vec<String>) -> Self {
        if !keys.is_empty() {
            self.context.put("aws:TagKeys", keys);
        }
        self
    }
}

/// The tags of a list of keys and values, as most services write it.
fn listed_tags(input: &Value, list: &str, key: &str, value: &str) -> Tags {
    let pair =
        |tag: &Value| Some((tag.text(key)?.to_owned(), tag.text(value).unwrap_or_default().to_owned()));
    input.items(list).iter().filter_map(pair).collect()
}

/// The texts of a list, owned.
fn names(input: &Value, list: &str) -> Vec<String> {
    texts(input, list).into_iter().map(str::to_owned).collect()
}
