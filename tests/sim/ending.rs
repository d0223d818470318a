//! The end of a run: nothing is broken any more, so within bounded time everything runs as
//! declared, or a status says what holds it and the reason is a good one; and then nothing happens
//! any more.

use super::document::{App, CLUSTERS, Kind, Part, REGION};
use super::scenario::{Edit, What};
use super::simulation::Simulation;
use super::watch::Violation;
use super::watch::call::{elb_tags, read, service, tag_in};
use super::watch::records::leaks;
use super::watch::traffic::is_of;
use aws_sim::Sim;
use aws_sim::traffic::{Answer, Outcome};
use aws_sim::wire::Service;
use evenkeel::model::arn::family_of;
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::status::DeploymentStatus;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Longest that it may take, in simulated time: a slow image, a rollout that ECS gives up, the
/// rollback, and the longest backoff.
const CONVERGES_WITHIN: Duration = Duration::from_secs(3600);
/// How long it may still be busy although all is Ready: a rotated secret settles, and what was
/// removed is forgotten once nothing was made for five minutes.
const SETTLES: Duration = Duration::from_secs(380);
/// The same for an address that somebody registered and that belongs to no task: it must be
/// certain.
const STRAY_SETTLES: Duration = Duration::from_secs(500);
/// How long it may take with images that cannot work.
const HOPELESS_WITHIN: Duration = Duration::from_secs(1500);
/// When everything was certainly observed again.
const OBSERVED_AGAIN: Duration = Duration::from_secs(70);
/// How long nothing may happen afterwards.
const IDLE: Duration = Duration::from_secs(130);
/// Revisions that a family keeps.
const KEPT_REVISIONS: usize = 10;
/// How often what is held is mended, each time for another reason.
const MENDS: usize = 4;

/// How far a deployment is.
#[derive(Clone, Debug, PartialEq)]
enum Progress {
    /// As declared, and said to be.
    Settled,
    /// On its way.
    Waiting(String),
    /// Held for a reason that it states; it does not go on by itself.
    Held(String),
}

/// Waits until everything is as declared, or explained; then mends the causes, waits again, and
/// sees that nothing happens any more.
///
/// # Errors
///
/// The violated invariant.
pub async fn converge(run: &mut Simulation) -> Result<Vec<String>, Violation> {
    run.calm().await;
    // Until the next pass the clock's last jump is still in every status.
    let observed = run.elapsed() + OBSERVED_AGAIN;
    run.wait_until(observed).await?;
    let mut explained: Vec<String> = Vec::new();
    let mut rounds = 0;
    loop {
        let held = settle(run).await?;
        if held.is_empty() {
            break;
        }
        rounds += 1;
        for (app, reason) in held {
            let name = run.apps[app].name.clone();
            let told = format!("{name}: {reason}");
            // What is held for another reason by now is mended for that one, too.
            if rounds > MENDS || explained.contains(&told) {
                let lost = run.system.watch.facts(|facts| facts.lost_records.contains(&name));
                if reason.starts_with("NotOwned") && lost {
                    // Tags and record are both lost: nothing shows any more whose it is, and what
                    // is nobody's is left alone.
                    return Ok(explained);
                }
                let message = format!("{name} was mended and is still held: {reason}");
                return Err(violation(run, "converges", message));
            }
            check_reason(run, app, &reason)?;
            explained.push(told);
            mend(run, app, &reason).await;
        }
    }
    idle(run).await?;
    inventory(run).await.map_err(|message| violation(run, "inventory", message))?;
    Ok(explained)
}

fn violation(run: &Simulation, checker: &'static str, message: String) -> Violation {
    Violation { checker, message, at: run.system.sim.now() }
}

