//! The rules of secrets, as clients and ECS meet them.

use super::*;

struct Fixture {
    secrets: Secrets,
    rng: fastrand::Rng,
    now: Timestamp,
}

const DAY: i64 = 86_400;
const T1: &str = "11111111-1111-1111-1111-111111111111";
const T2: &str = "22222222-2222-2222-2222-222222222222";

impl Fixture {
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
    let mut aws = Fixture::new();
    let arn = aws.create("app/db-main", "v");
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-main-"));
    let partial = arn[..arn.len() - 7].to_owned();
    for id in ["app/db-main", &arn, &partial] {
        assert_eq!(aws.ok("GetSecretValue", json!({"SecretId": id}))["SecretString"], "v");
    }
    let elsewhere = partial.replace("eu-west-1", "us-east-1");
    assert_eq!(
        aws.ok("DescribeSecret", json!({"SecretId": elsewhere}))["ARN"],
        arn,
        "the region is not looked at"
    );
    let far = arn.replace("eu-west-1", "us-east-1");
    assert_eq!(aws.code("DescribeSecret", json!({"SecretId": far})), "ResourceNotFoundException");
    let wrong = format!("{partial}-AAAAAA");
    for id in ["app/db", wrong.as_str(), "arn:aws:secretsmanager"] {
        assert_eq!(aws.code("DescribeSecret", json!({"SecretId": id})), "ResourceNotFoundException", "{id}");
    }
}

#[test]
fn a_repeated_create_is_answered_alike_and_another_one_refused() {
    let mut aws = Fixture::new();
    let arn = aws.create("a", "v");
    assert_eq!(aws.create("a", "v"), arn);
    let other = json!({"Name": "a", "SecretString": "other", "ClientRequestToken": T1});
    assert_eq!(aws.code("CreateSecret", other), "ResourceExistsException");
    assert_eq!(
        aws.code("CreateSecret", json!({"Name": "a", "SecretString": "v"})),
        "ResourceExistsException"
    );
}

#[test]
fn a_new_value_makes_the_old_one_previous() {
    let mut aws = Fixture::new();
    aws.create("a", "one");
    let put = json!({"SecretId": "a", "SecretString": "two", "ClientRequestToken": T2});
    assert_eq!(aws.ok("PutSecretValue", put.clone())["VersionStages"], json!(["AWSCURRENT"]));
    aws.ok("PutSecretValue", put);
    let described = aws.ok("DescribeSecret", json!({"SecretId": "a"}));
    assert_eq!(described["VersionIdsToStages"], json!({T1: ["AWSPREVIOUS"], T2: ["AWSCURRENT"]}));
    let previous = aws.ok("GetSecretValue", json!({"SecretId": "a", "VersionStage": "AWSPREVIOUS"}));
    assert_eq!(previous["SecretString"], "one");
    let clash = json!({"SecretId": "a", "SecretString": "three", "ClientRequestToken": T2});
    assert_eq!(aws.code("PutSecretValue", clash), "ResourceExistsException");
}

#[test]
fn versions_without_a_label_are_listed_only_on_request() {
    let mut aws = Fixture::new();
    aws.create("a", "one");
    for value in ["two", "three"] {
        aws.ok("PutSecretValue", json!({"SecretId": "a", "SecretString": value}));
    }
    let described = aws.ok("DescribeSecret", json!({"SecretId": "a"}));
    assert_eq!(described["VersionIdsToStages"].as_object().unwrap().len(), 2);
    let all = aws.ok("ListSecretVersionIds", json!({"SecretId": "a", "IncludeDeprecated": true}));
    assert_eq!(all["Versions"].as_array().unwrap().len(), 3);
    assert_eq!(aws.ok("GetSecretValue", json!({"SecretId": "a", "VersionId": T1}))["SecretString"], "one");
}

