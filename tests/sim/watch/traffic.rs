//! No request is lost, and no service has fewer tasks than it must, by anything that the controller
//! does.
//!
//! # The law
//!
//! A **road** is a request that a document asks to be served, and the service that is to answer it:
//! for each component behind a load balancer, a path of its rule at the port of the listener.
//!
//! A road is **open** from the moment on at which it was seen to be served: every answer that the
//! load balancer could give, whatever chance decides, came from a task of that service whose images
//! can work. An open road is served at every look, for as long as
//!
//! - the newest document asks for it, or
//! - an older one did, and what the newest asks for is not all served yet: what is no longer
//!   declared goes when all that is declared is complete, and not before.
//!
//! A document that is given another name goes on asking for what it asked for, as far as the new
//! one asks for the same: until that is all served by the services of the new name, those of the
//! former one answer, or the new ones.
//!
//! A service is **complete** once it has the least number of tasks that its deployments must leave,
//! `minimumHealthyPercent` of the lowest count that was declared lately, and all of these serve
//! (behind a load balancer: may be given requests, once its road is open; otherwise: run). It never
//! falls below that again by itself, for as long as it is declared.
//!
//! A look is taken after every write of the controller, and every few seconds.
//!
//! # What is excepted
//!
//! Not the controller's doing, and counted apart: while somebody works on AWS by hand, containers
//! misbehave or secrets rotate, and for a while afterwards; while the newest document names images
//! that cannot work; a service that the newest document names while no document can be read, for it
//! may have been on its way out by the one before; while the document was not declared, or did not
//! name the component, or not behind a load balancer, lately.
//! What is lost then opens anew when it is next served. Services that may fall to no task by their
//! own deployment configuration, singletons among them, have no road that must be open.
//!
//! Not excepted: whatever happens to the controller and between it and AWS. A controller that is
//! killed, refused, lied to or late may be of no use, and does no harm.

use super::CheckResult;
use super::facts::{Disturbance, Facts};
use crate::document::{App, Kind, Part, REGION, can_work};
use aws_sim::Sim;
use aws_sim::ecs::TaskView;
use aws_sim::traffic::{Answer, Request};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Time between two looks, in seconds.
const BEAT: i64 = 3;
/// For how long what people and containers do excuses, in seconds: an unhealthy target, the rollout
/// that replaces it, and the circuit breaker.
const BY_HAND: i64 = 600;
/// For how long a pass may go on by an older document, in seconds.
const LATELY: i64 = 600;

/// How many requests were served, and how many were lost for which the controller is not to blame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests that were answered by whom they were for.
    pub served: u64,
    /// Requests that nobody answered while something excused it.
    pub excused: u64,
}

/// State of the checker.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Open roads: deployment, request and service (`cluster/name`).
    open: BTreeSet<(String, Request, String)>,
    /// Roads that were open and were lost while something excused it.
    shut: BTreeSet<(String, Request, String)>,
    /// Tasks that each service was seen to have, up to those that it must have.
    complete: BTreeMap<String, usize>,
    last: Option<Timestamp>,
    count: Served,
}

/// A look at ECS: the tasks that run images that can work, by service.
struct Look {
    sound: BTreeMap<String, BTreeSet<String>>,
    /// Services that were told to run images that cannot work, by a document of a moment ago, and
    /// nothing else since.
    hopeless: BTreeSet<String>,
}

impl Traffic {
    /// What became of all requests so far.
    pub fn count(&self) -> Served {
        self.count
    }

    /// Takes a look, if the last one was a while ago.
    pub fn beat(&mut self, facts: &Facts, sim: &Sim, now: Timestamp) -> CheckResult {
        let due = self.last.is_none_or(|last| now >= last + SignedDuration::from_secs(BEAT));
        if due { self.look(facts, sim, now) } else { Ok(()) }
    }

    /// Takes a look: every road is travelled, every service counted.
    pub fn look(&mut self, facts: &Facts, sim: &Sim, now: Timestamp) -> CheckResult {
        self.last = Some(now);
        let look = Look::at(sim);
        let names: Vec<String> = facts.names().map(str::to_owned).collect();
        names.iter().try_for_each(|name| self.deployment(name, facts, sim, &look, now))
    }