/// Waits until nothing is on its way any more; answers what is held.
async fn settle(run: &mut Simulation) -> Result<Vec<(usize, String)>, Violation> {
    let begin = run.elapsed();
    let end = begin + CONVERGES_WITHIN;
    let mut settled_checks = 0;
    loop {
        let patient = run.elapsed() < begin + HOPELESS_WITHIN;
        let read = |app| match progress(run, app) {
            // Images that cannot work may keep a service from becoming steady without an end of
            // their own.
            Progress::Waiting(reason) if !patient && run.apps[app].is_hopeless() => Progress::Held(reason),
            other => other,
        };
        let all: Vec<Progress> = (0..run.apps.len()).map(read).collect();
        let waiting = all.iter().any(|one| matches!(one, Progress::Waiting(_)));
        // A status may be of a moment ago; what is at rest stays so.
        settled_checks = if waiting { 0 } else { settled_checks + 1 };
        if settled_checks >= 3 {
            let held = all.into_iter().enumerate().filter_map(|(app, one)| match one {
                Progress::Held(reason) => Some((app, reason)),
                Progress::Settled | Progress::Waiting(_) => None,
            });
            return Ok(held.collect());
        }
        if run.elapsed() >= end {
            let progress: Vec<String> =
                all.iter().enumerate().map(|(app, one)| format!("{}: {one:?}", run.apps[app].name)).collect();
            let message = format!("not within {} s: {}", CONVERGES_WITHIN.as_secs(), progress.join("; "));
            return Err(violation(run, "converges", message));
        }
        // Whoever is there at the end answers what waits for them.
        for app in 0..run.apps.len() {
            run.answer(app, false).await;
        }
        run.confirm_former(is_doubted).await;
        delete_left_rules(run);
        let next = run.elapsed() + Duration::from_secs(20);
        run.wait_until(next).await?;
    }
}

fn progress(run: &Simulation, app: usize) -> Progress {
    let (statuses, up_to_date) = run.system.statuses();
    let name = run.apps[app].name.as_str();
    let status = statuses.iter().find(|status| status.name.as_str() == name);
    if !up_to_date {
        return Progress::Waiting("not everything was observed".to_owned());
    }
    if !run.present[app] {
        return absent(run, &run.apps[app], status);
    }
    let Some(status) = status else { return Progress::Waiting("it has no status".to_owned()) };
    if status.observed_generation != status.generation {
        return Progress::Waiting("its newest generation was not observed".to_owned());
    }
    // Ready or not: when its time is over it is observed again, and says so.
    if holds(status, ConditionType::Suspended) {
        return Progress::Waiting("it is suspended".to_owned());
    }
    if holds(status, ConditionType::Ready) {
        return match run.system.watch.runs(name).and_then(|()| unserved(run, app)) {
            Ok(()) => Progress::Settled,
            Err(why) => Progress::Waiting(format!("said to be Ready, and {why}")),
        };
    }
    if holds(status, ConditionType::Stalled) {
        return Progress::Held(condition_text(status, ConditionType::Stalled));
    }
    Progress::Waiting(condition_text(status, ConditionType::Ready))
}

/// Whether every request that the document asks for comes to its service; to a container that
/// answers now and then it does.
fn unserved(run: &Simulation, app: usize) -> Result<(), String> {
    let flaps = |answer: &Answer| {
        run.flapping.contains(&app)
            && matches!(&answer.outcome, Outcome::Lost { why, .. } if why.ends_with("does not answer"))
    };
    let app = &run.apps[app];
    app.declared().filter_map(|part| Some((part, app.road(part)?))).try_for_each(|(part, request)| {
        let name = format!("{}/{}", app.cluster, app.resource(part));
        let answers = run.system.sim.every_answer(&request);
        // A rule that a former name of the document left may come first.
        let left = |answer: &Answer| {
            !app.delete && former_services(run, app).iter().any(|name| is_of(answer, name, &run.system.sim))
        };
        let is_lost =
            |answer: &&Answer| !is_of(answer, &name, &run.system.sim) && !left(answer) && !flaps(answer);
        let lost = answers.iter().find(is_lost);
        // A count that nobody declares is somebody else's, nothing at all included.
        let is_none = service(&run.system.sim, app.cluster, &app.resource(part))
            .is_some_and(|found| found["desiredCount"] == 0);
        let wanted = part.count().map_or(!is_none, |count| count > 0);
        match lost.filter(|_| wanted) {
            Some(answer) => Err(format!("{} is not served: {:?}", request.path, answer.outcome)),
            None => Ok(()),
        }
    })
}

