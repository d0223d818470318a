//! The control interface, as JSON over HTTP under `/_sim`, beside the AWS calls.
//!
//! | call | does |
//! |---|---|
//! | `GET /_sim` | time, speed, account, number of calls, trace hash; requests served, answered and lost by listener |
//! | `GET`, `POST`, `DELETE /_sim/faults` | shows, adds ([`crate::faults::FaultRule`]), clears fault rules |
//! | `GET`, `POST`, `DELETE /_sim/behaviours` | the same for [`crate::behaviour::BehaviourRule`] |
//! | `GET`, `DELETE /_sim/calls` | the newest calls and all counts; forgets them |
//! | `POST /_sim/world` | puts things into the world ([`crate::seed`]), answers their ARNs |
//! | `POST /_sim/metrics` | publishes values of metrics as AWS's own services do, one or a list; see below |
//! | `POST /_sim/alarms` | `{"region": …, "name": …, "state": "ALARM"}`: holds an alarm in a state; see below |
//! | `GET /_sim/services`, `GET /_sim/tasks` | ECS at a glance, in all regions |
//! | `POST /_sim/requests` | sends requests to load balancers ([`crate::traffic::Request`]), one or a list; answers theirs |
//! | `GET /_sim/requests` | requests that the listeners and rules are there for, and every answer that each could get |
//! | `POST /_sim/kill` | `{"task": ID, "exitCode": 137}`: the task's containers die |
//! | `GET`, `POST`, `DELETE /_sim/iam` | who has policies; attaches them (see below); takes all away: everything is allowed |
//! | `POST /_sim/limits` | `{"rateLimits": true}` |
//!
//! A value of a metric: `{"region": "eu-west-1", "namespace": "AWS/ECS", "name": "CPUUtilization",
//! "value": 95.5}`, with `"unit": "Percent"` and `"dimensions": {"ServiceName": "web"}` if it has
//! them. An alarm is held until it is given another state, or none (`null`), which lets it be
//! evaluated again.
//!
//! Policies: `{"role": "evenkeel", "policies": [{…}], "boundary": {…}}` for the sessions of a role,
//! `"accessKey"` for who signs with one, neither for everybody who has none of their own.

mod policies;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::one_or_many::OneOrMany;
use crate::{cloudwatch::MetricId, sim::Sim, traffic::Request};

/// Answers a control call with a status and a JSON value.
#[must_use]
pub fn answer(sim: &Sim, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let part = path.trim_start_matches("/_sim").trim_matches('/');
    match route(sim, method, part, body) {
        Ok(value) => (200, value),
        Err((status, text)) => (status, json!({ "error": text })),
    }
}

type Answer = Result<Value, (u16, String)>;

fn route(sim: &Sim, method: &str, part: &str, body: &[u8]) -> Answer {
    match (method, part) {
        ("GET", "") => Ok(overview(sim)),
        ("GET", "faults") => show(&sim.faults().rules()),
        ("POST", "faults") => read(body).map(|rules| each(rules, |rule| sim.faults().add(rule))),
        ("DELETE", "faults") => {
            sim.faults().clear();
            Ok(json!({}))
        }
        ("GET", "behaviours") => show(&sim.with(|world| world.behaviours.rules().to_vec())),
        ("POST", "behaviours") => read(body).map(|rules| each(rules, |rule| sim.behave(rule))),
        ("DELETE", "behaviours") => {
            sim.with(|world| world.behaviours.clear());
            Ok(json!({}))
        }
        ("GET", "calls") => Ok(json!({"counts": show(&sim.counts())?, "calls": show(&sim.calls())?})),
        ("DELETE", "calls") => {
            sim.reset_calls();
            Ok(json!({}))
        }
        ("POST", "world") => sim.seed_world(&read(body)?).map_err(|error| (400, error.to_string())),
        ("POST", "metrics") => publish(sim, read(body)?),
        ("POST", "alarms") => hold_alarms(sim, read(body)?),
        ("GET", "services") => Ok(services(sim)),
        ("GET", "tasks") => Ok(tasks(sim)),
        ("POST", "requests") => send(sim, &read(body)?),
        ("GET", "requests") => wave(sim),
        ("POST", "kill") => kill(sim, &read(body)?),
        ("GET", "iam") => Ok(sim.with(|world| policies::show(&world.iam))),
        ("POST", "iam") => {
            let given: OneOrMany<policies::Given> = read(body)?;
            policies::attach(sim, given.list())
        }
        ("DELETE", "iam") => {
            sim.with(|world| world.iam.clear());
            Ok(json!({}))
        }
        ("POST", "limits") => {
            let input: Value = read(body)?;
            let on =
                input["rateLimits"].as_bool().ok_or((400, "rateLimits must be true or false".to_owned()))?;
            sim.with(|world| world.throttle.enabled = on);
            Ok(json!({ "rateLimits": on }))
        }
        _ => Err((404, format!("There is no {method} /_sim/{part}."))),
    }
}

