//! Reads of Secrets Manager. DescribeSecret shows ARN and versions; the value of what a document
//! names is never asked for.

use crate::aws::budget::Category;
use crate::aws::clients::PlacementClients;
use crate::aws::error::Error;
use crate::model::arn::Arn;
use crate::model::observed::ObservedSecret;

const DESCRIBE: &str = "secretsmanager:DescribeSecret";
const GET_VALUE: &str = "secretsmanager:GetSecretValue";

/// Reads one secret, by name or by full or partial ARN. One that is named by ARN is asked for in
/// the region of its ARN: Secrets Manager itself looks at nothing but its own region, and takes a
/// partial ARN of another one for the secret of that name in its own.
///
/// Source: aws/aws-cli#3474; aws-actions/aws-secretsmanager-get-secrets#182.
///
/// # Errors
///
/// Not found when there is none; denied also when there is none and the policy allows only secrets
/// that exist; otherwise when the call failed.
pub async fn describe_secret(clients: &PlacementClients, id: &str) -> Result<ObservedSecret, Error> {
    let named = Arn::parse(id);
    let elsewhere = named.map(|arn| arn.region).filter(|region| *region != clients.region);
    let secrets = elsewhere.map_or_else(|| clients.secrets.clone(), |region| clients.secrets_in(region));
    let send = || secrets.describe_secret().secret_id(id).send();
    let answer = clients.read(Category::SecretsRead, DESCRIBE, send).await?;
    let versions = answer.version_ids_to_stages.unwrap_or_default();
    let mut current: Vec<String> = versions
        .into_iter()
        .filter(|(_, stages)| stages.iter().any(|stage| stage == "AWSCURRENT"))
        .map(|(version, _)| version)
        .collect();
    current.sort();
    let arn = answer.arn.ok_or_else(|| Error::bad_response(DESCRIBE, "no ARN in the answer"))?;
    let found = Arn::parse(&arn);
    let is_it =
        |named: Arn<'_>| found.is_some_and(|it| it.region == named.region && it.account == named.account);
    if !named.is_none_or(is_it) {
        return Err(Error::bad_response(DESCRIBE, "the answer is about a secret elsewhere"));
    }
    Ok(ObservedSecret { arn, version: current.into_iter().next(), deleted: answer.deleted_date.is_some() })
}

/// The current text of the secret that holds the controller's own token. Nothing that a document
/// names is read by this.
///
/// # Errors
///
/// Not found, denied, or the call failed; or the secret holds bytes instead of text.
pub async fn own_token(clients: &PlacementClients, arn: &str) -> Result<String, Error> {
    let send = || clients.secrets.get_secret_value().secret_id(arn).send();
    let answer = clients.read(Category::SecretsRead, GET_VALUE, send).await?;
    answer.secret_string.ok_or_else(|| Error::bad_response(GET_VALUE, "the secret holds no text"))
}
