//! Documents that go straight to AWS, by a hand that checks nothing and fills in the least: what a
//! person would do with the console's forms. It shares nothing with the controller's own lowering.

use crate::support::REGION;
use aws_sim::Sim;
use aws_sim::wire::{Request, Service};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

/// What AWS answered to the first call that it refused.
pub struct Refusal {
    operation: &'static str,
    code: String,
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message.replace('\n', " ");
        write!(f, "{} {}: {message}", self.operation, self.code)
    }
}

/// Puts all parts of a document into a new account, until AWS refuses a call.
pub async fn apply(document: &Value) -> Result<(), Refusal> {
    let sim = Sim::builder().seed(7).build();
    let seed = json!({
        "region": REGION,
        "capacityProviders": ["mine"],
        "clusters": [{"name": "shop", "capacityProviders": ["FARGATE", "FARGATE_SPOT", "mine"]}],
        "loadBalancers": [{"name": "front"}, {"name": "second"}, {"name": "net", "type": "network"}],
    });
    let seeded = sim.seed_world(&seed).unwrap();
    let spec = &document["spec"];
    let mut account = Account { sim, spec, arns: BTreeMap::new() };
    for name in ["front", "second", "net"] {
        account.arns.insert(("loadBalancers", name.to_owned()), seeded["loadBalancers"][name].clone());
    }
    account.log_groups().await?;
    account.target_groups().await?;
    account.listeners().await?;
    account.rules().await?;
    account.alarms().await?;
    account.components(document["metadata"]["name"].as_str().unwrap_or_default()).await
}

struct Account<'a> {
    sim: Sim,
    spec: &'a Value,
    /// ARNs by the part of the document and the key in it.
    arns: BTreeMap<(&'static str, String), Value>,
}

fn entries<'a>(spec: &'a Value, part: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    spec[part].as_object().into_iter().flatten()
}

