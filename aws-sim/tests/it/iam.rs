//! Policies: decisions by AWS's rules, and what calls ask for.

use std::{fs, path::Path};

use aws_sim::{
    Sim,
    iam::{Attached, Caller, Decision, Document, Question, decide},
    wire::{Request, Response, Service},
};
use serde_json::{Value, json};

use crate::support::{REGION, request};

/// A block of the table: its policies and its questions.
#[derive(Default)]
struct Block {
    title: String,
    version: Option<String>,
    policies: Vec<Vec<Value>>,
    boundary: Vec<Value>,
    questions: Vec<String>,
}

impl Block {
    fn read(text: &str) -> Self {
        let mut block = Self::default();
        let statement =
            |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("#", title)) => block.title = title.to_owned(),
                Some(("V", version)) => block.version = Some(version.to_owned()),
                Some(("S", text)) if block.policies.is_empty() => block.policies.push(vec![statement(text)]),
                Some(("S", text)) => block.policies.last_mut().unwrap().push(statement(text)),
                Some(("P", text)) => block.policies.push(vec![statement(text)]),
                Some(("B", text)) => block.boundary.push(statement(text)),
                _ => block.questions.push(line.to_owned()),
            }
        }
        block
    }

    fn document(&self, statements: &[Value]) -> Document {
        let version = self.version.as_deref().unwrap_or("2012-10-17");
        Document::read(&json!({"Version": version, "Statement": statements})).unwrap()
    }

    /// The questions that are decided otherwise.
    fn wrong(&self) -> Vec<String> {
        let policies: Vec<Document> = self.policies.iter().map(|each| self.document(each)).collect();
        let boundary = (!self.boundary.is_empty()).then(|| self.document(&self.boundary));
        let wrong = |line: &&String| {
            let mut words = line.split_whitespace();
            let wanted = match words.next().unwrap() {
                "allowed" => Decision::Allowed,
                "not-allowed" => Decision::NotAllowed,
                "denied" => Decision::Denied,
                "denied-by-boundary" => Decision::DeniedByBoundary,
                "out-of-bounds" => Decision::OutOfBounds,
                other => panic!("{other} is no decision"),
            };
            let mut question = Question::new(words.next().unwrap(), words.next().unwrap());
            for pair in words {
                let (key, values) = pair.split_once('=').unwrap();
                question.context.put(key, values.split('|').map(str::to_owned).collect());
            }
            decide(&policies, boundary.as_ref(), &question) != wanted
        };
        self.questions.iter().filter(wrong).map(|line| format!("{}: {line}", self.title)).collect()
    }
}

#[test]
fn policies_decide_as_awss_documentation_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/iam.txt");
    let text = fs::read_to_string(path).unwrap();
    let blocks: Vec<Block> =
        text.split("\n\n").filter(|text| text.starts_with('#')).map(Block::read).collect();
    let asked: usize = blocks.iter().map(|block| block.questions.len()).sum();
    assert!(asked >= 100, "{asked} questions");
    assert!(blocks.iter().all(|block| !block.questions.is_empty() && !block.policies.is_empty()));
    let wrong: Vec<String> = blocks.iter().flat_map(Block::wrong).collect();
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_document_that_aws_would_not_take_is_refused() {
    let good = json!({"Effect": "Allow", "Action": "ecs:*", "Resource": "*"});
    let statement = |member: &str, value: Value| {
        let mut statement = good.clone();
        statement[member] = value;
        json!({"Version": "2012-10-17", "Statement": statement})
    };
    Document::read(&json!({"Version": "2012-10-17", "Statement": good})).unwrap();
    for bad in [
        json!({"Version": "2026-01-01", "Statement": good}),
        json!({"Version": "2012-10-17"}),
        json!({"Version": "2012-10-17", "Statement": good, "More": 1}),
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecs:*"}}),
        statement("Effect", json!("allow")),
        statement("NotAction", json!("ecs:*")),
        statement("NotResource", json!("*")),
        statement("Principal", json!("*")),
        statement("Condition", json!({"StringIs": {"aws:x": "y"}})),
        statement("Condition", json!({"NullIfExists": {"aws:x": "true"}})),
        statement("Condition", json!({"ForSomeValues:StringEquals": {"aws:x": "y"}})),
        statement("Condition", json!({"StringEquals": {"aws:x": {"y": 1}}})),
    ] {
        assert_eq!(Document::read(&bad).unwrap_err().code, "MalformedPolicyDocument", "{bad}");
    }
}