/// The services that a document had under former names, in every cluster.
fn former_services(run: &Simulation, app: &App) -> BTreeSet<String> {
    run.system.watch.facts(|facts| {
        let names = facts.renamed.iter().filter(|(_, to)| **to == app.name).map(|(from, _)| from);
        let versions = names.flat_map(|name| facts.ever(name));
        let services = versions.flat_map(|one| one.parts.iter().map(move |part| one.resource(part)));
        services.flat_map(|name| CLUSTERS.map(|cluster| format!("{cluster}/{name}"))).collect()
    })
}

fn absent(run: &Simulation, app: &App, status: Option<&Arc<DeploymentStatus>>) -> Progress {
    match status {
        None => Progress::Settled,
        Some(status) if status.orphaned && !app.delete => Progress::Settled,
        Some(status) if is_doubted(status) => {
            Progress::Held("the removal of most documents at once is doubted".to_owned())
        }
        // Lost with its record: nobody knows any more that it was there.
        Some(_) if run.system.watch.facts(|facts| facts.lost_records.contains(&app.name)) => {
            Progress::Settled
        }
        Some(status) => {
            Progress::Waiting(format!("it is still there: {}", condition_text(status, ConditionType::Ready)))
        }
    }
}

/// Whether the removal of a document, or of its data, is held until a person confirms it.
fn is_doubted(status: &DeploymentStatus) -> bool {
    let said = status.findings.iter().map(ToString::to_string);
    let mut said = said.chain(status.waiting_on.iter().map(|waiting| waiting.on.to_string()));
    said.any(|said| {
        said.contains("vanished at once") || said.contains("was held before") || said.contains("--confirm")
    })
}

fn holds(status: &DeploymentStatus, kind: ConditionType) -> bool {
    status.conditions.iter().any(|condition| condition.kind == kind && condition.status == Truth::True)
}

fn condition_text(status: &DeploymentStatus, kind: ConditionType) -> String {
    let condition = status.conditions.iter().find(|condition| condition.kind == kind);
    condition.map(|condition| format!("{}: {}", condition.reason, condition.message)).unwrap_or_default()
}

/// Whether what holds a deployment has a cause outside of the controller.
fn check_reason(run: &Simulation, app: usize, reason: &str) -> Result<(), Violation> {
    let declared = &run.apps[app];
    let disturbed = run.system.watch.facts(|facts| {
        let ever_hopeless = facts.ever(&declared.name).any(App::is_hopeless);
        ever_hopeless || facts.was_ever_disturbed()
    });
    // A pause was over, or answered, with the word that it goes back.
    let sent_back = run.system.watch.facts(|facts| {
        let waits = |app: &App| app.parts.iter().any(|part| part.shift.is_some_and(|it| it.pause.is_some()));
        facts.sent_back.contains(&declared.name) || facts.ever(&declared.name).any(waits)
    });
    let stays = reason.contains(UNDER_STRATEGY) || reason.contains(LEFT);
    if !run.present[app] || disturbed || sent_back || stays || declared.is_hopeless() {
        return Ok(());
    }
    Err(violation(
        run,
        "converges",
        format!("{} is held, and nothing has ever gone wrong with it: {reason}", declared.name),
    ))
}

/// What is said of what ECS has to let go of before it can be replaced: what to do first.
const UNDER_STRATEGY: &str = "declare the strategy ROLLING";

/// What is said of what a document left running that its successor may not run beside.
const LEFT: &str = "is gone and left it";

