//! CloudWatch as the AWS SDK for Rust sees it: in CBOR, in process, in paused time.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_cloudwatch::{
    Client, Config,
    config::{BehaviorVersion, Region, retry::RetryConfig},
    error::ProvideErrorMetadata as _,
    operation::put_metric_data::PutMetricDataError,
    primitives::DateTime,
    types::{
        ComparisonOperator, Dimension, HistoryItemType, Metric, MetricDataQuery, MetricDatum, MetricStat,
        StandardUnit, StateValue, Statistic, Tag,
    },
};
use aws_sim::{
    Sim,
    faults::{Effect, FaultRule, When},
    form::Form,
    wire::{Protocol, Request, Service},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::json;

use super::support::{REGION, pass};

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:ops";

/// Notes the encoding of each request just before it goes out.
#[derive(Debug, Clone, Default)]
struct Encodings(Arc<Mutex<Vec<Option<String>>>>);

impl Intercept for Encodings {
    fn name(&self) -> &'static str {
        "encodings"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let encoding = context.request().headers().get("content-encoding").map(str::to_owned);
        self.0.lock().unwrap().push(encoding);
        Ok(())
    }
}

fn client(sim: &Sim) -> Client {
    client_with(sim, Encodings::default(), RetryConfig::standard())
}

fn client_with(sim: &Sim, encodings: Encodings, retries: RetryConfig) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::from_keys("AKIDSIMULATED", "secret", None))
        .retry_config(retries)
        .interceptor(encodings)
        .http_client(sim.http_client());
    Client::from_conf(config.build())
}

async fn put_alarm(client: &Client, name: &str) {
    let put = client.put_metric_alarm().alarm_name(name).namespace("App").metric_name("Errors").period(60);
    let put = put.statistic(Statistic::Sum).evaluation_periods(1).threshold(5.0).alarm_actions(TOPIC);
    let put = put.dimensions(Dimension::builder().name("a").value("1").build());
    put.comparison_operator(ComparisonOperator::GreaterThanThreshold).send().await.unwrap();
}

fn datum(value: f64) -> MetricDatum {
    let dimension = Dimension::builder().name("a").value("1").build();
    MetricDatum::builder()
        .metric_name("Errors")
        .dimensions(dimension)
        .value(value)
        .unit(StandardUnit::Count)
        .build()
}