/// The objects of a list, which may be absent.
fn each(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_array_mut().into_iter().flatten()
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

impl Account<'_> {
    async fn call(&self, service: Service, operation: &'static str, input: Value) -> Result<Value, Refusal> {
        let query = service == Service::Elbv2;
        let body = if query { form(operation, &input) } else { input.to_string() };
        let request = Request {
            region: REGION.to_owned(),
            service,
            protocol: service.protocols()[0],
            operation: operation.to_owned(),
            body: body.into_bytes(),
            access_key: None,
        };
        let response = self.sim.exchange(request).await.unwrap();
        let text = String::from_utf8(response.body).unwrap();
        match response.error {
            None if query => Ok(text.into()),
            None => Ok(serde_json::from_str(&text).unwrap_or_default()),
            Some(code) => {
                let message = if query { element(&text, "Message") } else { member(&text, "message") };
                Err(Refusal { operation, code: code.to_owned(), message })
            }
        }
    }

    /// Creates what load balancing has, and remembers its ARN.
    async fn balance(
        &mut self,
        (part, key): (&'static str, &str),
        operation: &'static str,
        input: Value,
        arn: &str,
    ) -> Result<Value, Refusal> {
        let answer = self.call(Service::Elbv2, operation, input).await?;
        let arn = Value::from(element(answer.as_str().unwrap_or_default(), arn));
        self.arns.insert((part, key.to_owned()), arn.clone());
        Ok(arn)
    }

    /// The ARN of a key in a part of the document, or what it is when it is none.
    fn arn(&self, part: &'static str, key: &Value) -> Value {
        let name = key.as_str().unwrap_or_default().to_owned();
        self.arns.get(&(part, name)).unwrap_or(key).clone()
    }

    /// Puts an ARN, under the name that AWS has for it, where a key stands.
    fn resolve(&self, object: &mut Value, from: &str, part: &'static str, to: &str) {
        if let Some(key) = object.as_object_mut().and_then(|fields| fields.remove(from)) {
            object[to] = self.arn(part, &key);
        }
    }

    /// The document's tags, with these names of their members.
    fn tags(&self, key: &str, value: &str) -> Value {
        entries(self.spec, "tags").map(|(name, text)| json!({key: name, value: text})).collect()
    }

    async fn log_groups(&self) -> Result<(), Refusal> {
        for (name, group) in entries(self.spec, "logGroups") {
            let mut input = json!({"logGroupName": name, "tags": self.spec["tags"]});
            if input["tags"].is_null() {
                input["tags"] = json!({});
            }
            if let Some(key) = group.get("kmsKeyId") {
                input["kmsKeyId"] = key.clone();
            }
            self.call(Service::Logs, "CreateLogGroup", input).await?;
            if let Some(days) = group.get("retentionInDays") {
                let input = json!({"logGroupName": name, "retentionInDays": days});
                self.call(Service::Logs, "PutRetentionPolicy", input).await?;
            }
        }
        Ok(())
    }

    async fn target_groups(&mut self) -> Result<(), Refusal> {
        for (key, group) in entries(self.spec, "targetGroups") {
            let mut input = fields(group);
            let attributes = input.remove("attributes").unwrap_or_default();
            for (field, usual) in [("name", key.as_str()), ("protocol", "HTTP"), ("targetType", "ip")] {
                input.entry(field).or_insert_with(|| usual.into());
            }
            let mut input = pascal(&Value::Object(input));
            input["Tags"] = self.tags("Key", "Value");
            let place = ("targetGroups", key.as_str());
            let arn = self.balance(place, "CreateTargetGroup", input, "TargetGroupArn").await?;
            let list: Value =
                fields(&attributes).iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
            if !attributes.is_null() {
                let input = json!({"TargetGroupArn": arn, "Attributes": list});
                self.call(Service::Elbv2, "ModifyTargetGroupAttributes", input).await?;
            }
        }
        Ok(())
    }

    async fn listeners(&mut self) -> Result<(), Refusal> {
        for (key, listener) in entries(self.spec, "listeners") {
            let mut input = listener.clone();
            self.resolve(&mut input, "loadBalancer", "loadBalancers", "loadBalancerArn");
            self.actions(&mut input["defaultActions"]);
            let place = ("listeners", key.as_str());
            self.balance(place, "CreateListener", pascal(&input), "ListenerArn").await?;
        }
        Ok(())
    }

    async fn rules(&mut self) -> Result<(), Refusal> {
        for (key, rule) in entries(self.spec, "rules") {
            let mut input = rule.clone();
            self.resolve(&mut input, "listener", "listeners", "listenerArn");
            self.actions(&mut input["actions"]);
            conditions(&mut input["conditions"]);
            self.balance(("rules", key.as_str()), "CreateRule", pascal(&input), "RuleArn").await?;
        }
        Ok(())
    }

    fn actions(&self, actions: &mut Value) {
        for action in each(actions) {
            self.resolve(action, "targetGroup", "targetGroups", "targetGroupArn");
            let Some(action) = action.as_object_mut() else { continue };
            let (groups, sticky) = (action.remove("targetGroups"), action.remove("stickinessSeconds"));
            if groups.is_none() && sticky.is_none() {
                continue;
            }
            let mut groups = groups.unwrap_or_else(|| {
                action.get("targetGroupArn").map(|arn| json!([{"targetGroupArn": arn}])).unwrap_or_default()
            });
            for group in each(&mut groups) {
                self.resolve(group, "targetGroup", "targetGroups", "targetGroupArn");
            }
            let mut forward = json!({"targetGroups": groups});
            if let Some(seconds) = sticky {
                forward["targetGroupStickinessConfig"] = json!({"enabled": true, "durationSeconds": seconds});
            }
            action.insert("forwardConfig".to_owned(), forward);
        }
    }

    async fn alarms(&self) -> Result<(), Refusal> {
        for (key, alarm) in entries(self.spec, "alarms") {
            let mut input = alarm.clone();
            if input.get("alarmName").is_none() {
                input["alarmName"] = key.as_str().into();
            }
            self.call(Service::Cloudwatch, "PutMetricAlarm", pascal(&input)).await?;
        }
        Ok(())
    }

    async fn components(&self, deployment: &str) -> Result<(), Refusal> {
        for (key, component) in entries(self.spec, "components") {
            let name = format!("{deployment}-{key}");
            let workloads = ["service", "singleton", "task"];
            let workloads = workloads.iter().filter_map(|word| Some((*word, component.get(*word)?)));
            for (word, workload) in workloads {
                let capacity = capacity(workload);
                self.define(&name, &component["taskDefinition"], capacity).await?;
                let family = component["taskDefinition"].get("family").cloned();
                let family = family.unwrap_or_else(|| name.as_str().into());
                let mut input = workload.clone();
                if workload.get("capacityProviderStrategy").is_none() && workload.get("launchType").is_none()
                {
                    input["launchType"] = capacity.into();
                }
                input["cluster"] = self.spec["placement"]["cluster"].clone();
                input["taskDefinition"] = family;
                if word == "task" {
                    self.run(input).await?;
                } else {
                    self.serve(&name, input, word == "singleton").await?;
                }
            }
        }
        Ok(())
    }

    async fn define(&self, name: &str, definition: &Value, capacity: &str) -> Result<(), Refusal> {
        let mut input = definition.clone();
        for (field, usual) in [
            ("family", json!(name)),
            ("networkMode", json!("awsvpc")),
            ("requiresCompatibilities", json!([capacity])),
        ] {
            if input.get(field).is_none() {
                input[field] = usual;
            }
        }
        for field in ["cpu", "memory"] {
            if let Some(number) = input[field].as_i64() {
                input[field] = number.to_string().into();
            }
        }
        for container in each(&mut input["containerDefinitions"]) {
            for secret in each(container.get_mut("secrets").unwrap_or(&mut Value::Null)) {
                secret.as_object_mut().map(|fields| fields.remove("onRotation"));
            }
        }
        let tags = self.tags("key", "value");
        if self.spec.get("tags").is_some() {
            input["tags"] = tags;
        }
        self.call(Service::Ecs, "RegisterTaskDefinition", input).await?;
        Ok(())
    }

    async fn serve(&self, name: &str, mut input: Value, singleton: bool) -> Result<(), Refusal> {
        if let Some(fields) = input.as_object_mut() {
            let minimum = fields.remove("autoscaling").map(|of| of["minCapacity"].clone());
            for ours in ["bakeSeconds", "progressDeadlineSeconds"] {
                fields.remove(ours);
            }
            if fields.get("schedulingStrategy").is_none_or(|word| word != "DAEMON") {
                let count = minimum.unwrap_or_else(|| json!(1));
                fields.entry("desiredCount").or_insert(count);
            }
            fields.entry("serviceName").or_insert_with(|| name.into());
        }
        if singleton {
            for (field, usual) in [("minimumHealthyPercent", 0), ("maximumPercent", 100)] {
                let of = &mut input["deploymentConfiguration"];
                if of.get(field).is_none() {
                    of[field] = usual.into();
                }
            }
        }
        for balancer in each(input.get_mut("loadBalancers").unwrap_or(&mut Value::Null)) {
            self.resolve(balancer, "targetGroup", "targetGroups", "targetGroupArn");
            let Some(advanced) = balancer.get_mut("advancedConfiguration") else { continue };
            for (field, part) in [
                ("alternateTargetGroupArn", "targetGroups"),
                ("productionListenerRule", "rules"),
                ("testListenerRule", "rules"),
            ] {
                self.resolve(advanced, field, part, field);
            }
        }
        if let Some(alarms) = input.pointer_mut("/deploymentConfiguration/alarms") {
            let own = alarms.as_object_mut().and_then(|fields| fields.remove("alarms"));
            let names = alarms["alarmNames"].as_array().into_iter().flatten();
            alarms["alarmNames"] =
                names.chain(own.iter().flat_map(Value::as_array).flatten()).cloned().collect();
            alarms["rollback"] = alarms.get("rollback").cloned().unwrap_or_else(|| false.into());
        }
        if let Some(breaker) = input.pointer_mut("/deploymentConfiguration/deploymentCircuitBreaker") {
            for flag in ["enable", "rollback"] {
                breaker[flag] = breaker.get(flag).cloned().unwrap_or_else(|| false.into());
            }
        }
        self.call(Service::Ecs, "CreateService", input).await?;
        Ok(())
    }

    async fn run(&self, mut input: Value) -> Result<(), Refusal> {
        for ours in ["deadlineSeconds", "retries", "run"] {
            input.as_object_mut().map(|fields| fields.remove(ours));
        }
        self.call(Service::Ecs, "RunTask", input).await?;
        Ok(())
    }
}

/// Puts values where AWS wants them for fields that have no other place for them.
fn conditions(conditions: &mut Value) {
    for condition in each(conditions) {
        let place = match condition["field"].as_str() {
            Some("http-request-method") => "httpRequestMethodConfig",
            Some("source-ip") => "sourceIpConfig",
            _ => continue,
        };
        if let Some(values) = condition.as_object_mut().and_then(|fields| fields.remove("values")) {
            condition[place] = json!({"values": values});
        }
    }
}

/// What a workload runs on when its definition does not say.
fn capacity(workload: &Value) -> &'static str {
    let strategy = workload["capacityProviderStrategy"].as_array();
    let providers = || strategy.into_iter().flatten().filter_map(|item| item["capacityProvider"].as_str());
    match workload["launchType"].as_str() {
        Some("EC2") => "EC2",
        Some("EXTERNAL") => "EXTERNAL",
        None if providers().any(|name| !name.starts_with("FARGATE")) => "EC2",
        _ => "FARGATE",
    }
}

