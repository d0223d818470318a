//! A request on its way through the world: load balancer, target group, target, task.

use super::{Answer, Ledger, Outcome, Request};
use crate::{
    ecs::Behind,
    elbv2::{Choice, Reached, Route, Way},
    sim::Sim,
    world::{Region, World},
};

impl Sim {
    /// Sends a request to a load balancer, as of now. Not a call: no rate limit, fault or record
    /// knows of it; it is counted in [`Sim::traffic`].
    #[must_use]
    pub fn request(&self, request: &Request) -> Answer {
        self.with(|world| world.request(request))
    }

    /// Every answer that a client could get to a request now, wherever chance decides: one for each
    /// target of each target group with a weight. Nothing is counted.
    #[must_use]
    pub fn every_answer(&self, request: &Request) -> Vec<Answer> {
        self.with(|world| world.every_answer(request))
    }

    /// The requests that the listeners and rules of all load balancers are there for, as they are
    /// now: for each rule those that it takes itself, one for each value of its conditions; for
    /// each listener one that no other rule takes.
    #[must_use]
    pub fn wave(&self) -> Vec<Request> {
        self.with(|world| world.wave())
    }

    /// How many requests each listener has served and lost.
    #[must_use]
    pub fn traffic(&self) -> Ledger {
        self.with(|world| world.traffic.clone())
    }
}

impl World {
    /// See [`Sim::request`].
    pub fn request(&mut self, request: &Request) -> Answer {
        let draw = request.draw.unwrap_or_else(|| self.traffic_rng.u64(..));
        let answer = self.answers(request, Some(draw)).remove(0);
        self.traffic.note(request, &answer);
        answer
    }

    /// See [`Sim::every_answer`].
    #[must_use]
    pub fn every_answer(&mut self, request: &Request) -> Vec<Answer> {
        self.answers(request, None)
    }

    /// See [`Sim::wave`].
    #[must_use]
    pub fn wave(&mut self) -> Vec<Request> {
        let now = self.now();
        let mut wave = Vec::new();
        for name in self.regions() {
            let elbv2 = &self.region(&name).elbv2;
            for entry in elbv2.entry_points() {
                let base = Request::to(entry.load_balancer, entry.port);
                let mut requests = base.for_conditions(entry.conditions);
                if entry.conditions.is_empty() {
                    requests.push(base.host("nobody.invalid").path("/nothing/is/here"));
                }
                let taken = |request: &Request| {
                    let route = elbv2.route(now, request);
                    route.rule.is_none_or(|rule| rule == entry.rule)
                };
                wave.extend(requests.into_iter().filter(taken));
            }
        }
        wave
    }

    /// Who answered: a service as `cluster/name`, a task of none by its id, any other target by its
    /// address. `None`: no target did.
    #[must_use]
    pub fn server(&mut self, answer: &Answer) -> Option<String> {
        let Outcome::Served { target, task, .. } = &answer.outcome else { return None };
        let Some(id) = task else { return Some(target.clone()) };
        let regions = self.regions();
        let service = regions.iter().find_map(|region| self.region(region).ecs.service_of(id));
        Some(service.unwrap_or_else(|| id.clone()))
    }

    /// The answers to a request: the one that a draw decides for, or all.
    fn answers(&mut self, request: &Request, draw: Option<u64>) -> Vec<Answer> {
        let now = self.now();
        let names = self.regions();
        let home = names.into_iter().find(|name| self.region(name).elbv2.balances(&request.load_balancer));
        let Some(home) = home else {
            let outcome = Outcome::lost(None, format!("there is no load balancer {}", request.load_balancer));
            return vec![Answer { listener: None, rule: None, cookies: Vec::new(), outcome }];
        };
        let region = self.region(&home);
        let route = region.elbv2.route(now, request);
        let answer = |route: &Route<'_>, outcome| Answer {
            listener: route.listener.map(str::to_owned),
            rule: route.rule.map(str::to_owned),
            cookies: Vec::new(),
            outcome,
        };
        let forward = match route.way {
            Way::Over(ref outcome) => return vec![answer(&route, outcome.clone())],
            Way::Forward(ref forward) => forward,
        };
        let choices = region.elbv2.choices(now, forward, request);
        let mut answers = Vec::new();
        for (choice, targets) in drawn(&choices, draw) {
            if targets.is_empty() {
                answers.push(answer(&route, choice.nobody.clone()));
            }
            for target in targets {
                let outcome = region.reach(choice, target, forward.application);
                let cookies = match outcome {
                    Outcome::Served { .. } => choice.cookies(target, now),
                    _ => Vec::new(),
                };
                answers.push(Answer { cookies, ..answer(&route, outcome) });
            }
        }
        if answers.is_empty() {
            // What AWS does when all weights are 0 is a guess: nobody may take the request.
            let status = forward.application.then_some(503);
            answers.push(answer(&route, Outcome::lost(status, "no target group has a weight")));
        }
        answers
    }
}

impl Region {
    /// What a client gets that is sent to this target.
    ///
    /// Source: Elastic Load Balancing user guide, "Troubleshoot your Application Load Balancers":
    /// 502 when the target answers the connection with a RST, 504 when no connection comes about in
    /// ten seconds or nothing is answered in time.
    fn reach(&self, choice: &Choice, target: &Reached, application: bool) -> Outcome {
        let address = format!("{}:{}", target.id, target.port);
        let lost = |status: u16, why: String| Outcome::lost(application.then_some(status), why);
        let task = match self.ecs.behind(&target.id, target.port) {
            Some(Behind::Listens(task)) => Some(task),
            Some(Behind::Refuses(task)) => {
                return lost(502, format!("task {task} refuses connections to {address}"));
            }
            Some(Behind::Gone(task)) => return lost(504, format!("task {task} is gone from {address}")),
            None if target.of_task => return lost(504, format!("the task is gone from {address}")),
            None => None,
        };
        match target.status {
            Some(status) => {
                Outcome::Served { target_group: choice.group.clone(), target: address, task, status }
            }
            None => lost(504, format!("{address} does not answer")),
        }
    }
}

/// The groups and targets that a draw decides for, or all.
fn drawn(choices: &[Choice], draw: Option<u64>) -> Vec<(&Choice, &[Reached])> {
    let Some(draw) = draw else {
        return choices.iter().map(|choice| (choice, choice.targets.as_slice())).collect();
    };
    let total: u64 = choices.iter().map(|choice| choice.weight).sum();
    let mut share = draw.checked_rem(total).unwrap_or_default();
    let mine = choices.iter().find(|choice| {
        let is_it = share < choice.weight;
        share = share.saturating_sub(choice.weight);
        is_it
    });
    let one = |choice: &'_ Choice| {
        let many = u64::try_from(choice.targets.len()).unwrap_or(u64::MAX);
        let place = (draw / total.max(1)).checked_rem(many).unwrap_or_default();
        usize::try_from(place).unwrap_or_default()
    };
    mine.map(|choice| {
        (choice, choice.targets.get(one(choice)..).map_or(&[][..], |rest| &rest[..rest.len().min(1)]))
    })
    .into_iter()
    .collect()
}
