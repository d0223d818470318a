//! Reads of Secrets Manager. DescribeSecret shows ARN and versions; a value is never asked for.

use crate::aws::budget::Category;
use crate::aws::clients::PlacementClients;
use crate::aws::error::Error;
use crate::model::observed::ObservedSecret;

const DESCRIBE: &str = "secretsmanager:DescribeSecret";

/// Reads one secret, by name or by full or partial ARN.
///
/// # Errors
///
/// Not found when there is none; denied also when there is none and the policy allows only secrets
/// that exist; otherwise when the call failed.
pub async fn describe_secret(clients: &PlacementClients, id: &str) -> Result<ObservedSecret, Error> {
    let send = || clients.secrets.describe_secret().secret_id(id).send();
    let answer = clients.read(Category::SecretsRead, DESCRIBE, send).await?;
    let versions = answer.version_ids_to_stages.unwrap_or_default();
    let mut current: Vec<String> = versions
        .into_iter()
        .filter(|(_, stages)| stages.iter().any(|stage| stage == "AWSCURRENT"))
        .map(|(version, _)| version)
        .collect();
    current.sort();
    Ok(ObservedSecret {
        arn: answer.arn.ok_or_else(|| Error::bad_response(DESCRIBE, "no ARN in the answer"))?,
        version: current.into_iter().next(),
        deleted: answer.deleted_date.is_some(),
    })
}