async fn state(client: &Client, name: &str) -> (StateValue, String) {
    let found = client.describe_alarms().alarm_names(name).send().await.unwrap();
    let alarm = &found.metric_alarms()[0];
    (alarm.state_value().unwrap().clone(), alarm.state_reason().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn an_alarm_lives_its_whole_life_through_the_sdk() {
    let sim = Sim::builder().seed(3).build();
    let client = client(&sim);
    put_alarm(&client, "errors").await;
    let made = client.describe_alarms().send().await.unwrap();
    let alarm = &made.metric_alarms()[0];
    assert_eq!(alarm.state_value(), Some(&StateValue::InsufficientData));
    assert_eq!(
        (alarm.threshold(), alarm.period(), alarm.actions_enabled()),
        (Some(5.0), Some(60), Some(true))
    );
    assert_eq!(alarm.dimensions()[0].value(), Some("1"));
    let created = DateTime::from_secs(sim.now().as_second());
    assert_eq!(alarm.alarm_configuration_updated_timestamp(), Some(&created));
    client.put_metric_data().namespace("App").metric_data(datum(9.0)).send().await.unwrap();
    pass(60).await;
    let (value, reason) = state(&client, "errors").await;
    assert_eq!(value, StateValue::Alarm);
    assert!(reason.contains("[9.0 (01/01/26 00:00:00)] was greater than the threshold (5.0)"), "{reason}");
    pass(240).await;
    assert_eq!(state(&client, "errors").await.0, StateValue::InsufficientData);
    let history =
        client.describe_alarm_history().alarm_name("errors").history_item_type(HistoryItemType::Action);
    let items = history.send().await.unwrap();
    assert_eq!(items.alarm_history_items().len(), 1);
    let arn = made.metric_alarms()[0].alarm_arn().unwrap();
    let tag = Tag::builder().key("a").value("1").build();
    client.tag_resource().resource_arn(arn).tags(tag.clone()).send().await.unwrap();
    assert_eq!(client.list_tags_for_resource().resource_arn(arn).send().await.unwrap().tags(), [tag]);
    client.delete_alarms().alarm_names("errors").send().await.unwrap();
    client.delete_alarms().alarm_names("errors").send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn refusals_are_typed_and_carry_their_old_codes() {
    let client = client(&Sim::builder().build());
    let empty = client.put_metric_data().namespace("App").send().await.unwrap_err().into_service_error();
    assert!(matches!(empty, PutMetricDataError::MissingRequiredParameterException(_)), "{empty:?}");
    assert_eq!(empty.message(), Some("The parameter MetricData is required."));
    let odd =
        client.put_metric_data().namespace("App").metric_data(datum(f64::NAN)).send().await.unwrap_err();
    assert!(odd.into_service_error().is_invalid_parameter_value_exception());
    let wrong = client.put_metric_alarm().alarm_name("a").send().await.unwrap_err().into_service_error();
    assert_eq!(wrong.code(), Some("ValidationError"));
    let token = client.describe_alarms().next_token("x").send().await.unwrap_err().into_service_error();
    assert!(token.is_invalid_next_token());
    let gone =
        client.list_tags_for_resource().resource_arn("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:x");
    assert!(gone.send().await.unwrap_err().into_service_error().is_resource_not_found_exception());
    let composite = client.put_composite_alarm().alarm_name("a").alarm_rule("TRUE").send().await.unwrap_err();
    assert_eq!(composite.into_service_error().code(), Some("UnsupportedFeatureException"));
}

#[tokio::test(start_paused = true)]
async fn numbers_times_and_pages_survive_cbor() {
    let sim = Sim::builder().build();
    let client = client(&sim);
    let start = sim.now().as_second();
    for value in [1.5, -0.25, 1e-9] {
        client.put_metric_data().namespace("App").metric_data(datum(value)).send().await.unwrap();
        pass(60).await;
    }
    let dimension = Dimension::builder().name("a").value("1").build();
    let metric = Metric::builder().namespace("App").metric_name("Errors").dimensions(dimension).build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("Average").build();
    let query = MetricDataQuery::builder().id("m").metric_stat(stat).build();
    let (from, to) = (DateTime::from_secs(start), DateTime::from_secs(start + 180));
    let ask =
        client.get_metric_data().metric_data_queries(query).start_time(from).end_time(to).max_datapoints(2);
    let pages = ask.into_paginator().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    let results = pages.iter().flat_map(|page| page.metric_data_results());
    let values: Vec<f64> = results.flat_map(|result| result.values().to_vec()).collect();
    assert_eq!(values, [1e-9, -0.25, 1.5]);
    assert_eq!(pages[0].metric_data_results()[0].timestamps()[0], DateTime::from_secs(start + 120));
    let listed = client.list_metrics().namespace("App").send().await.unwrap();
    assert_eq!(listed.metrics().len(), 1);
    for index in 0..120 {
        put_alarm(&client, &format!("a{index:03}")).await;
    }
    let pages = client.describe_alarms().max_records(100).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.metric_alarms().len()).collect::<Vec<_>>(), [100, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_large_call_comes_compressed() {
    let sim = Sim::builder().build();
    let encodings = Encodings::default();
    let client = client_with(&sim, encodings.clone(), RetryConfig::standard());
    let data: Vec<MetricDatum> = (0..500).map(|_| datum(1.0)).collect();
    client.put_metric_data().namespace("App").set_metric_data(Some(data)).send().await.unwrap();
    put_alarm(&client, "errors").await;
    assert_eq!(*encodings.0.lock().unwrap(), [Some("gzip".to_owned()), None]);
    pass(60).await;
    let (_, reason) = state(&client, "errors").await;
    assert!(reason.contains("[500.0 ("), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn the_published_rates_hold_and_the_sdk_waits_them_out() {
    let sim = Sim::builder().rate_limits(true).build();
    // The SDK draws its waits; three tries may all fall into the first third of a second.
    let client = client_with(&sim, Encodings::default(), RetryConfig::standard().with_max_attempts(10));
    for index in 0..6 {
        put_alarm(&client, &format!("a{index}")).await;
    }
    let count = sim.counts().operations["monitoring"]["PutMetricAlarm"];
    assert!(count.failed > 0, "three a second are allowed: {count:?}");
    assert_eq!(client.describe_alarms().send().await.unwrap().metric_alarms().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn faults_strike_cbor_calls_by_the_services_short_name() {
    let sim = Sim::builder().build();
    let client = client(&sim);
    sim.faults().add(FaultRule::on("cloudwatch:Put*", Effect::access_denied("cloudwatch:PutMetricAlarm")));
    let denied = client.put_metric_alarm().alarm_name("a").send().await.unwrap_err().into_service_error();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    sim.faults().clear();
    sim.faults().add(FaultRule::on("monitoring:*", Effect::server_error()).when(When::Once));
    put_alarm(&client, "a").await;
    assert_eq!(sim.counts().of("monitoring", "PutMetricAlarm"), 3);
}

#[tokio::test(start_paused = true)]
async fn the_query_form_is_answered_in_xml_from_the_same_world() {
    let sim = Sim::builder().build();
    put_alarm(&client(&sim), "errors").await;
    let ask = |action: &str, more: &str| {
        let body = format!("Action={action}&Version=2010-08-01&{more}").into_bytes();
        let request = Request::read(|_| None, &body).unwrap();
        assert_eq!((request.service, request.protocol), (Service::Cloudwatch, Protocol::Query));
        assert!(Form::parse(&request.body).has("Action"));
        sim.exchange(Request { region: REGION.to_owned(), ..request })
    };
    let text = |body: &[u8]| String::from_utf8(body.to_vec()).unwrap();
    let found = ask("DescribeAlarms", "AlarmNames.member.1=errors&MaxRecords=10").await.unwrap();
    let xml = text(&found.body);
    assert_eq!((found.status, found.content_type), (200, "text/xml"));
    assert!(
        xml.contains("<DescribeAlarmsResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">")
    );
    assert!(xml.contains("<StateUpdatedTimestamp>2026-01-01T00:00:00Z</StateUpdatedTimestamp>"), "{xml}");
    assert!(xml.contains("<Threshold>5.0</Threshold>") && xml.contains("<Period>60</Period>"), "{xml}");
    let state = "AlarmName=errors&StateValue=OK&StateReason=drill";
    let set = ask("SetAlarmState", state).await.unwrap();
    assert!(!text(&set.body).contains("SetAlarmStateResult") && text(&set.body).contains("<RequestId>"));
    let state = "AlarmName=none&StateValue=OK&StateReason=drill";
    let gone = ask("SetAlarmState", state).await.unwrap();
    assert_eq!(gone.status, 404);
    assert!(text(&gone.body).contains("<Type>Sender</Type>\n    <Code>ResourceNotFound</Code>"));
    let odd = ask("DescribeAlarms", "MaxRecords=many").await.unwrap();
    assert!(text(&odd.body).contains("<Code>MalformedInput</Code>"));
    let strange = ask("Nonsense", "").await.unwrap();
    assert!(text(&strange.body).contains("<Code>InvalidAction</Code>"));
}

#[tokio::test(start_paused = true)]
async fn alarms_can_be_seeded_by_calls() {
    let sim = Sim::builder().build();
    let input = json!({"AlarmName": "errors", "Namespace": "App", "MetricName": "Errors", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 5, "ComparisonOperator": "GreaterThanThreshold"});
    let calls = json!([{"service": "cloudwatch", "operation": "PutMetricAlarm", "input": input}]);
    sim.seed_world(&json!({"region": REGION, "calls": calls})).unwrap();
    assert_eq!(state(&client(&sim), "errors").await.0, StateValue::InsufficientData);
}