/// What a person does about what is held: images that work, another try, a confirmation, an
/// adoption of what a former document left, another strategy.
async fn mend(run: &mut Simulation, app: usize, reason: &str) {
    if !run.present[app] {
        run.act_now(&What::Confirm { app }).await;
        return;
    }
    if reason.contains("ctl adopt") {
        run.adopt(app).await;
    }
    if reason.contains(LEFT) {
        stop_what_was_left(run, reason);
    }
    for part in 0..run.apps[app].parts.len() {
        if run.apps[app].parts[part].is_hopeless() {
            "v9".clone_into(&mut run.apps[app].parts[part].tag);
        }
        if reason.contains(UNDER_STRATEGY) {
            run.apps[app].parts[part].shift = None;
        }
    }
    run.act_now(&What::Edit { app, edit: Edit::Retry }).await;
}

/// A person deletes the rules that a document under a former name left where they are in the way.
fn delete_left_rules(run: &Simulation) {
    let (statuses, _) = run.system.statuses();
    let former: Vec<String> = run.system.watch.facts(|facts| facts.renamed.keys().cloned().collect());
    let waits = statuses.iter().flat_map(|status| status.waiting_on.iter());
    for text in waits.map(|waiting| waiting.on.to_string()) {
        let left = former.iter().any(|name| text.contains(&format!("of deployment `{name}`")));
        let arn = text.split('(').nth(1).and_then(|rest| rest.split(')').next());
        if let Some(arn) = arn.filter(|arn| left && arn.contains(":listener-rule/")) {
            run.system.by_hand(Service::Elbv2, "DeleteRule", &json!({"RuleArn": arn}));
        }
    }
}

/// A person stops what documents under former names left, those that a reason names.
fn stop_what_was_left(run: &Simulation, reason: &str) {
    let former: Vec<String> = run.system.watch.facts(|facts| {
        let names = facts.renamed.keys().filter(|name| reason.contains(&format!("of `{name}`")));
        let versions = names.flat_map(|name| facts.ever(name));
        let alone = |part: &&Part| !matches!(part.kind, Kind::Service(_));
        versions.flat_map(|one| one.parts.iter().filter(alone).map(|part| one.resource(part))).collect()
    });
    for (name, cluster) in former.iter().flat_map(|name| CLUSTERS.map(|cluster| (name, cluster))) {
        let stop = json!({"cluster": cluster, "service": name, "desiredCount": 0});
        run.system.by_hand(Service::Ecs, "UpdateService", &stop);
        let tasks = json!({"cluster": cluster, "family": name});
        let listed = run.system.by_hand(Service::Ecs, "ListTasks", &tasks).unwrap_or_default();
        for task in listed["taskArns"].as_array().into_iter().flatten() {
            run.system.by_hand(Service::Ecs, "StopTask", &json!({"cluster": cluster, "task": task}));
        }
    }
}

/// From now on nothing is written, neither to AWS nor to the disk.
async fn idle(run: &mut Simulation) -> Result<(), Violation> {
    // What was rotated at the very end settles.
    let settled = run.elapsed() + if run.strays { STRAY_SETTLES } else { SETTLES };
    run.wait_until(settled).await?;
    let before = (run.system.sim.counts().writes, run.system.disk.steps());
    let end = run.elapsed() + IDLE;
    run.wait_until(end).await?;
    let after = (run.system.sim.counts().writes, run.system.disk.steps());
    if after.0 != before.0 {
        let message = format!("{} writes to AWS while all was as declared", after.0 - before.0);
        return Err(violation(run, "idle", message));
    }
    if after.1 != before.1 {
        return Err(violation(run, "idle", "records were written while nothing changed".to_owned()));
    }
    Ok(())
}

