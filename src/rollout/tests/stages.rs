//! Sentences about deployments that ECS takes through stages.

use super::*;
use crate::model::service_deployment::{ObservedHook, ObservedStage};

impl Fixture {
    /// A rollout of a service that ECS shifts, whose tasks all run, at this stage.
    fn shifting() -> Self {
        let mut fixture = Self::upgrading();
        let web = fixture.desired.components.get_mut("web").unwrap();
        let Workload::Service { fields, .. } = &mut web.workload else { panic!("no service") };
        fields["deploymentConfiguration"]["strategy"] = json!("LINEAR");
        fields["deploymentConfiguration"]["bakeTimeInMinutes"] = json!(60);
        fields["deploymentConfiguration"]["linearConfiguration"] = json!({"stepBakeTimeInMinutes": 30});
        fixture.service(2, "IN_PROGRESS", 1);
        fixture.at("SCALE_UP", None, Vec::new());
        fixture.step();
        assert_eq!(fixture.word("web"), "Rolling");
        fixture
    }

    fn at(&mut self, stage: &str, production: Option<f64>, hooks: Vec<ObservedHook>) {
        let stage = ObservedStage {
            deployment: "arn:aws:ecs:eu-west-1:123456789012:service-deployment/c/shop-web/1".into(),
            status: "IN_PROGRESS".into(),
            strategy: "LINEAR".into(),
            stage: Some(stage.into()),
            production,
            asked: Seen::Absent,
            moves_rule: false,
            hooks,
        };
        self.observed.stages.insert("web".into(), Seen::Present(stage));
    }

    fn after(&mut self, seconds: i64) -> &'static str {
        self.pass(seconds);
        self.step();
        self.word("web")
    }

    fn hook(&self, pauses: bool, seconds: i64) -> Vec<ObservedHook> {
        let until = Some(self.now + SignedDuration::from_secs(seconds));
        vec![ObservedHook { id: "hook".into(), pauses, target: None, until, then: None }]
    }
}

#[test]
fn every_stage_and_every_step_of_the_traffic_gives_the_rollout_new_time() {
    let mut fixture = Fixture::shifting();
    assert_eq!(fixture.after(800), "Rolling");
    for percent in [None, Some(10.0), Some(20.0)] {
        fixture.at("PRODUCTION_TRAFFIC_SHIFT", percent, Vec::new());
        assert_eq!(fixture.after(2600), "Rolling");
        assert_eq!(fixture.after(2600), "Rolling", "half an hour more than the deadline");
    }
    fixture.at("BAKE_TIME", Some(100.0), Vec::new());
    assert_eq!(fixture.after(1), "Rolling");
    assert_eq!(fixture.after(900 + 3600), "Rolling");
    assert_eq!(fixture.after(1), "Stalled", "the bake time is over");
}

#[test]
fn a_stage_that_is_to_last_no_time_is_stalled_by_the_deadline_whatever_else_may_last() {
    let mut fixture = Fixture::shifting();
    assert_eq!(fixture.after(900), "Rolling");
    assert_eq!(fixture.after(1), "Stalled");
    fixture.at("POST_SCALE_UP", None, Vec::new());
    assert_eq!(fixture.after(60), "Rolling", "it has gone on");
    fixture.service(2, "COMPLETED", 1);
    fixture.observed.stages.clear();
    assert_eq!(fixture.after(60), "Complete");
    assert_eq!(fixture.state.components["web"].stage, None);
}

#[test]
fn a_pause_is_never_stalled_and_a_function_has_its_own_time() {
    let mut fixture = Fixture::shifting();
    let hooks = fixture.hook(true, 86_400);
    fixture.at("POST_SCALE_UP", None, hooks);
    for _ in 0..40 {
        assert_eq!(fixture.after(3600), "Rolling");
    }
    let hooks = fixture.hook(false, 7200);
    fixture.at("PRE_PRODUCTION_TRAFFIC_SHIFT", None, hooks);
    assert_eq!(fixture.after(1), "Rolling");
    assert_eq!(fixture.after(7000), "Rolling");
    assert_eq!(fixture.after(7000), "Stalled", "it does not answer");
}