    fn deployment(
        &mut self,
        name: &str,
        facts: &Facts,
        sim: &Sim,
        look: &Look,
        now: Timestamp,
    ) -> CheckResult {
        let Some(app) = facts.newest(name) else {
            if let Some(successor) = facts.successor(name) {
                return self.hand_over(name, successor, facts, sim, now);
            }
            // What goes with its document goes in any order.
            self.open.retain(|(deployment, _, _)| deployment != name);
            let of_it = |key: &str| facts.deployment_of(key.rsplit('/').next().unwrap_or_default());
            self.complete.retain(|service, _| of_it(service) != Some(name));
            return Ok(());
        };
        let lately = facts.lately(name, now, LATELY);
        let excused = !facts.quiet(now, BY_HAND, &[Disturbance::ManualChange])
            || app.declared().any(|part| !can_work(&part.tag));
        // What cannot be read is not known: by the version before, a service may have no place.
        let unread = !facts.quiet(now, 1, &[Disturbance::Unreadable]);
        let mut all_served = true;
        self.forget_undeclared(name, app, facts);
        for part in app.declared() {
            let Some(least) = least(part, &lately) else { continue };
            let service = format!("{}/{}", app.cluster, app.resource(part));
            let named_it = lately.iter().flatten().any(|app| app.declared().any(|part| !can_work(&part.tag)));
            let excused = excused || (named_it && look.hopeless.contains(&service));
            let sound = look.sound.get(&service);
            let mut able = sound.map_or(0, BTreeSet::len);
            if let Some(request) = app.road(part) {
                let was_open = self.open.contains(&(name.to_owned(), request.clone(), service.clone()));
                let answers = sim.every_answer(&request);
                let tasks: BTreeSet<&str> = answers.iter().filter_map(Answer::task).collect();
                able = tasks.iter().filter(|task| sound.is_some_and(|own| own.contains(**task))).count();
                let served = !answers.iter().any(|answer| !is_of(answer, &service, sim));
                all_served &= served;
                let opens = served && able == tasks.len();
                let excused = excused || least == 0 || !had_a_road(part, &lately);
                self.travel(name, request, &service, (served, opens), excused, &answers)?;
                if !was_open {
                    // Another road than before: until it is open, those count that run, and what
                    // the road before lost is told by `leave`. From then on those count that it
                    // reaches.
                    if !was_shifted(part, &lately) {
                        self.fill(&service, sound.map_or(0, BTreeSet::len), least, excused)?;
                    }
                    if served && opens {
                        self.complete.remove(&service);
                    }
                    continue;
                }
            }
            self.fill(&service, able, least, excused || unread)?;
        }
        // A component that may have no tasks for a while serves nobody meanwhile, on whatever road.
        let emptied: BTreeSet<String> = app
            .declared()
            .filter(|part| least(part, &lately) == Some(0))
            .map(|part| identity(&app.resource(part)).to_owned())
            .collect();
        self.leave(name, app, sim, all_served, &|service| excused || emptied.contains(identity(service)))
    }

    /// Roads of a document that has another name by now.
    fn hand_over(&mut self, name: &str, app: &App, facts: &Facts, sim: &Sim, now: Timestamp) -> CheckResult {
        let excused = !facts.quiet(now, BY_HAND, &[Disturbance::ManualChange])
            || app.declared().any(|part| !can_work(&part.tag) || least(part, &[Some(app)]) == Some(0));
        let by = |service: &str, request: &Request| {
            let answers = sim.every_answer(request);
            let own = format!("{}{}", app.name, identity(service).strip_prefix(name).unwrap_or_default());
            let is_by = |answer: &Answer| is_of(answer, service, sim) || is_of(answer, &own, sim);
            (answers.iter().all(is_by), answers)
        };
        let all_served =
            app.declared().filter_map(|part| Some((part, app.road(part)?))).all(|(part, road)| {
                let own = app.resource(part);
                sim.every_answer(&road).iter().all(|answer| is_of(answer, &own, sim))
            });
        let asked: BTreeSet<Request> = app.declared().filter_map(|part| app.road(part)).collect();
        // What the new name does not ask for is another road, and goes with the former one.
        self.open.retain(|road| road.0 != name || asked.contains(&road.1));
        let old: Vec<_> = self.open.iter().filter(|road| road.0 == name).cloned().collect();
        for road in old {
            let (served, answers) = by(&road.2, &road.1);
            self.count.served += u64::from(served);
            if all_served || (!served && excused) {
                self.open.remove(&road);
            } else if !served {
                return Err(lost(
                    &road,
                    &answers,
                    "whose document has another name, which does not serve yet",
                ));
            }
        }
        Ok(())
    }

    /// A service that is not declared may go; when it is declared again it begins anew.
    fn forget_undeclared(&mut self, name: &str, app: &App, facts: &Facts) {
        let declared: BTreeSet<String> =
            app.declared().map(|part| format!("{}/{}", app.cluster, app.resource(part))).collect();
        let of_it = |key: &str| facts.deployment_of(key.rsplit('/').next().unwrap_or_default()) == Some(name);
        self.complete.retain(|service, _| !of_it(service) || declared.contains(service));
    }

    /// A road that the newest document asks for.
    #[expect(clippy::too_many_arguments, reason = "all that is known of one road")]
    fn travel(
        &mut self,
        name: &str,
        request: Request,
        service: &str,
        (served, opens): (bool, bool),
        excused: bool,
        answers: &[Answer],
    ) -> CheckResult {
        let road = (name.to_owned(), request, service.to_owned());
        let open = self.open.contains(&road);
        self.count.served += u64::from(served);
        match (served, open) {
            (true, _) => {
                self.shut.remove(&road);
                if opens {
                    self.open.insert(road);
                }
            }
            (false, true) if excused => {
                self.open.remove(&road);
                self.shut.insert(road);
                self.count.excused += 1;
            }
            (false, false) => self.count.excused += u64::from(self.shut.contains(&road)),
            (false, true) => return Err(lost(&road, answers, "which is declared and was served")),
        }
        Ok(())
    }