/// What is there at the end: what is declared, what is retained, and nothing else.
async fn inventory(run: &Simulation) -> Result<(), String> {
    let sim = &run.system.sim;
    if read(sim, Service::Logs, "DescribeLogGroups", &json!({"logGroupNamePrefix": "/ecs/bystander"}))
        .is_none_or(|found| found["logGroups"].as_array().is_none_or(Vec::is_empty))
    {
        return Err("the bystander's log group is gone".to_owned());
    }
    for (app, present) in run.apps.iter().zip(&run.present) {
        let lost_records = run.system.watch.facts(|facts| facts.lost_records.contains(&app.name));
        services(sim, app, *present, lost_records)?;
        if *present {
            former(run, app, lost_records)?;
        }
        balancing(sim, app, *present, lost_records)?;
        alarms(sim, app, *present, lost_records)?;
        log_group(run, app, *present)?;
        for part in &app.parts {
            revisions(sim, &app.resource(part))?;
        }
    }
    for content in run.system.disk.contents() {
        if leaks(&content) {
            return Err("a file of the state holds the value of a secret".to_owned());
        }
    }
    let loaded =
        run.system.records().await.map_err(|error| format!("the records cannot be read: {error}"))?;
    match loaded.damaged.first() {
        Some(damaged) => Err(format!("a record is damaged at the end: {}", damaged.error)),
        None => Ok(()),
    }
}

/// Nothing runs under keys that the document had earlier.
fn former(run: &Simulation, app: &App, lost_records: bool) -> Result<(), String> {
    let sim = &run.system.sim;
    let kept: BTreeSet<String> =
        app.declared().filter(|part| part.is_service()).map(|part| app.resource(part)).collect();
    let ever: BTreeSet<String> = run.system.watch.facts(|facts| {
        let versions = facts.ever(&app.name);
        versions.flat_map(|app| app.parts.iter().map(|part| app.resource(part))).collect()
    });
    for name in ever.difference(&kept) {
        for cluster in CLUSTERS {
            let found = service(sim, cluster, name).filter(|found| found["status"] == "ACTIVE");
            if found.is_some() && !lost_records {
                return Err(format!("service {name} was left behind in {cluster}"));
            }
        }
    }
    Ok(())
}