/// The same with names as in the APIs of load balancing and CloudWatch.
fn pascal(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(pascal).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let rest: String = name.chars().skip(1).collect();
                let name = match name.as_str() {
                    "okActions" => "OKActions".to_owned(),
                    _ => format!("{}{rest}", name[..1].to_ascii_uppercase()),
                };
                (name, pascal(value))
            })
            .collect(),
        other => other.clone(),
    }
}

/// The body of an awsQuery call.
fn form(operation: &str, input: &Value) -> String {
    let mut text = format!("Action={operation}&Version=2015-12-01");
    write_form(&mut text, "", input);
    text
}

fn write_form(text: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (member, value) in fields {
                let name = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                write_form(text, &name, value);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                write_form(text, &format!("{name}.member.{}", index + 1), item);
            }
        }
        Value::Null => {}
        Value::String(value) => write_field(text, name, value),
        other => write_field(text, name, &other.to_string()),
    }
}

fn write_field(text: &mut String, name: &str, value: &str) {
    write!(text, "&{name}=").unwrap();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => text.push(char::from(byte)),
            other => write!(text, "%{other:02X}").unwrap(),
        }
    }
}

/// The text of the first XML element of this name.
fn element(xml: &str, name: &str) -> String {
    let inner =
        xml.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    let text = inner.map_or("", |(text, _)| text);
    let plain =
        [("&apos;", "'"), ("&#39;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    plain.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

fn member(json: &str, name: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    value[name].as_str().or_else(|| value["Message"].as_str()).unwrap_or_default().to_owned()
}