/// A simulation with a cluster, a log group and a load balancer, under a policy for everybody.
struct Guarded {
    sim: Sim,
}

impl Guarded {
    fn by(statements: &Value) -> Self {
        let sim = Sim::builder().seed(7).build();
        let seed = json!({"region": REGION, "clusters": ["prod"], "logGroups": ["/ecs/app"],
            "loadBalancers": [{"name": "main", "listeners": [{"port": 80}]}]});
        sim.seed_world(&seed).unwrap();
        let guarded = Self { sim };
        guarded.attach(Caller::Anybody, statements);
        guarded
    }

    fn attach(&self, caller: Caller, statements: &Value) {
        let document = Document::read(&json!({"Version": "2012-10-17", "Statement": statements})).unwrap();
        let attached = Attached { policies: vec![document], boundary: None };
        self.sim.with(|world| world.iam.attach(caller, attached));
    }

    async fn call(&self, service: Service, operation: &str, body: &str) -> Response {
        self.sim.exchange(request(service, operation, body.to_owned())).await.unwrap()
    }

    async fn json(&self, service: Service, operation: &str, input: Value) -> String {
        said(&self.call(service, operation, &input.to_string()).await)
    }

    /// An awsQuery call by its parameters.
    async fn query(&self, service: Service, operation: &str, parameters: &str) -> String {
        let escaped = parameters.replace('/', "%2F").replace(':', "%3A");
        said(&self.call(service, operation, &format!("Action={operation}&{escaped}")).await)
    }
}

/// Status and body of an answer.
fn said(response: &Response) -> String {
    format!("{} {}", response.status, String::from_utf8_lossy(&response.body))
}

