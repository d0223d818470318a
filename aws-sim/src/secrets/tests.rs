//! The rules of secrets, as clients and ECS meet them.

use super::*;

struct World {
    secrets: Secrets,
    rng: fastrand::Rng,
    now: Timestamp,
}

const DAY: i64 = 86_400;
const T1: &str = "11111111-1111-1111-1111-111111111111";
const T2: &str = "22222222-2222-2222-2222-222222222222";

impl World {
    fn new() -> Self {
        Self { secrets: Secrets::default(), rng: fastrand::Rng::with_seed(3), now: Timestamp::UNIX_EPOCH }
    }

    fn at(&mut self, seconds: i64) -> &mut Self {
        self.now = Timestamp::from_second(seconds).unwrap();
        self
    }

    fn call(&mut self, op: &str, input: Value) -> Result<Value, ApiError> {
        let mut ctx = Ctx { now: self.now, region: "eu-west-1", account: "123456789012", rng: &mut self.rng };
        self.secrets.handle(&mut ctx, op, &input)
    }

    fn ok(&mut self, op: &str, input: Value) -> Value {
        self.call(op, input).unwrap_or_else(|e| panic!("{op}: {e}"))
    }

    fn code(&mut self, op: &str, input: Value) -> &'static str {
        self.call(op, input).expect_err(op).code
    }

    fn create(&mut self, name: &str, value: &str) -> String {
        let made =
            self.ok("CreateSecret", json!({"Name": name, "SecretString": value, "ClientRequestToken": T1}));
        made["ARN"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_secret_is_found_by_name_arn_and_partial_arn() {
    let mut w = World::new();
    let arn = w.create("app/db-main", "v");
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-main-"));
    let partial = arn[..arn.len() - 7].to_owned();
    for id in ["app/db-main", &arn, &partial] {
        assert_eq!(w.ok("GetSecretValue", json!({"SecretId": id}))["SecretString"], "v");
    }
    let elsewhere = partial.replace("eu-west-1", "us-east-1");
    assert_eq!(
        w.ok("DescribeSecret", json!({"SecretId": elsewhere}))["ARN"],
        arn,
        "the region is not looked at"
    );
    let far = arn.replace("eu-west-1", "us-east-1");
    assert_eq!(w.code("DescribeSecret", json!({"SecretId": far})), "ResourceNotFoundException");
    let wrong = format!("{partial}-AAAAAA");
    for id in ["app/db", wrong.as_str(), "arn:aws:secretsmanager"] {
        assert_eq!(w.code("DescribeSecret", json!({"SecretId": id})), "ResourceNotFoundException", "{id}");
    }
}

#[test]
fn a_repeated_create_is_answered_alike_and_another_one_refused() {
    let mut w = World::new();
    let arn = w.create("a", "v");
    assert_eq!(w.create("a", "v"), arn);
    let other = json!({"Name": "a", "SecretString": "other", "ClientRequestToken": T1});
    assert_eq!(w.code("CreateSecret", other), "ResourceExistsException");
    assert_eq!(w.code("CreateSecret", json!({"Name": "a", "SecretString": "v"})), "ResourceExistsException");
}

#[test]
fn a_new_value_makes_the_old_one_previous() {
    let mut w = World::new();
    w.create("a", "one");
    let put = json!({"SecretId": "a", "SecretString": "two", "ClientRequestToken": T2});
    assert_eq!(w.ok("PutSecretValue", put.clone())["VersionStages"], json!(["AWSCURRENT"]));
    w.ok("PutSecretValue", put);
    let described = w.ok("DescribeSecret", json!({"SecretId": "a"}));
    assert_eq!(described["VersionIdsToStages"], json!({T1: ["AWSPREVIOUS"], T2: ["AWSCURRENT"]}));
    let previous = w.ok("GetSecretValue", json!({"SecretId": "a", "VersionStage": "AWSPREVIOUS"}));
    assert_eq!(previous["SecretString"], "one");
    let clash = json!({"SecretId": "a", "SecretString": "three", "ClientRequestToken": T2});
    assert_eq!(w.code("PutSecretValue", clash), "ResourceExistsException");
}

#[test]
fn versions_without_a_label_are_listed_only_on_request() {
    let mut w = World::new();
    w.create("a", "one");
    for value in ["two", "three"] {
        w.ok("PutSecretValue", json!({"SecretId": "a", "SecretString": value}));
    }
    let described = w.ok("DescribeSecret", json!({"SecretId": "a"}));
    assert_eq!(described["VersionIdsToStages"].as_object().unwrap().len(), 2);
    let all = w.ok("ListSecretVersionIds", json!({"SecretId": "a", "IncludeDeprecated": true}));
    assert_eq!(all["Versions"].as_array().unwrap().len(), 3);
    assert_eq!(w.ok("GetSecretValue", json!({"SecretId": "a", "VersionId": T1}))["SecretString"], "one");
}

#[test]
fn a_label_moves_only_when_its_holder_is_named() {
    let mut w = World::new();
    w.create("a", "one");
    w.ok("PutSecretValue", json!({"SecretId": "a", "SecretString": "two", "ClientRequestToken": T2}));
    let back = json!({"SecretId": "a", "VersionStage": "AWSCURRENT", "MoveToVersionId": T1});
    assert_eq!(w.code("UpdateSecretVersionStage", back), "InvalidParameterException");
    w.ok(
        "UpdateSecretVersionStage",
        json!({"SecretId": "a", "VersionStage": "AWSCURRENT", "MoveToVersionId": T1, "RemoveFromVersionId": T2}),
    );
    let described = w.ok("DescribeSecret", json!({"SecretId": "a"}));
    assert_eq!(described["VersionIdsToStages"], json!({T1: ["AWSCURRENT"], T2: ["AWSPREVIOUS"]}));
    let drop = json!({"SecretId": "a", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": T1});
    assert_eq!(w.code("UpdateSecretVersionStage", drop), "InvalidParameterException");
}

#[test]
fn rotation_needs_a_function_or_an_owner() {
    let mut w = World::new();
    w.create("a", "{\"username\":\"u\",\"password\":\"p\"}");
    assert_eq!(w.code("RotateSecret", json!({"SecretId": "a"})), "InvalidRequestException");
    assert!(w.secrets.set_owner("a", "rds"));
    w.ok("RotateSecret", json!({"SecretId": "a"}));
}

#[test]
fn a_rotation_changes_the_password_after_some_seconds() {
    let mut w = World::new();
    w.create("a", "{\"username\":\"u\",\"password\":\"p\"}");
    let input = json!({
        "SecretId": "a", "ClientRequestToken": T2, "RotationLambdaARN": "arn:aws:lambda:x",
        "RotationRules": {"AutomaticallyAfterDays": 30},
    });
    assert_eq!(w.at(100).ok("RotateSecret", input)["VersionId"], T2);
    let stages =
        |w: &mut World| w.ok("DescribeSecret", json!({"SecretId": "a"}))["VersionIdsToStages"].clone();
    assert_eq!(stages(w.at(104)), json!({T1: ["AWSCURRENT"], T2: ["AWSPENDING"]}));
    assert_eq!(stages(w.at(105)), json!({T1: ["AWSPREVIOUS"], T2: ["AWSCURRENT"]}));
    let value = w.ok("GetSecretValue", json!({"SecretId": "a"}));
    let value: Value = serde_json::from_str(value["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(value["username"], "u");
    assert_ne!(value["password"], "p");

    let later = w.at(100 + 30 * DAY + 5).ok("DescribeSecret", json!({"SecretId": "a"}));
    assert_eq!(later["VersionIdsToStages"][T2], json!(["AWSPREVIOUS"]));
    assert_eq!(later["LastRotatedDate"], 105.0 + 30.0 * 86_400.0);
}

#[test]
fn a_deleted_secret_can_be_restored_until_its_window_ends() {
    let mut w = World::new();
    w.create("a", "v");
    let gone = w.ok("DeleteSecret", json!({"SecretId": "a", "RecoveryWindowInDays": 7}));
    assert_eq!(gone["DeletionDate"], 7.0 * 86_400.0);
    assert_eq!(w.code("GetSecretValue", json!({"SecretId": "a"})), "InvalidRequestException");
    assert_eq!(w.code("CreateSecret", json!({"Name": "a", "SecretString": "v"})), "InvalidRequestException");
    assert_eq!(w.ok("ListSecrets", json!({}))["SecretList"], json!([]));
    w.ok("RestoreSecret", json!({"SecretId": "a"}));
    w.ok("GetSecretValue", json!({"SecretId": "a"}));
    w.ok("DeleteSecret", json!({"SecretId": "a", "RecoveryWindowInDays": 7}));
    assert_eq!(w.at(7 * DAY).code("DescribeSecret", json!({"SecretId": "a"})), "ResourceNotFoundException");
    assert_eq!(w.code("DeleteSecret", json!({"SecretId": "a"})), "ResourceNotFoundException");
}

#[test]
fn filters_match_by_beginning_and_can_be_turned_around() {
    let mut w = World::new();
    for name in ["prod/db", "prod/api", "dev/db"] {
        w.ok(
            "CreateSecret",
            json!({"Name": name, "SecretString": "v", "Tags": [{"Key": "env", "Value": name}]}),
        );
    }
    let mut names = |filters: Value| -> Vec<String> {
        let list = w.ok("ListSecrets", json!({"Filters": filters, "SortBy": "name"}));
        list["SecretList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["Name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(json!([{"Key": "name", "Values": ["prod/"]}])), ["prod/api", "prod/db"]);
    assert_eq!(names(json!([{"Key": "name", "Values": ["!prod/"]}])), ["dev/db"]);
    assert_eq!(names(json!([{"Key": "tag-value", "Values": ["dev"]}])), ["dev/db"]);
    assert_eq!(names(json!([{"Key": "all", "Values": ["db"]}])), ["dev/db", "prod/db"]);
}

#[test]
fn a_batch_tells_values_and_errors_apart() {
    let mut w = World::new();
    w.create("a", "v");
    let got = w.ok("BatchGetSecretValue", json!({"SecretIdList": ["a", "missing"]}));
    assert_eq!(got["SecretValues"][0]["SecretString"], "v");
    assert_eq!(got["Errors"][0]["ErrorCode"], "ResourceNotFoundException");
    let many: Vec<String> = (0..21).map(|i| format!("s{i}")).collect();
    assert_eq!(w.code("BatchGetSecretValue", json!({"SecretIdList": many})), "ValidationException");
}

#[test]
fn pages_of_secrets_follow_each_other() {
    let mut w = World::new();
    for name in ["a", "b", "c"] {
        w.create(name, "v");
    }
    let first = w.ok("ListSecrets", json!({"MaxResults": 2, "SortBy": "name"}));
    let second =
        w.ok("ListSecrets", json!({"MaxResults": 2, "SortBy": "name", "NextToken": first["NextToken"]}));
    assert_eq!(second["SecretList"][0]["Name"], "c");
    assert_eq!(second.get("NextToken"), None);
}

#[test]
fn ecs_resolves_references_down_to_the_json_key() {
    let mut w = World::new();
    let arn = w.create("db", "{\"url\":\"x\"}");
    for good in
        [arn.clone(), format!("{arn}:url::"), format!("{arn}:url:AWSCURRENT:"), format!("{arn}:::{T1}")]
    {
        assert_eq!(w.secrets.resolve(&good), Ok(()), "{good}");
    }
    let refusal = |from: String| w.secrets.resolve(&from).unwrap_err();
    assert!(refusal(format!("{arn}:port::")).contains("did not contain json key port"));
    assert!(refusal(format!("{arn}::AWSPENDING:")).contains("staging label: AWSPENDING"));
    assert!(refusal(arn.replace(":db-", ":nodb-")).contains("can't find the specified secret"));
    assert!(refusal("/app/parameter".to_owned()).contains("invalid ssm parameters: /app/parameter"));
    assert!(refusal(format!("{arn}:port::")).starts_with("ResourceInitializationError: "));
}

#[test]
fn debug_output_holds_no_value() {
    let mut w = World::new();
    w.create("a", "hunter2");
    assert!(!format!("{:?}", w.secrets).contains("hunter2"));
}

#[test]
fn a_random_password_keeps_its_promises() {
    let mut w = World::new();
    let input = json!({"PasswordLength": 20, "ExcludePunctuation": true, "ExcludeCharacters": "0O"});
    let made = w.ok("GetRandomPassword", input);
    let password = made["RandomPassword"].as_str().unwrap();
    assert_eq!(password.len(), 20);
    assert!(password.chars().all(|c| c.is_ascii_alphanumeric() && c != '0' && c != 'O'));
    assert!(password.chars().any(char::is_uppercase) && password.chars().any(char::is_numeric));
}