fn services(sim: &Sim, app: &App, present: bool, lost_records: bool) -> Result<(), String> {
    for part in app.parts.iter().filter(|part| part.is_service()) {
        let name = app.resource(part);
        let declared = present && part.declared;
        for cluster in CLUSTERS {
            let found = service(sim, cluster, &name).filter(|found| found["status"] == "ACTIVE");
            let must_go = (present && !part.declared) || (!present && app.delete);
            match found {
                None if declared && cluster == app.cluster => {
                    return Err(format!("service {name} is not there"));
                }
                // What is retained stays wherever it was, also in the middle of a move.
                Some(_) if cluster != app.cluster && (present || app.delete) && !lost_records => {
                    return Err(format!("service {name} is in cluster {cluster}"));
                }
                Some(_) if must_go && !lost_records => return Err(format!("service {name} was left behind")),
                Some(found)
                    if declared && tag_in(&found["tags"], "evenkeel.dev/owner") != Some(&app.name) =>
                {
                    return Err(format!("service {name} lacks its owner's tag"));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Target groups and rules: one of each for each declared balanced component, each with its tags.
fn balancing(sim: &Sim, app: &App, present: bool, lost_records: bool) -> Result<(), String> {
    let wanted = app.declared().filter(|part| part.is_balanced() && present).count();
    let all = read(sim, Service::Elbv2, "DescribeTargetGroups", &json!({})).unwrap_or_default();
    let ours = |resource: &Value, member: &str| {
        let tags = resource[member].as_str().and_then(|arn| elb_tags(sim, arn)).unwrap_or_default();
        tag_in(&tags, "evenkeel.dev/owner") == Some(app.name.as_str())
    };
    let groups = all["TargetGroups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|group| ours(group, "TargetGroupArn"))
        .count();
    let balancer =
        read(sim, Service::Elbv2, "DescribeLoadBalancers", &json!({"Names.member.1": app.balancer()}))
            .unwrap_or_default();
    let listeners = read(
        sim,
        Service::Elbv2,
        "DescribeListeners",
        &json!({"LoadBalancerArn": balancer["LoadBalancers"][0]["LoadBalancerArn"]}),
    );
    let listeners = listeners.unwrap_or_default();
    let listeners = listeners["Listeners"].as_array().cloned().unwrap_or_default();
    let rules: usize = listeners
        .iter()
        .map(|listener| {
            let rules =
                read(sim, Service::Elbv2, "DescribeRules", &json!({"ListenerArn": listener["ListenerArn"]}))
                    .unwrap_or_default();
            rules["Rules"].as_array().into_iter().flatten().filter(|rule| ours(rule, "RuleArn")).count()
        })
        .sum();
    let own = listeners.iter().filter(|listener| ours(listener, "ListenerArn")).count();
    let found = (groups, rules, own);
    let more = |of: fn(&Part) -> Option<String>| app.declared().filter_map(of).filter(|_| present).count();
    let (alternates, tests) = (more(Part::alternate), more(Part::test_rule));
    let expected = (wanted + alternates, wanted + tests, usize::from(wanted > 0));
    let retained = !present && !app.delete;
    let enough = found.0 >= expected.0 && found.1 >= expected.1 && found.2 >= expected.2;
    let as_expected = found == expected || (lost_records && enough);
    if !retained && !as_expected {
        return Err(format!(
            "{}: target groups, rules, listeners {found:?}, expected {expected:?}",
            app.name
        ));
    }
    Ok(())
}

/// Alarms: one for each declared balanced component, which its service lets ECS watch.
fn alarms(sim: &Sim, app: &App, present: bool, lost_records: bool) -> Result<(), String> {
    let wanted: BTreeSet<String> =
        app.declared().filter(|part| part.is_balanced() && present).map(|part| app.resource(part)).collect();
    let input = json!({"AlarmNamePrefix": format!("{}-", app.name)});
    let all = read(sim, Service::Cloudwatch, "DescribeAlarms", &input).unwrap_or_default();
    let names =
        all["MetricAlarms"].as_array().into_iter().flatten().filter_map(|alarm| alarm["AlarmName"].as_str());
    let found: BTreeSet<String> = names.map(str::to_owned).collect();
    let retained = !present && !app.delete;
    let as_expected = found == wanted || (lost_records && found.is_superset(&wanted));
    if retained || as_expected {
        return Ok(());
    }
    Err(format!("{}: alarms {found:?}, expected {wanted:?}", app.name))
}

fn log_group(run: &Simulation, app: &App, present: bool) -> Result<(), String> {
    let found = read(
        &run.system.sim,
        Service::Logs,
        "DescribeLogGroups",
        &json!({"logGroupNamePrefix": app.log_group()}),
    );
    let found = found.unwrap_or_default();
    let group = found["logGroups"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|group| group["logGroupName"] == app.log_group().as_str());
    match group {
        None if present => Err(format!("log group {} is not there", app.log_group())),
        Some(group) if present && group["retentionInDays"].as_u64() != app.retention.map(u64::from) => {
            Err(format!("log group {} is kept for {}", app.log_group(), group["retentionInDays"]))
        }
        _ => Ok(()),
    }
}

fn revisions(sim: &Sim, family: &str) -> Result<(), String> {
    let listed =
        read(sim, Service::Ecs, "ListTaskDefinitions", &json!({"familyPrefix": family})).unwrap_or_default();
    let active = listed["taskDefinitionArns"].as_array().map_or(0, Vec::len);
    let orphan = sim
        .with(|world| world.region(REGION).ecs.definition(family))
        .is_some_and(|newest| newest.tags.is_empty());
    // What ECS still shows a task of is kept, too, for as long.
    let shown: BTreeSet<String> = sim
        .with(|world| world.region(REGION).ecs.tasks())
        .into_iter()
        .map(|task| task.task_definition)
        .filter(|arn| family_of(arn) == family)
        .collect();
    if active > KEPT_REVISIONS + shown.len() {
        return Err(format!("{active} revisions of {family} are kept"));
    }
    if orphan {
        return Err(format!("the newest revision of {family} has no tags"));
    }
    Ok(())
}