#[test]
fn a_label_moves_only_when_its_holder_is_named() {
    let mut aws = Fixture::new();
    aws.create("a", "one");
    aws.ok("PutSecretValue", json!({"SecretId": "a", "SecretString": "two", "ClientRequestToken": T2}));
    let back = json!({"SecretId": "a", "VersionStage": "AWSCURRENT", "MoveToVersionId": T1});
    assert_eq!(aws.code("UpdateSecretVersionStage", back), "InvalidParameterException");
    aws.ok(
        "UpdateSecretVersionStage",
        json!({"SecretId": "a", "VersionStage": "AWSCURRENT", "MoveToVersionId": T1, "RemoveFromVersionId": T2}),
    );
    let described = aws.ok("DescribeSecret", json!({"SecretId": "a"}));
    assert_eq!(described["VersionIdsToStages"], json!({T1: ["AWSCURRENT"], T2: ["AWSPREVIOUS"]}));
    let drop = json!({"SecretId": "a", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": T1});
    assert_eq!(aws.code("UpdateSecretVersionStage", drop), "InvalidParameterException");
}

#[test]
fn rotation_needs_a_function_or_an_owner() {
    let mut aws = Fixture::new();
    aws.create("a", "{\"username\":\"u\",\"password\":\"p\"}");
    assert_eq!(aws.code("RotateSecret", json!({"SecretId": "a"})), "InvalidRequestException");
    assert!(aws.secrets.set_owner("a", "rds"));
    aws.ok("RotateSecret", json!({"SecretId": "a"}));
}

#[test]
fn a_rotation_changes_the_password_after_some_seconds() {
    let mut aws = Fixture::new();
    aws.create("a", "{\"username\":\"u\",\"password\":\"p\"}");
    let input = json!({
        "SecretId": "a", "ClientRequestToken": T2, "RotationLambdaARN": "arn:aws:lambda:x",
        "RotationRules": {"AutomaticallyAfterDays": 30},
    });
    assert_eq!(aws.at(100).ok("RotateSecret", input)["VersionId"], T2);
    let stages =
        |aws: &mut Fixture| aws.ok("DescribeSecret", json!({"SecretId": "a"}))["VersionIdsToStages"].clone();
    assert_eq!(stages(aws.at(104)), json!({T1: ["AWSCURRENT"], T2: ["AWSPENDING"]}));
    assert_eq!(stages(aws.at(105)), json!({T1: ["AWSPREVIOUS"], T2: ["AWSCURRENT"]}));
    let value = aws.ok("GetSecretValue", json!({"SecretId": "a"}));
    let value: Value = serde_json::from_str(value["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(value["username"], "u");
    assert_ne!(value["password"], "p");

    let later = aws.at(100 + 30 * DAY + 5).ok("DescribeSecret", json!({"SecretId": "a"}));
    assert_eq!(later["VersionIdsToStages"][T2], json!(["AWSPREVIOUS"]));
    assert_eq!(later["LastRotatedDate"], 105.0 + 30.0 * 86_400.0);
}

#[test]
fn a_deleted_secret_can_be_restored_until_its_window_ends() {
    let mut aws = Fixture::new();
    aws.create("a", "v");
    let gone = aws.ok("DeleteSecret", json!({"SecretId": "a", "RecoveryWindowInDays": 7}));
    assert_eq!(gone["DeletionDate"], 7.0 * 86_400.0);
    assert_eq!(aws.code("GetSecretValue", json!({"SecretId": "a"})), "InvalidRequestException");
    assert_eq!(
        aws.code("CreateSecret", json!({"Name": "a", "SecretString": "v"})),
        "InvalidRequestException"
    );
    assert_eq!(aws.ok("ListSecrets", json!({}))["SecretList"], json!([]));
    aws.ok("RestoreSecret", json!({"SecretId": "a"}));
    aws.ok("GetSecretValue", json!({"SecretId": "a"}));
    aws.ok("DeleteSecret", json!({"SecretId": "a", "RecoveryWindowInDays": 7}));
    assert_eq!(aws.at(7 * DAY).code("DescribeSecret", json!({"SecretId": "a"})), "ResourceNotFoundException");
    assert_eq!(aws.code("DeleteSecret", json!({"SecretId": "a"})), "ResourceNotFoundException");
}

#[test]
fn filters_match_by_beginning_and_can_be_turned_around() {
    let mut aws = Fixture::new();
    for name in ["prod/db", "prod/api", "dev/db"] {
        aws.ok(
            "CreateSecret",
            json!({"Name": name, "SecretString": "v", "Tags": [{"Key": "env", "Value": name}]}),
        );
    }
    let mut names = |filters: Value| -> Vec<String> {
        let list = aws.ok("ListSecrets", json!({"Filters": filters, "SortBy": "name"}));
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
    let mut aws = Fixture::new();
    aws.create("a", "v");
    let got = aws.ok("BatchGetSecretValue", json!({"SecretIdList": ["a", "missing"]}));
    assert_eq!(got["SecretValues"][0]["SecretString"], "v");
    assert_eq!(got["Errors"][0]["ErrorCode"], "ResourceNotFoundException");
    let many: Vec<String> = (0..21).map(|i| format!("s{i}")).collect();
    assert_eq!(aws.code("BatchGetSecretValue", json!({"SecretIdList": many})), "ValidationException");
}

#[test]
fn pages_of_secrets_follow_each_other() {
    let mut aws = Fixture::new();
    for name in ["a", "b", "c"] {
        aws.create(name, "v");
    }
    let first = aws.ok("ListSecrets", json!({"MaxResults": 2, "SortBy": "name"}));
    let second =
        aws.ok("ListSecrets", json!({"MaxResults": 2, "SortBy": "name", "NextToken": first["NextToken"]}));
    assert_eq!(second["SecretList"][0]["Name"], "c");
    assert_eq!(second.get("NextToken"), None);
}

#[test]
fn ecs_resolves_references_down_to_the_json_key() {
    let mut aws = Fixture::new();
    let arn = aws.create("db", "{\"url\":\"x\"}");
    for good in
        [arn.clone(), format!("{arn}:url::"), format!("{arn}:url:AWSCURRENT:"), format!("{arn}:::{T1}")]
    {
        assert_eq!(aws.secrets.resolve(&good), Ok(()), "{good}");
    }
    let refusal = |from: String| aws.secrets.resolve(&from).unwrap_err();
    assert!(refusal(format!("{arn}:port::")).contains("did not contain json key port"));
    assert!(refusal(format!("{arn}::AWSPENDING:")).contains("staging label: AWSPENDING"));
    assert!(refusal(arn.replace(":db-", ":nodb-")).contains("can't find the specified secret"));
    assert!(refusal("/app/parameter".to_owned()).contains("invalid ssm parameters: /app/parameter"));
    assert!(refusal(format!("{arn}:port::")).starts_with("ResourceInitializationError: "));
}

#[test]
fn debug_output_holds_no_value() {
    let mut aws = Fixture::new();
    aws.create("a", "hunter2");
    assert!(!format!("{:?}", aws.secrets).contains("hunter2"));
}

#[test]
fn a_random_password_keeps_its_promises() {
    let mut aws = Fixture::new();
    let input = json!({"PasswordLength": 20, "ExcludePunctuation": true, "ExcludeCharacters": "0O"});
    let made = aws.ok("GetRandomPassword", input);
    let password = made["RandomPassword"].as_str().unwrap();
    assert_eq!(password.len(), 20);
    assert!(password.chars().all(|c| c.is_ascii_alphanumeric() && c != '0' && c != 'O'));
    assert!(password.chars().any(char::is_uppercase) && password.chars().any(char::is_numeric));
}

#[test]
fn a_token_that_was_used_for_another_value_is_refused_in_the_words_of_aws() {
    let mut w = Fixture::new();
    let arn = w.create("a", "v");
    let text = format!(
        "You can't use ClientRequestToken {T1} because that value is already in use for a version of secret {arn}."
    );
    for (op, name) in [("CreateSecret", "Name"), ("PutSecretValue", "SecretId"), ("UpdateSecret", "SecretId")]
    {
        let error =
            w.call(op, json!({name: "a", "SecretString": "other", "ClientRequestToken": T1})).expect_err(op);
        assert_eq!((error.code, error.message.as_str()), ("ResourceExistsException", text.as_str()), "{op}");
    }
    let error = w.call("CreateSecret", json!({"Name": "a", "SecretString": "v", "ClientRequestToken": T2}));
    let text = "The operation failed because the secret a already exists.";
    assert_eq!(error.expect_err("another token").message, text);
}

#[test]
fn filters_and_pages_that_make_no_sense_are_refused() {
    let mut w = Fixture::new();
    let arn = w.create("a", "v");
    let unlisted = "1 validation error detected: Value 'x' at 'filters.1.member.key' failed to satisfy constraint: \
                    Member must satisfy enum value set: [description, name, tag-key, tag-value, primary-region, owning-service, all]";
    for (op, input, code, text) in [
        (
            "ListSecrets",
            json!({"Filters": [{"Values": ["a"]}]}),
            "InvalidParameterException",
            "Invalid filter key",
        ),
        (
            "ListSecrets",
            json!({"Filters": [{"Key": "name"}]}),
            "InvalidParameterException",
            "Invalid filter values for key: name",
        ),
        ("ListSecrets", json!({"Filters": [{"Key": "x", "Values": ["a"]}]}), "ValidationException", unlisted),
        (
            "BatchGetSecretValue",
            json!({"SecretIdList": ["a"], "MaxResults": 5}),
            "InvalidParameterException",
            "Filters",
        ),
        (
            "CreateSecret",
            json!({"Name": "b", "AddReplicaRegions": [{"Region": "eu-west-2"}]}),
            "UnsupportedFeatureException",
            "AddReplicaRegions",
        ),
        (
            "RotateSecret",
            json!({"SecretId": arn, "RotationLambdaARN": "a".repeat(2049)}),
            "ValidationException",
            "Member must have length less than or equal to 2048",
        ),
        ("GetSecretValue", json!({}), "ValidationException", "Value null at 'secretId'"),
        (
            "CreateSecret",
            json!({"Name": "b", "ClientRequestToken": "short"}),
            "InvalidParameterException",
            "32-64",
        ),
        ("PutResourcePolicy", json!({}), "UnsupportedFeatureException", "not simulated"),
    ] {
        let error = w.call(op, input).expect_err(op);
        assert!(error.code == code && error.message.contains(text), "{op}: {error}");
    }
}

#[test]
fn search_takes_names_apart_as_aws_does() {
    let mut w = Fixture::new();
    let names =
        ["prod/AppBeta/x", "prod_AppBeta_x", "prod-AppBeta/x", "uat/COMPANY/x", "uat/COMPANYthings/x"];
    names.iter().for_each(|name| drop(w.create(name, "v")));
    let found = |w: &mut Fixture, value: &str| -> Vec<String> {
        let filters = json!([{"Key": "all", "Values": [value]}]);
        let list = w.ok("ListSecrets", json!({"Filters": filters, "SortBy": "name"}));
        let list = list["SecretList"].as_array().unwrap().clone();
        list.iter().map(|secret| secret["Name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found(&mut w, "Beta"), names[..2]);
    assert_eq!(found(&mut w, "AppBeta"), names[..2]);
    assert_eq!(found(&mut w, "company"), names[3..4]);
    assert_eq!(found(&mut w, "Ythings"), names[4..]);
    for nothing in ["things", "N", "+"] {
        assert!(found(&mut w, nothing).is_empty(), "{nothing}");
    }
}
