//! One specimen for every field that can drift: where it stands in a document, what it is declared
//! as, and what somebody makes of it by hand. What is to become of it is none of a specimen's
//! business (see [`super::rules`]).

use super::rules::ManualChange;
use evenkeel::model::resource::ResourceKind;
use evenkeel::plan::table::{Compare, Row, row_for};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Members of the AWS API, by path, with the values that they get; together in one call.
pub type Members = Vec<(&'static str, Value)>;

/// One field.
pub struct Specimen {
    /// Its row.
    pub row: &'static Row,
    /// The kind of resource that it is declared on: a base of [`super::documents`].
    pub base: &'static str,
    /// The value in the document.
    pub named: Value,
    /// What is taken out of the document where it does not name the field; the field itself, or the
    /// object that it needs.
    pub cut: &'static str,
    /// What is done by hand. A removal that is not given follows from the row; setting a field that
    /// is not named is the change, when nothing else is given.
    pub changes: BTreeMap<ManualChange, Members>,
    /// What cannot be done by hand, and why.
    pub impossible: BTreeMap<ManualChange, &'static str>,
}

fn of(
    kind: ResourceKind,
    path: &'static str,
    base: &'static str,
    named: Value,
    changed: impl Into<Given>,
) -> Specimen {
    let row = row_for(kind, path).unwrap_or_else(|| panic!("{kind} {path} has no row"));
    let specimen =
        Specimen { row, base, named, cut: path, changes: BTreeMap::new(), impossible: BTreeMap::new() };
    specimen.by(ManualChange::Changed, changed)
}

/// A value for the field itself, or members of the API.
pub enum Given {
    Value(Value),
    Members(Members),
}

impl From<Value> for Given {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<Members> for Given {
    fn from(members: Members) -> Self {
        Self::Members(members)
    }
}

impl Specimen {
    fn by(mut self, change: ManualChange, given: impl Into<Given>) -> Self {
        let members = match given.into() {
            Given::Value(value) => vec![("", value)],
            Given::Members(members) => members,
        };
        self.changes.insert(change, members);
        self
    }

    fn removed(self, given: impl Into<Given>) -> Self {
        self.by(ManualChange::Removed, given)
    }

    fn added(self, given: impl Into<Given>) -> Self {
        self.by(ManualChange::Added, given)
    }

    fn unnamed(self, given: impl Into<Given>) -> Self {
        self.by(ManualChange::Unnamed, given)
    }

    fn not(mut self, change: ManualChange, reason: &'static str) -> Self {
        self.impossible.insert(change, reason);
        self
    }

    fn without(self, cut: &'static str) -> Self {
        Self { cut, ..self }
    }

    /// Whether the declared value is a list or a map.
    pub fn is_many(&self) -> bool {
        let taken_apart = matches!(
            self.row.compare,
            Compare::Named(_) | Compare::Map | Compare::DeclaredKeys | Compare::Set(_) | Compare::Declared(_)
        );
        taken_apart || self.named.is_array()
    }
}

fn tags(kind: ResourceKind, base: &'static str) -> Specimen {
    of(kind, "tags", base, Value::Null, json!({"team": "warehouse"}))
        .removed(json!({"team": null}))
        .added(json!({"somebody": "else"}))
}

/// Log groups.
pub fn log_groups() -> Vec<Specimen> {
    let kind = ResourceKind::LogGroup;
    let key = |id: &str| json!(format!("arn:aws:kms:eu-west-1:123456789012:key/{id}"));
    vec![
        of(kind, "retentionInDays", "log group", json!(30), json!(7)).removed(Value::Null),
        of(kind, "kmsKeyId", "log group", key("one"), key("two")).removed(Value::Null),
        tags(kind, "log group"),
    ]
}

/// Alarms.
pub fn alarms() -> Vec<Specimen> {
    let kind = ResourceKind::Alarm;
    let alarm = |path, named, changed: Value| of(kind, path, "alarm", named, changed);
    let topic = |name: &str| json!([format!("arn:aws:sns:eu-west-1:123456789012:{name}")]);
    let mut all = vec![
        alarm("alarmDescription", json!("one"), json!("two")),
        alarm("actionsEnabled", json!(false), json!(true)).unnamed(json!(false)),
        alarm("okActions", topic("one"), topic("two")).added(json!([topic("one")[0], topic("two")[0]])),
        alarm("alarmActions", topic("one"), topic("two")).added(json!([topic("one")[0], topic("two")[0]])),
        alarm("insufficientDataActions", topic("one"), topic("two"))
            .added(json!([topic("one")[0], topic("two")[0]])),
        alarm("metricName", json!("MemoryUtilization"), json!("Other")),
        alarm("namespace", json!("AWS/RDS"), json!("AWS/EC2")),
        alarm("statistic", json!("Maximum"), json!("Minimum")),
        of(kind, "extendedStatistic", "percentile alarm", json!("p95"), json!("p50")),
        alarm(
            "dimensions",
            json!([{"name": "ClusterName", "value": "matrix"}]),
            json!([{"Name": "ClusterName", "Value": "other"}]),
        )
        .added(json!([{"Name": "ClusterName", "Value": "matrix"}, {"Name": "ServiceName", "Value": "a"}])),
        alarm("period", json!(120), json!(300)),
        alarm("unit", json!("Percent"), json!("Seconds")),
        alarm("evaluationPeriods", json!(4), json!(5)),
        alarm("datapointsToAlarm", json!(2), json!(1)),
        alarm("threshold", json!(70.5), json!(90.0)),
        alarm("comparisonOperator", json!("GreaterThanOrEqualToThreshold"), json!("LessThanThreshold")),
        alarm("treatMissingData", json!("notBreaching"), json!("breaching")),
        alarm(
            "evaluationWindow",
            json!({"wallClockWindow": {"timezone": "Europe/Berlin"}}),
            json!({"WallClockWindow": {"Timezone": "UTC"}}),
        )
        .removed(Value::Null),
        alarm(
            "warmUpConfiguration",
            json!({"warmUpPeriodDurationInMinutes": 5}),
            json!({"WarmUpPeriodDurationInMinutes": 10}),
        )
        .added(json!({"WarmUpPeriodDurationInMinutes": 5, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": true})),
        alarm(
            "actionConfiguration",
            json!({"alarmTagsPropagation": {"enabled": true, "includedTagKeys": ["team", "app"]}}),
            json!({"AlarmTagsPropagation": {"Enabled": true, "IncludedTagKeys": ["team"]}}),
        )
        .removed(Value::Null)
        .added(json!({"AlarmTagsPropagation": {"Enabled": true, "IncludedTagKeys": ["app", "team", "x"]}})),
        tags(kind, "alarm"),
    ];
    all.extend(alarms_of_other_forms());
    all
}

/// Alarms on a percentile, an expression, a band and a query.
fn alarms_of_other_forms() -> Vec<Specimen> {
    let kind = ResourceKind::Alarm;
    let promql = |path, named, changed: Value| of(kind, path, "promql alarm", named, changed);
    vec![
        of(kind, "evaluateLowSampleCountPercentile", "percentile alarm", json!("ignore"), json!("evaluate"))
            .unnamed(json!("ignore")),
        of(
            kind,
            "metrics",
            "math alarm",
            json!([{"id": "twice", "expression": "m * 2"}, {"id": "m", "returnData": false, "metricStat":
                {"metric": {"namespace": "AWS/ECS", "metricName": "CPUUtilization"}, "period": 60, "stat": "Sum"}}]),
            json!([{"Id": "twice", "Expression": "m * 3"}, {"Id": "m", "ReturnData": false, "MetricStat":
                {"Metric": {"Namespace": "AWS/ECS", "MetricName": "CPUUtilization"}, "Period": 60, "Stat": "Sum"}}]),
        )
        .added(json!([{"Id": "twice", "Expression": "m * 2"}, {"Id": "thrice", "Expression": "m * 3", "ReturnData": false},
            {"Id": "m", "ReturnData": false, "MetricStat":
                {"Metric": {"Namespace": "AWS/ECS", "MetricName": "CPUUtilization"}, "Period": 60, "Stat": "Sum"}}])),
        of(kind, "thresholdMetricId", "band alarm", json!("band"), json!("wide"))
            .not(ManualChange::Changed, "only the one band of `metrics` can be named, so both change together")
            .not(ManualChange::Removed, "without a band an alarm of this operator is refused"),
        promql("evaluationCriteria.promQLCriteria.query", json!("up == 0"), json!("up == 1")),
        promql("evaluationCriteria.promQLCriteria.pendingPeriod", json!(60), json!(120)),
        promql("evaluationCriteria.promQLCriteria.recoveryPeriod", json!(60), json!(120)),
        promql("evaluationInterval", json!(120), json!(60)),
    ]
}

/// Target groups.
pub fn target_groups() -> Vec<Specimen> {
    let kind = ResourceKind::TargetGroup;
    let group = |path, named, changed: Value| of(kind, path, "target group", named, changed);
    vec![
        group("protocol", json!("HTTPS"), json!("HTTP")).unnamed(json!("HTTPS")),
        group("protocolVersion", json!("HTTP2"), json!("GRPC")),
        group("port", json!(9000), json!(9001)),
        group("vpcId", json!("vpc-0123456789abcdef1"), json!("vpc-0123456789abcdef2")),
        group("targetType", json!("instance"), json!("ip")).unnamed(json!("instance")),
        group("healthCheckProtocol", json!("HTTPS"), json!("HTTP")).unnamed(json!("HTTPS")),
        group("healthCheckPort", json!("9000"), json!("9001")),
        group("healthCheckPath", json!("/health"), json!("/other")),
        group("healthCheckIntervalSeconds", json!(20), json!(25)),
        group("healthCheckTimeoutSeconds", json!(7), json!(8)),
        group("healthyThresholdCount", json!(3), json!(4)),
        group("unhealthyThresholdCount", json!(3), json!(4)),
        group("matcher.httpCode", json!("200-299"), json!("200,404")).without("matcher"),
        of(kind, "matcher.grpcCode", "grpc target group", json!("0"), json!("0-5")).without("matcher"),
        group(
            "attributes",
            json!({"deregistration_delay.timeout_seconds": "15"}),
            json!({"deregistration_delay.timeout_seconds": "600"}),
        )
        .removed(json!({"deregistration_delay.timeout_seconds": "300"}))
        .added(json!({"slow_start.duration_seconds": "60"})),
        tags(kind, "target group"),
    ]
}

/// A fixed answer in the API's form.
fn answers(code: &str) -> Value {
    json!([{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": code}}])
}

fn certificates(id: &str) -> Value {
    json!([{"CertificateArn": format!("arn:aws:acm:eu-west-1:123456789012:certificate/{id}")}])
}

fn weights(groups: &[(&str, u32)]) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|(key, weight)| json!({"TargetGroupArn": format!("@target-group/{key}"), "Weight": weight}))
        .collect();
    json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}])
}

/// Listeners.
pub fn listeners() -> Vec<Specimen> {
    let kind = ResourceKind::Listener;
    let other = "00000000-0000-4000-8000-00000000000b";
    vec![
        of(kind, "port", "http listener", json!(9200), json!(9300)),
        of(
            kind,
            "protocol",
            "http listener",
            json!("HTTP"),
            vec![
                ("Protocol", json!("HTTPS")),
                ("Certificates", certificates(other)),
                ("SslPolicy", json!("ELBSecurityPolicy-TLS13-1-2-2021-06")),
            ],
        ),
        of(
            kind,
            "sslPolicy",
            "https listener",
            json!("ELBSecurityPolicy-TLS13-1-2-2021-06"),
            json!("ELBSecurityPolicy-TLS13-1-3-2021-06"),
        ),
        of(
            kind,
            "certificates",
            "https listener",
            json!([{"certificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-4000-8000-00000000000a"}]),
            certificates(other),
        )
        .not(ManualChange::Removed, "a listener has one default certificate always")
        .not(ManualChange::Added, "further certificates are for SNI, which is not declared"),
        of(kind, "alpnPolicy", "tls listener", json!(["HTTP2Optional"]), json!(["HTTP1Only"]))
            .removed(json!(["None"]))
            .not(ManualChange::Added, "a listener has one policy at most"),
        of(
            kind,
            "defaultActions",
            "http listener",
            json!([{"type": "forward", "targetGroups": [{"targetGroup": "a", "weight": 3}, {"targetGroup": "b", "weight": 1}]}]),
            weights(&[("a", 1), ("b", 3)]),
        )
        .removed(weights(&[("a", 3)]))
        .added(weights(&[("a", 3), ("b", 1), ("c", 1)])),
        tags(kind, "http listener"),
    ]
}

/// Rules.
pub fn rules() -> Vec<Specimen> {
    let kind = ResourceKind::Rule;
    let hosts = |hosts: &[&str]| json!([{"Field": "host-header", "HostHeaderConfig": {"Values": hosts}}]);
    vec![
        of(kind, "priority", "rule", json!(700), json!(701)),
        of(
            kind,
            "conditions",
            "rule",
            json!([{"field": "host-header", "values": ["one.example.com", "two.example.com"]}]),
            hosts(&["one.example.com", "three.example.com"]),
        )
        .removed(hosts(&["one.example.com"]))
        .added(hosts(&["one.example.com", "two.example.com", "three.example.com"])),
        of(
            kind,
            "actions",
            "rule",
            json!([{"type": "forward", "targetGroups": [{"targetGroup": "a", "weight": 3}, {"targetGroup": "b", "weight": 1}]}]),
            weights(&[("a", 1), ("b", 3)]),
        )
        .removed(weights(&[("a", 3)]))
        .added(weights(&[("a", 3), ("b", 1), ("c", 1)])),
        of(kind, "tags", "rule", Value::Null, answers("503")).by(ManualChange::Changed, json!({"team": "warehouse"}))
            .removed(json!({"team": null}))
            .added(json!({"somebody": "else"})),
    ]
}

fn service(path: &'static str, base: &'static str, named: Value, changed: impl Into<Given>) -> Specimen {
    of(ResourceKind::Service, path, base, named, changed)
}

/// Services.
pub fn services() -> Vec<Specimen> {
    let mut all = placed();
    all.extend(networked());
    all.extend(rolled());
    all.extend(broken());
    all.extend(shown_by_deployments());
    all.extend(hooked());
    all.extend([
        service("healthCheckGracePeriodSeconds", "balanced", json!(30), json!(60)),
        service("enableExecuteCommand", "plain", json!(true), json!(false)).unnamed(json!(true)),
        service("enableECSManagedTags", "plain", json!(true), json!(false)).unnamed(json!(true)),
        service("propagateTags", "plain", json!("SERVICE"), json!("TASK_DEFINITION")),
        service("availabilityZoneRebalancing", "plain", json!("DISABLED"), json!("ENABLED"))
            .unnamed(json!("DISABLED")),
        tags(ResourceKind::Service, "plain"),
    ]);
    all
}

fn placed() -> Vec<Specimen> {
    let share = |name: &str, weight: u32| json!({"capacityProvider": name, "weight": weight, "base": 0});
    let spread = |field: &str| json!({"type": "spread", "field": field});
    let member_of = |kind: &str| json!({"type": "memberOf", "expression": format!("attribute:ecs.instance-type =~ {kind}.*")});
    vec![
        service("taskDefinition", "plain", Value::Null, json!("@other revision")),
        service("desiredCount", "plain", json!(2), json!(3)),
        service("launchType", "plain", json!("FARGATE"), json!("EC2")).unnamed(json!("EC2")).not(
            ManualChange::Removed,
            "a strategy in its place is a change of the strategy, which is taken back",
        ),
        service(
            "capacityProviderStrategy",
            "provided",
            json!([share("FARGATE", 1), share("FARGATE_SPOT", 3)]),
            json!([share("FARGATE", 3), share("FARGATE_SPOT", 1)]),
        )
        .removed(json!([share("FARGATE", 1)]))
        .not(ManualChange::Added, "Fargate has two providers, and both are declared"),
        service("platformVersion", "plain", json!("1.4.0"), json!("1.3.0")),
        service("schedulingStrategy", "daemon", json!("DAEMON"), json!("REPLICA")).unnamed(json!("DAEMON")),
        service(
            "placementConstraints",
            "instances",
            json!([member_of("m5"), {"type": "distinctInstance"}]),
            json!([member_of("c5"), {"type": "distinctInstance"}]),
        )
        .added(json!([member_of("m5"), {"type": "distinctInstance"}, member_of("c5")])),
        service(
            "placementStrategy",
            "instances",
            json!([spread("instanceId"), spread("attribute:ecs.availability-zone")]),
            json!([spread("attribute:ecs.availability-zone"), spread("instanceId")]),
        )
        .added(json!([spread("instanceId"), spread("attribute:ecs.availability-zone"), {"type": "random"}])),
    ]
}

fn networked() -> Vec<Specimen> {
    let vpc = |leaf: &str| -> &'static str {
        match leaf {
            "subnets" => "networkConfiguration.awsvpcConfiguration.subnets",
            "securityGroups" => "networkConfiguration.awsvpcConfiguration.securityGroups",
            _ => "networkConfiguration.awsvpcConfiguration.assignPublicIp",
        }
    };
    let subnet = |n: u32| format!("subnet-0123456789abcde{n:02}");
    let group = |n: u32| format!("sg-0123456789abcde{n:02}");
    let registry = |id: &str| json!({"registryArn": format!("arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-{id}")});
    let balancer = |key: &str| json!({"targetGroupArn": format!("@target-group/{key}"), "containerName": "app", "containerPort": 8080});
    let declared = |key: &str| json!({"targetGroup": key, "containerName": "app", "containerPort": 8080});
    vec![
        service(vpc("subnets"), "plain", json!([subnet(1), subnet(2)]), json!([subnet(1), subnet(3)]))
            .added(json!([subnet(1), subnet(2), subnet(3)])),
        service(vpc("securityGroups"), "plain", json!([group(1), group(2)]), json!([group(1), group(3)]))
            .added(json!([group(1), group(2), group(3)])),
        service(vpc("assignPublicIp"), "plain", json!("ENABLED"), json!("DISABLED"))
            .unnamed(json!("ENABLED")),
        service(
            "loadBalancers",
            "plain",
            json!([declared("a"), declared("b")]),
            json!([balancer("a"), balancer("c")]),
        )
        .added(json!([balancer("a"), balancer("b"), balancer("c")])),
        service("serviceRegistries", "plain", json!([registry("one")]), json!([registry("two")]))
            .not(ManualChange::Added, "a service has one registry at most"),
    ]
}

fn rolled() -> Vec<Specimen> {
    const ALARMS: &str = "deploymentConfiguration.alarms";
    let alarms = |names: &[&str], enable: bool, rollback: bool| {
        vec![(ALARMS, json!({"alarmNames": names, "enable": enable, "rollback": rollback}))]
    };
    let two = ["errors", "latency"];
    vec![
        service("deploymentConfiguration.minimumHealthyPercent", "plain", json!(50), json!(75)),
        service("deploymentConfiguration.maximumPercent", "plain", json!(150), json!(175)),
        service(
            "deploymentConfiguration.alarms.alarmNames",
            "alarmed",
            json!(two),
            alarms(&["errors", "queue"], true, true),
        )
        .removed(alarms(&["errors"], true, true))
        .added(alarms(&["errors", "latency", "queue"], true, true))
        .without(ALARMS),
        service("deploymentConfiguration.alarms.enable", "alarmed", json!(true), alarms(&two, false, true))
            .removed(alarms(&two, false, true))
            .unnamed(alarms(&two, true, true))
            .without(ALARMS),
        service("deploymentConfiguration.alarms.rollback", "alarmed", json!(true), alarms(&two, true, false))
            .removed(alarms(&two, true, false))
            .unnamed(alarms(&two, true, true))
            .without(ALARMS),
        service("deploymentConfiguration.strategy", "shifting", json!("BLUE_GREEN"), json!("CANARY")),
        service("deploymentConfiguration.bakeTimeInMinutes", "plain", json!(5), json!(10)),
        service(
            "deploymentConfiguration.linearConfiguration",
            "linear",
            json!({"stepPercent": 25.0, "stepBakeTimeInMinutes": 3}),
            json!({"stepPercent": 50.0, "stepBakeTimeInMinutes": 3}),
        )
        .removed(json!({"stepPercent": 10.0, "stepBakeTimeInMinutes": 6}))
        .not(ManualChange::Added, "AWS knows no further member"),
        service(
            "deploymentConfiguration.canaryConfiguration",
            "canary",
            json!({"canaryPercent": 25.0, "canaryBakeTimeInMinutes": 3}),
            json!({"canaryPercent": 50.0, "canaryBakeTimeInMinutes": 3}),
        )
        .removed(json!({"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10}))
        .not(ManualChange::Added, "AWS knows no further member"),
    ]
}

fn broken() -> Vec<Specimen> {
    const BREAKER: &str = "deploymentConfiguration.deploymentCircuitBreaker";
    let breaker =
        |enable: bool, rollback: bool| vec![(BREAKER, json!({"enable": enable, "rollback": rollback}))];
    let on = |members: Value| {
        let mut breaker = json!({"enable": true, "rollback": false});
        for (name, member) in members.as_object().into_iter().flatten() {
            breaker[name] = member.clone();
        }
        vec![(BREAKER, breaker)]
    };
    let count = |value: u32| json!({"type": "COUNT", "value": value});
    vec![
        service(
            "deploymentConfiguration.deploymentCircuitBreaker.enable",
            "plain",
            json!(true),
            breaker(false, false),
        )
        .removed(breaker(false, false))
        .unnamed(breaker(true, false))
        .without(BREAKER),
        service(
            "deploymentConfiguration.deploymentCircuitBreaker.rollback",
            "breaker",
            json!(true),
            breaker(true, false),
        )
        .removed(breaker(true, false))
        .unnamed(breaker(true, true))
        .without(BREAKER),
        service(
            "deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask",
            "breaker",
            json!(false),
            on(json!({"resetOnHealthyTask": true})),
        )
        .removed(on(json!({})))
        .unnamed(on(json!({"resetOnHealthyTask": false}))),
        service(
            "deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration",
            "breaker",
            count(4),
            on(json!({"thresholdConfiguration": count(7)})),
        )
        .removed(on(json!({})))
        .unnamed(on(json!({"thresholdConfiguration": count(7)}))),
    ]
}

fn shown_by_deployments() -> Vec<Specimen> {
    let port =
        |name: &str, port: u16| json!({"portName": name, "clientAliases": [{"port": port, "dnsName": name}]});
    let connect = |ports: &[Value]| json!({"enabled": true, "namespace": "shop", "services": ports});
    let volume = |size: u32| {
        json!([{"name": "data", "managedEBSVolume":
            {"roleArn": "arn:aws:iam::123456789012:role/matrix-volumes", "sizeInGiB": size}}])
    };
    vec![
        service(
            "serviceConnectConfiguration",
            "connected",
            connect(&[port("http", 80)]),
            connect(&[port("http", 8000)]),
        )
        .added(connect(&[port("http", 80), port("admin", 81)])),
        service("volumeConfigurations", "stored", volume(20), volume(40))
            .not(ManualChange::Added, "ECS makes one volume for each task at most"),
    ]
}

fn hooked() -> Vec<Specimen> {
    const EARLY: &str = "deploymentConfiguration.earlySuccessCriteria";
    let hook = |stage: &str, details: Value| {
        json!({"lifecycleStages": [stage], "roleArn": "arn:aws:iam::123456789012:role/matrix-hooks",
            "hookTargetArn": "arn:aws:lambda:eu-west-1:123456789012:function:check", "hookDetails": details})
    };
    let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]});
    let check = hook("PRE_SCALE_UP", json!({"suite": ["smoke"]}));
    let early = |percent: u32, cleanup: &str| {
        vec![(
            EARLY,
            json!({"enable": true, "healthyPercent": percent, "sourceServiceRevisionCleanup": cleanup}),
        )]
    };
    vec![
        service(
            "deploymentConfiguration.lifecycleHooks",
            "plain",
            json!([check, pause]),
            json!([hook("PRE_SCALE_UP", json!({"suite": ["full"]})), pause]),
        )
        .added(json!([check, pause, hook("POST_SCALE_UP", json!(null))])),
        service(
            "deploymentConfiguration.earlySuccessCriteria.enable",
            "early",
            json!(true),
            vec![(EARLY, json!({"enable": false}))],
        )
        .removed(vec![(EARLY, json!({"enable": false}))])
        .unnamed(early(100, "BLOCKING"))
        .without(EARLY),
        service(
            "deploymentConfiguration.earlySuccessCriteria.healthyPercent",
            "early",
            json!(100),
            early(75, "BLOCKING"),
        ),
        service(
            "deploymentConfiguration.earlySuccessCriteria.sourceServiceRevisionCleanup",
            "early",
            json!("BLOCKING"),
            early(100, "DEFERRED"),
        ),
    ]
}