    /// Roads that only older documents asked for.
    fn leave(
        &mut self,
        name: &str,
        app: &App,
        sim: &Sim,
        all_served: bool,
        excused: &dyn Fn(&str) -> bool,
    ) -> CheckResult {
        let declared: Vec<Request> = app.declared().filter_map(|part| app.road(part)).collect();
        let old: Vec<_> =
            self.open.iter().filter(|road| road.0 == name && !declared.contains(&road.1)).cloned().collect();
        for road in old {
            let answers = sim.every_answer(&road.1);
            let served = answers.iter().all(|answer| is_of(answer, &road.2, sim));
            self.count.served += u64::from(served);
            if all_served || (!served && excused(&road.2)) {
                self.open.remove(&road);
            } else if !served {
                return Err(lost(&road, &answers, "before what replaces it is served"));
            }
        }
        Ok(())
    }

    /// A service has so many tasks, of those that it must have.
    fn fill(&mut self, service: &str, able: usize, least: usize, excused: bool) -> CheckResult {
        let known = self.complete.entry(service.to_owned()).or_default();
        let must = least.min(*known);
        // A service that was never complete promises nothing: an edit may replace what starts.
        *known = if able >= least { least } else { able.min(must) };
        if able < must && !excused {
            return Err(format!("{service} has {able} tasks that serve, had {must}, and must have {least}"));
        }
        Ok(())
    }
}

impl Look {
    fn at(sim: &Sim) -> Self {
        let (running, hopeless) = sim.with(|world| {
            let ecs = &world.region(REGION).ecs;
            let works = |definition: &str| {
                let definition = ecs.definition(definition);
                definition.is_some_and(|found| found.images.iter().all(|image| can_work(image)))
            };
            let is_sound = |task: &TaskView| task.status == "RUNNING" && works(&task.task_definition);
            let running = ecs.tasks().into_iter().filter(is_sound).collect::<Vec<_>>();
            let hopeless = ecs.services().into_iter().filter(|service| !works(&service.task_definition));
            (running, hopeless.map(|service| service.key).collect())
        });
        let mut sound: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for task in running {
            if let Some(service) = task.service {
                sound.entry(service).or_default().insert(task.id);
            }
        }
        Self { sound, hopeless }
    }
}

/// The fewest tasks that deployments of a component must leave, by all documents that were in force
/// lately. `None`: it has no number of its own, or was not declared in between.
fn least(part: &Part, lately: &[Option<&App>]) -> Option<usize> {
    let of_version = |version: &Option<&App>| {
        let known = version.as_ref()?.declared().find(|other| other.name == part.name)?;
        let Kind::Service(service) = &known.kind else { return None };
        Some((service.least as usize * service.count? as usize).div_ceil(100))
    };
    let all: Option<Vec<usize>> = lately.iter().map(of_version).collect();
    all?.into_iter().min()
}

/// Whether a component was behind a load balancer in all documents that were in force lately: what
/// was taken from behind one is not served there, and comes back with a later document.
fn had_a_road(part: &Part, lately: &[Option<&App>]) -> bool {
    lately.iter().flatten().all(|app| {
        let same = app.declared().find(|other| other.name == part.name);
        same.is_some_and(|same| app.road(same).is_some())
    })
}

/// Whether ECS shifted the traffic of a component by any document that was in force lately: then
/// tasks that have none yet may be replaced before they serve.
fn was_shifted(part: &Part, lately: &[Option<&App>]) -> bool {
    let same = |app: &App| {
        app.declared().find(|other| other.name == part.name).is_some_and(|it| it.shifted().is_some())
    };
    lately.iter().flatten().any(|app| same(app))
}

/// Whether an answer comes from a task of this service; or of the same one in another cluster or
/// under another key, while it moves there or back.
pub fn is_of(answer: &Answer, service: &str, sim: &Sim) -> bool {
    sim.with(|world| world.server(answer)).is_some_and(|by| identity(&by) == identity(service))
}

/// `app0-web` of `blue/app0-web-r2`.
fn identity(service: &str) -> &str {
    let name = service.rsplit('/').next().unwrap_or(service);
    match name.rsplit_once("-r") {
        Some((name, number)) if number.parse::<u32>().is_ok() => name,
        _ => name,
    }
}

fn lost((_, request, service): &(String, Request, String), answers: &[Answer], when: &str) -> String {
    let bad = answers.iter().map(|answer| &answer.outcome).collect::<Vec<_>>();
    let (balancer, port, path) = (&request.load_balancer, request.port, &request.path);
    format!("a request to {balancer}:{port}{path} is not served by {service}, {when}: {bad:?}")
}