fn fargate(more: Value) -> Value {
    let mut input = json!({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "app", "image": "app:1"}]});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn service(more: Value) -> Value {
    let mut input = json!({"cluster": "prod", "serviceName": "web", "taskDefinition": "web", "desiredCount": 1,
        "launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

const ECS_ARN: &str = "arn:aws:ecs:eu-west-1:123456789012";
const USER: &str = "arn:aws:iam::123456789012:user/simulated";

#[tokio::test(start_paused = true)]
async fn a_refusal_names_caller_action_and_resource_in_the_protocol_of_the_service() {
    let guarded = Guarded::by(&json!({"Effect": "Deny", "Action": "ecs:DeleteService", "Resource": "*"}));
    let said =
        guarded.json(Service::Ecs, "UpdateService", json!({"cluster": "prod", "service": "web"})).await;
    let words = format!(
        "User: {USER} is not authorized to perform: ecs:UpdateService on resource: {ECS_ARN}:service/prod/web because no \
         identity-based policy allows the ecs:UpdateService action"
    );
    assert!(
        said.starts_with("400 ") && said.contains("\"AccessDeniedException\"") && said.contains(&words),
        "{said}"
    );
    let said =
        guarded.json(Service::Ecs, "DeleteService", json!({"cluster": "prod", "service": "web"})).await;
    assert!(said.contains("web with an explicit deny in an identity-based policy"), "{said}");
    let said = guarded.query(Service::Elbv2, "CreateTargetGroup", "Version=2015-12-01&Name=web").await;
    let words = "elasticloadbalancing:CreateTargetGroup on resource: \
                 arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/* because";
    assert!(
        said.starts_with("403 ") && said.contains("<Code>AccessDenied</Code>") && said.contains(words),
        "{said}"
    );
    let said = guarded.json(Service::Cloudwatch, "DeleteAlarms", json!({"AlarmNames": ["a"]})).await;
    assert!(
        said.starts_with("403 ") && said.contains("AccessDenied") && said.contains(":alarm:a because"),
        "{said}"
    );
    let said = guarded.json(Service::Logs, "DeleteLogGroup", json!({"logGroupName": "/ecs/app"})).await;
    assert!(
        said.contains("AccessDeniedException") && said.contains("log-group:/ecs/app:log-stream: because"),
        "{said}"
    );
    let said = guarded.json(Service::Secrets, "DescribeSecret", json!({"SecretId": "db"})).await;
    assert!(said.contains("AccessDeniedException") && said.contains("secret:db because"), "{said}");
    let said = guarded.query(Service::Sts, "GetCallerIdentity", "Version=2011-06-15").await;
    assert!(said.starts_with("200 "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn creating_with_tags_asks_for_tagging_too() {
    let creations = [
        "ecs:RegisterTaskDefinition",
        "ecs:CreateService",
        "ecs:RunTask",
        "elasticloadbalancing:CreateTargetGroup",
        "logs:CreateLogGroup",
        "cloudwatch:PutMetricAlarm",
    ];
    let guarded = Guarded::by(&json!({"Effect": "Allow", "Action": creations, "Resource": "*"}));
    let tags = json!({"tags": [{"key": "owner", "value": "shop"}]});
    let said = guarded.json(Service::Ecs, "RegisterTaskDefinition", fargate(json!({}))).await;
    assert!(said.starts_with("200 "), "{said}");
    let alarm = json!({"AlarmName": "cpu", "MetricName": "CPUUtilization", "Namespace": "AWS/ECS", "Statistic": "Average",
        "Period": 60, "EvaluationPeriods": 1, "Threshold": 80.0, "ComparisonOperator": "GreaterThanThreshold",
        "Tags": [{"Key": "owner", "Value": "shop"}]});
    let refused = [
        (
            guarded.json(Service::Ecs, "RegisterTaskDefinition", fargate(tags.clone())).await,
            "ecs:TagResource",
        ),
        (guarded.json(Service::Ecs, "CreateService", service(tags.clone())).await, "ecs:TagResource"),
        (
            guarded
                .query(
                    Service::Elbv2,
                    "CreateTargetGroup",
                    "Name=a&Tags.member.1.Key=owner&Tags.member.1.Value=shop",
                )
                .await,
            "elasticloadbalancing:AddTags on resource: arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/*",
        ),
        (guarded.json(Service::Cloudwatch, "PutMetricAlarm", alarm.clone()).await, "cloudwatch:TagResource"),
        (
            guarded
                .json(
                    Service::Logs,
                    "CreateLogGroup",
                    json!({"logGroupName": "/a", "tags": {"owner": "shop"}}),
                )
                .await,
            "not authorized to perform CreateLogGroup with Tags",
        ),
    ];
    for (said, words) in refused {
        assert!(said.contains(words), "{said}");
    }
    // With the creating action as a condition, tags may be put on what is new, and on nothing else.
    guarded.attach(
        Caller::Anybody,
        &json!([{"Effect": "Allow", "Action": creations, "Resource": "*", "Condition": {"StringEquals": {"aws:RequestTag/owner": "shop"}}},
            {"Effect": "Allow", "Action": "ecs:TagResource", "Resource": "*", "Condition": {"StringEquals": {"ecs:CreateAction": "CreateService"}}}]),
    );
    let said = guarded.json(Service::Ecs, "CreateService", service(json!({}))).await;
    assert!(said.contains("ecs:CreateService on resource"), "{said}");
    let said = guarded.json(Service::Ecs, "CreateService", service(tags.clone())).await;
    assert!(said.starts_with("200 "), "{said}");
    let arn = format!("{ECS_ARN}:service/prod/web");
    let mut input = tags;
    input["resourceArn"] = json!(arn);
    let said = guarded.json(Service::Ecs, "TagResource", input).await;
    assert!(said.contains(&format!("ecs:TagResource on resource: {arn}")), "{said}");
}

#[tokio::test(start_paused = true)]
async fn handing_on_a_role_asks_for_it_by_the_service_that_gets_it() {
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let passing = |to: &str| {
        json!([{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role("shop-*"),
             "Condition": {"StringEquals": {"iam:PassedToService": to}}}])
    };
    let guarded = Guarded::by(&passing("ecs.amazonaws.com"));
    let definition =
        fargate(json!({"executionRoleArn": role("shop-execution"), "taskRoleArn": role("shop-task")}));
    let said = guarded.json(Service::Ecs, "RegisterTaskDefinition", definition.clone()).await;
    assert!(said.contains(&format!("iam:PassRole on resource: {}", role("shop-execution"))), "{said}");
    guarded.attach(Caller::Anybody, &passing("ecs-tasks.amazonaws.com"));
    let said = guarded.json(Service::Ecs, "RegisterTaskDefinition", definition).await;
    assert!(said.starts_with("200 "), "{said}");
    let task = json!({"cluster": "prod", "taskDefinition": "web", "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}});
    let said = guarded.json(Service::Ecs, "RunTask", task.clone()).await;
    assert!(said.starts_with("200 "), "{said}");
    let mut overridden = task.clone();
    overridden["overrides"] = json!({"taskRoleArn": role("bank-task")});
    let said = guarded.json(Service::Ecs, "RunTask", overridden).await;
    assert!(said.contains(&format!("iam:PassRole on resource: {}", role("bank-task"))), "{said}");
    let hook = json!({"hookTargetArn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "roleArn": role("shop-hooks"),
        "lifecycleStages": ["PRE_SCALE_UP"]});
    let hooked = json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN", "lifecycleHooks": [hook]}});
    let said = guarded.json(Service::Ecs, "CreateService", service(hooked)).await;
    assert!(said.contains(&format!("iam:PassRole on resource: {}", role("shop-hooks"))), "{said}");
    // A definition's roles were handed on when it was registered; running it hands them on again.
    guarded.attach(Caller::Anybody, &json!({"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}));
    let said = guarded.json(Service::Ecs, "RunTask", task).await;
    assert!(said.contains("iam:PassRole"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn what_is_tagged_otherwise_is_refused() {
    let ours = json!({"Effect": "Allow", "Action": ["logs:*", "elasticloadbalancing:*"], "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/owner": "shop"}}});
    let guarded = Guarded::by(&ours);
    let input = json!({"logGroupName": "/ecs/app", "retentionInDays": 30});
    let said = guarded.json(Service::Logs, "PutRetentionPolicy", input.clone()).await;
    assert!(said.contains("AccessDeniedException"), "{said}");
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app";
    let tags = json!({"resourceArn": arn, "tags": {"owner": "shop"}});
    guarded.sim.with(|world| world.edit(REGION, Service::Logs, "TagResource", &tags)).unwrap();
    let said = guarded.json(Service::Logs, "PutRetentionPolicy", input).await;
    assert!(said.starts_with("200 "), "{said}");
    // What describes knows no resources, so a condition on their tags never holds.
    let said = guarded.query(Service::Elbv2, "DescribeTargetGroups", "Version=2015-12-01").await;
    assert!(said.contains("elasticloadbalancing:DescribeTargetGroups on resource: * because"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn policies_are_those_of_the_caller() {
    let guarded = Guarded::by(&json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}));
    guarded.attach(
        Caller::Role("deploy".to_owned()),
        &json!({"Effect": "Allow", "Action": "ecs:ListClusters", "Resource": "*"}),
    );
    guarded.attach(
        Caller::Key("AKIAOWN".to_owned()),
        &json!({"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"}),
    );
    let made = guarded
        .query(Service::Sts, "AssumeRole", "RoleArn=arn:aws:iam::123456789012:role/deploy&RoleSessionName=me")
        .await;
    let key = made.split("<AccessKeyId>").nth(1).unwrap().split('<').next().unwrap();
    let ask = |key: Option<&str>, operation: &str| {
        let call = Request {
            access_key: key.map(str::to_owned),
            ..request(Service::Ecs, operation, "{}".to_owned())
        };
        let sim = guarded.sim.clone();
        async move { said(&sim.exchange(call).await.unwrap()) }
    };
    assert!(ask(Some(key), "ListClusters").await.starts_with("200 "));
    let refused = ask(Some(key), "DescribeClusters").await;
    assert!(refused.contains("User: arn:aws:sts::123456789012:assumed-role/deploy/me is not"), "{refused}");
    assert!(ask(Some("AKIAOWN"), "DescribeClusters").await.starts_with("200 "));
    assert!(ask(Some("AKIAOWN"), "ListClusters").await.starts_with("400 "));
    assert!(ask(None, "ListClusters").await.starts_with("400 "));
    // Over the control interface, too; without policies everybody may do everything.
    let control = |method: &str, body: &Value| {
        aws_sim::control::answer(&guarded.sim, method, "/_sim/iam", body.to_string().as_bytes())
    };
    assert_eq!(control("GET", &json!({})).1, json!([{}, {"accessKey": "AKIAOWN"}, {"role": "deploy"}]));
    assert_eq!(control("DELETE", &json!({})).0, 200);
    assert!(ask(None, "ListClusters").await.starts_with("200 "));
    let policy =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}});
    assert_eq!(control("POST", &json!({"policies": [policy]})).0, 200);
    assert!(ask(None, "ListClusters").await.contains("explicit deny"));
    assert_eq!(control("POST", &json!({"policies": [{"Version": "1"}]})).0, 400);
}
