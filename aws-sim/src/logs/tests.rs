//! The rules of log groups, streams and events.

use serde_json::json;

use super::*;

struct Fixture {
    logs: Logs,
    now: i64,
}

const NOW: i64 = 1_800_000_000_000;

impl Fixture {
    fn new() -> Self {
        let mut fixture = Self { logs: Logs::default(), now: NOW };
        fixture.ok("CreateLogGroup", json!({"logGroupName": "/ecs/app", "tags": {"team": "x"}}));
        fixture.ok("CreateLogStream", json!({"logGroupName": "/ecs/app", "logStreamName": "s"}));
        fixture
    }

    fn call(&mut self, op: &str, input: Value) -> Result<Value, ApiError> {
        let mut rng = fastrand::Rng::with_seed(3);
        let now = Timestamp::from_millisecond(self.now).unwrap();
        let mut ctx = Ctx { now, region: "eu-west-1", account: "123456789012", rng: &mut rng };
        self.logs.handle(&mut ctx, op, &input)
    }

    fn ok(&mut self, op: &str, input: Value) -> Value {
        self.call(op, input).unwrap_or_else(|e| panic!("{op}: {e}"))
    }

    fn code(&mut self, op: &str, input: Value) -> &'static str {
        self.call(op, input).expect_err(op).code
    }

    fn put(&mut self, events: &[(i64, &str)]) -> Value {
        let events: Vec<Value> =
            events.iter().map(|(at, m)| json!({"timestamp": at, "message": m})).collect();
        self.ok(
            "PutLogEvents",
            json!({"logGroupName": "/ecs/app", "logStreamName": "s", "logEvents": events}),
        )
    }

    fn messages(&mut self, op: &str, mut input: Value) -> Vec<String> {
        input["logGroupName"] = "/ecs/app".into();
        let got = self.ok(op, input);
        got["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_groups_arn_ends_with_a_star_and_its_group_arn_does_not() {
    let mut aws = Fixture::new();
    let group = aws.ok("DescribeLogGroups", json!({}))["logGroups"][0].clone();
    assert_eq!(group["logGroupArn"], "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app");
    assert_eq!(group["arn"], "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app:*");
    assert_eq!(group.get("retentionInDays"), None);
    assert_eq!(
        aws.code("CreateLogGroup", json!({"logGroupName": "/ecs/app"})),
        "ResourceAlreadyExistsException"
    );
}

#[test]
fn a_retention_policy_of_the_account_stands_above_the_groups_own() {
    let mut aws = Fixture::new();
    aws.ok("PutRetentionPolicy", json!({"logGroupName": "/ecs/app", "retentionInDays": 30}));
    assert!(aws.logs.set_retention_policy("/ecs/app", Some(("everything", 7))));
    aws.ok("PutRetentionPolicy", json!({"logGroupName": "/ecs/app", "retentionInDays": 90}));
    let shown = aws.ok("DescribeLogGroups", json!({}))["logGroups"][0].clone();
    assert_eq!((&shown["retentionInDays"], &shown["retentionPolicyName"]), (&json!(7), &json!("everything")));
    let both = json!({"logGroupIdentifiers": ["/ecs/app"], "limit": 50});
    assert_eq!(aws.code("DescribeLogGroups", both), "InvalidParameterException");
}

#[test]
fn only_awss_retention_periods_are_accepted() {
    let mut aws = Fixture::new();
    for days in [0, 2, 31, 3654] {
        let input = json!({"logGroupName": "/ecs/app", "retentionInDays": days});
        assert_eq!(aws.code("PutRetentionPolicy", input), "InvalidParameterException");
    }
    aws.ok("PutRetentionPolicy", json!({"logGroupName": "/ecs/app", "retentionInDays": 30}));
    assert_eq!(aws.ok("DescribeLogGroups", json!({}))["logGroups"][0]["retentionInDays"], 30);
    aws.ok("DeleteRetentionPolicy", json!({"logGroupName": "/ecs/app"}));
    assert_eq!(aws.ok("DescribeLogGroups", json!({}))["logGroups"][0].get("retentionInDays"), None);
    let input = json!({"logGroupName": "/nope", "retentionInDays": 30});
    assert_eq!(aws.code("PutRetentionPolicy", input), "ResourceNotFoundException");
}

#[test]
fn groups_are_found_by_prefix_and_identifier_in_pages_of_fifty() {
    let mut aws = Fixture::new();
    for i in 0..60 {
        aws.ok("CreateLogGroup", json!({"logGroupName": format!("/many/{i:02}")}));
    }
    let first = aws.ok("DescribeLogGroups", json!({"logGroupNamePrefix": "/many"}));
    assert_eq!(first["logGroups"].as_array().unwrap().len(), 50);
    let rest =
        aws.ok("DescribeLogGroups", json!({"logGroupNamePrefix": "/many", "nextToken": first["nextToken"]}));
    assert_eq!(rest["logGroups"].as_array().unwrap().len(), 10);
    let ids = json!(["/many/03", "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app"]);
    let found = aws.ok("DescribeLogGroups", json!({"logGroupIdentifiers": ids}));
    assert_eq!(found["logGroups"].as_array().unwrap().len(), 2);
    assert_eq!(aws.code("DescribeLogGroups", json!({"limit": 51})), "InvalidParameterException");
}

#[test]
fn events_must_be_in_order_and_within_a_day() {
    let mut aws = Fixture::new();
    for events in [
        json!([{"timestamp": NOW, "message": "a"}, {"timestamp": NOW - 1, "message": "b"}]),
        json!([{"timestamp": NOW - 86_400_001, "message": "a"}, {"timestamp": NOW, "message": "b"}]),
        json!([]),
    ] {
        let input = json!({"logGroupName": "/ecs/app", "logStreamName": "s", "logEvents": events});
        assert_eq!(aws.code("PutLogEvents", input), "InvalidParameterException");
    }
    let old = aws.put(&[(NOW - 15 * 86_400_000, "old")]);
    assert_eq!(old["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"], 1);
    let new = aws.put(&[(NOW, "fine"), (NOW + 7_200_001, "new")]);
    assert_eq!(new["rejectedLogEventsInfo"]["tooNewLogEventStartIndex"], 1);
    assert_eq!(aws.messages("GetLogEvents", json!({"logStreamName": "s"})), ["fine"]);
}

#[test]
fn reading_forward_ends_with_a_token_that_repeats() {
    let mut aws = Fixture::new();
    aws.put(&[(NOW, "a"), (NOW + 1, "b"), (NOW + 2, "c")]);
    let ask = |token: &Value| {
        let mut input =
            json!({"logGroupName": "/ecs/app", "logStreamName": "s", "limit": 2, "startFromHead": true});
        if token.is_string() {
            input["nextToken"] = token.clone();
        }
        input
    };
    let first = aws.ok("GetLogEvents", ask(&Value::Null));
    assert_eq!(first["events"].as_array().unwrap().len(), 2);
    let second = aws.ok("GetLogEvents", ask(&first["nextForwardToken"]));
    assert_eq!(second["events"][0]["message"], "c");
    let third = aws.ok("GetLogEvents", ask(&second["nextForwardToken"]));
    assert_eq!(third["events"], json!([]));
    assert_eq!(third["nextForwardToken"], second["nextForwardToken"]);
    let back = aws.ok("GetLogEvents", ask(&second["nextBackwardToken"]));
    assert_eq!(back["events"][0]["message"], "a");
}

#[test]
fn without_a_direction_the_newest_events_are_shown() {
    let mut aws = Fixture::new();
    aws.put(&[(NOW, "a"), (NOW + 1, "b"), (NOW + 2, "c")]);
    assert_eq!(aws.messages("GetLogEvents", json!({"logStreamName": "s", "limit": 2})), ["b", "c"]);
}

#[test]
fn filters_know_all_any_none_and_quotes() {
    let mut aws = Fixture::new();
    aws.put(&[(NOW, "ERROR one two"), (NOW + 1, "WARN two"), (NOW + 2, "INFO")]);
    let mut find = |pattern: &str| aws.messages("FilterLogEvents", json!({"filterPattern": pattern})).len();
    assert_eq!(find(""), 3);
    assert_eq!(find("two"), 2);
    assert_eq!(find("ERROR two"), 1);
    assert_eq!(find("?ERROR ?WARN"), 2);
    assert_eq!(find("two -ERROR"), 1);
    assert_eq!(find("\"one two\""), 1);
    let json = json!({"logGroupName": "/ecs/app", "filterPattern": "{ $.a = 1 }"});
    assert_eq!(aws.code("FilterLogEvents", json), "InvalidParameterException");
}

#[test]
fn filtering_pages_through_all_streams_in_order_of_time() {
    let mut aws = Fixture::new();
    for (i, stream) in ["b", "a", "b"].iter().enumerate() {
        let at = Timestamp::from_millisecond(NOW + i64::try_from(i).unwrap()).unwrap();
        assert!(aws.logs.put(at, "/ecs/app", stream, &format!("m{i}")));
    }
    let first = aws.ok("FilterLogEvents", json!({"logGroupName": "/ecs/app", "limit": 2}));
    assert_eq!(first["events"][1]["message"], "m1");
    let input = json!({"logGroupName": "/ecs/app", "limit": 2, "nextToken": first["nextToken"]});
    let second = aws.ok("FilterLogEvents", input);
    assert_eq!((&second["events"][0]["message"], second.get("nextToken")), (&json!("m2"), None));
}

#[test]
fn a_line_for_a_missing_group_is_lost_and_a_missing_stream_is_made() {
    let mut aws = Fixture::new();
    let now = Timestamp::from_millisecond(NOW).unwrap();
    assert!(!aws.logs.put(now, "/nope", "s", "x"));
    assert!(aws.logs.has_group("/ecs/app") && !aws.logs.has_group("/nope"));
    assert!(aws.logs.put(now, "/ecs/app", "app/task/1", "x"));
    let input = json!({"logGroupName": "/ecs/app", "logStreamNamePrefix": "app/"});
    assert_eq!(aws.ok("DescribeLogStreams", input)["logStreams"][0]["logStreamName"], "app/task/1");
}

#[test]
fn events_past_their_retention_are_not_shown() {
    let mut aws = Fixture::new();
    aws.put(&[(NOW, "a")]);
    aws.ok("PutRetentionPolicy", json!({"logGroupName": "/ecs/app", "retentionInDays": 1}));
    aws.now = NOW + 86_400_001;
    assert!(aws.messages("GetLogEvents", json!({"logStreamName": "s"})).is_empty());
}

#[test]
fn tags_are_reached_by_arn_and_by_name() {
    let mut aws = Fixture::new();
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app";
    aws.ok("TagResource", json!({"resourceArn": arn, "tags": {"a": "1"}}));
    aws.ok("UntagResource", json!({"resourceArn": arn, "tagKeys": ["team"]}));
    assert_eq!(aws.ok("ListTagsForResource", json!({"resourceArn": arn}))["tags"], json!({"a": "1"}));
    assert_eq!(aws.ok("ListTagsLogGroup", json!({"logGroupName": "/ecs/app"}))["tags"], json!({"a": "1"}));
    let other = arn.replace("123456789012", "999999999999");
    assert_eq!(aws.code("ListTagsForResource", json!({"resourceArn": other})), "ResourceNotFoundException");
}

#[test]
fn a_stream_forgets_its_oldest_events_in_the_end() {
    let mut aws = Fixture::new();
    for i in 0..10_050 {
        let at = Timestamp::from_millisecond(NOW + i).unwrap();
        aws.logs.put(at, "/ecs/app", "long", &format!("m{i}"));
    }
    let input = json!({"logStreamName": "long", "startFromHead": true, "limit": 1});
    assert_eq!(aws.messages("GetLogEvents", input), ["m50"]);
}

#[test]
fn what_breaks_the_model_is_refused_in_the_words_of_aws_without_the_value() {
    let mut w = Fixture::new();
    let failed = |rule: &str| format!("1 validation error detected: Value at {rule}");
    let pattern = |member: &str, pattern: &str| {
        failed(&format!(
            "'{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
        ))
    };
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/app:*";
    let identifier = pattern("logGroupIdentifier", r"[\w#+=/:,.@-]*");
    let order = failed(
        "'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]",
    );
    let long = failed(
        "'logGroupName' failed to satisfy constraint: Member must have length less than or equal to 512",
    );
    for (operation, input, text) in [
        ("DescribeLogStreams", json!({"logGroupIdentifier": arn}), identifier.clone()),
        ("GetLogEvents", json!({"logGroupIdentifier": arn, "logStreamName": "s"}), identifier),
        ("DescribeLogStreams", json!({"logGroupName": "/ecs/app", "orderBy": "sth"}), order),
        ("CreateLogGroup", json!({"logGroupName": "a".repeat(513)}), long),
        ("CreateLogGroup", json!({"logGroupName": "a b"}), pattern("logGroupName", r"[\.\-_/#A-Za-z0-9]+")),
        (
            "CreateLogStream",
            json!({"logGroupName": "/ecs/app"}),
            failed("'logStreamName' failed to satisfy constraint: Member must not be null"),
        ),
    ] {
        let error = w.call(operation, input).expect_err(operation);
        assert_eq!((error.code, error.message), ("InvalidParameterException", text));
    }
    let named = w.ok("DescribeLogStreams", json!({"logGroupIdentifier": arn.trim_end_matches(":*")}));
    assert_eq!(named["logStreams"][0]["logStreamName"], "s");
    assert_eq!(w.code("StartQuery", json!({})), "UnsupportedFeatureException");
}