fn each<T>(rules: OneOrMany<T>, add: impl FnMut(T)) -> Value {
    let rules = rules.list();
    let count = rules.len();
    rules.into_iter().for_each(add);
    json!({ "added": count })
}

/// A value of a metric.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Measured {
    region: String,
    namespace: String,
    name: String,
    #[serde(default)]
    dimensions: BTreeMap<String, String>,
    value: f64,
    unit: Option<String>,
}

fn publish(sim: &Sim, values: OneOrMany<Measured>) -> Answer {
    let mut refused = None;
    let added = each(values, |Measured { region, namespace, name, dimensions, value, unit }| {
        let metric = MetricId { namespace, name, dimensions };
        let unit = unit.as_deref().unwrap_or("None");
        let published = sim.with(|world| {
            let now = world.now();
            world.region(&region).cloudwatch.publish(now, metric, unit, value)
        });
        refused = refused.take().or(published.err());
    });
    refused.map_or(Ok(added), |error| Err((400, error.to_string())))
}

/// The state that an alarm is held in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    region: String,
    name: String,
    state: Option<String>,
}

fn hold_alarms(sim: &Sim, alarms: OneOrMany<Held>) -> Answer {
    let mut refused = None;
    let added = each(alarms, |Held { region, name, state }| {
        let held = sim.with(|world| {
            let now = world.now();
            world.region(&region).cloudwatch.hold(now, &name, state.as_deref())
        });
        refused = refused.take().or(held.err());
    });
    refused.map_or(Ok(added), |error| Err((400, error.to_string())))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, (u16, String)> {
    serde_json::from_slice(body).map_err(|error| (400, format!("The body cannot be read: {error}")))
}

fn show(value: &impl Serialize) -> Answer {
    serde_json::to_value(value).map_err(|error| (500, error.to_string()))
}

fn overview(sim: &Sim) -> Value {
    let (account, regions) = sim.with(|world| (world.account.clone(), world.regions()));
    json!({
        "now": sim.now().to_string(),
        "speed": sim.clock().speed(),
        "account": account,
        "regions": regions,
        "calls": sim.counts().total(),
        "traffic": sim.traffic(),
        "trace": format!("{:016x}", sim.trace_hash()),
    })
}

fn send(sim: &Sim, requests: &OneOrMany<Request>) -> Answer {
    match requests {
        OneOrMany::One(request) => show(&sim.request(request)),
        OneOrMany::Many(requests) => show(&requests.iter().map(|each| sim.request(each)).collect::<Vec<_>>()),
    }
}

fn wave(sim: &Sim) -> Answer {
    let requests = sim.wave();
    let pair = |request: &Request| json!({"request": request, "answers": sim.every_answer(request)});
    Ok(requests.iter().map(pair).collect())
}

fn services(sim: &Sim) -> Value {
    sim.with(|world| {
        let mut all = Vec::new();
        for region in world.regions() {
            for service in world.region(&region).ecs.services() {
                all.push(json!({"region": region, "service": service.key, "status": service.status,
                    "taskDefinition": service.task_definition, "desired": service.desired, "running": service.running,
                    "pending": service.pending, "rollout": service.rollout, "deployments": service.deployments}));
            }
        }
        all.into()
    })
}

fn tasks(sim: &Sim) -> Value {
    sim.with(|world| {
        let mut all = Vec::new();
        for region in world.regions() {
            for task in world.region(&region).ecs.tasks() {
                all.push(json!({"region": region, "task": task.id, "cluster": task.cluster, "service": task.service,
                    "taskDefinition": task.task_definition, "status": task.status}));
            }
        }
        all.into()
    })
}

fn kill(sim: &Sim, input: &Value) -> Answer {
    let id = input["task"].as_str().map(|task| task.rsplit('/').next().unwrap_or(task).to_owned());
    let id = id.ok_or((400, "task must be a task's id or ARN".to_owned()))?;
    let code = input["exitCode"].as_i64().unwrap_or(137);
    let killed = sim.with(|world| {
        world.regions().iter().any(|region| world.with_ecs(region, |ecs, env| ecs.kill_task(env, &id, code)))
    });
    if killed { Ok(json!({ "killed": id })) } else { Err((404, format!("No running task {id}."))) }
}
