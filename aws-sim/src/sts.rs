//! The Security Token Service: who is calling, and temporary credentials for roles.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::ctx::{Ctx, partition};
use crate::error::ApiError;
use crate::form::Form;
use crate::xml::{self, XmlBody};

/// Assumed sessions of the simulated account, by access key.
#[derive(Debug, Clone, Default)]
pub struct Sts {
    sessions: BTreeMap<String, Session>,
}

/// One session of an assumed role.
#[derive(Debug, Clone)]
struct Session {
    account: String,
    arn: String,
    id: String,
    expires: Timestamp,
}

impl Sts {
    /// Answers one action for a caller whose access key is not known: the account's own user.
    ///
    /// # Errors
    /// As [`Sts::handle_as`].
    pub fn handle(&mut self, ctx: &mut Ctx<'_>, action: &str, form: &Form) -> Result<XmlBody, ApiError> {
        self.handle_as(ctx, action, form, None)
    }

    /// Answers one action for the caller who signed with `access_key`. A key that AssumeRole gave
    /// out speaks as that role's session; every other key is the account's own user, because the
    /// simulation keeps no list of users.
    ///
    /// # Errors
    /// `ExpiredToken` for a session past its end, `ValidationError` for a bad role, name or
    /// duration, `InvalidAction` for an action that is not simulated.
    pub fn handle_as(
        &mut self,
        ctx: &mut Ctx<'_>,
        action: &str,
        form: &Form,
        access_key: Option<&str>,
    ) -> Result<XmlBody, ApiError> {
        let session = access_key.and_then(|key| self.sessions.get(key));
        if session.is_some_and(|s| s.expires <= ctx.now) {
            return Err(ApiError::new(
                403,
                "ExpiredToken",
                "The security token included in the request is expired",
            ));
        }
        match action {
            "GetCallerIdentity" => Ok(identity(ctx, session)),
            "AssumeRole" => self.assume_role(ctx, form),
            other => Err(ApiError::new(
                400,
                "InvalidAction",
                format!("Could not find operation {other} for version 2011-06-15"),
            )),
        }
    }

    /// The ARN that a caller with this access key speaks as, if the key belongs to an assumed role.
    #[must_use]
    pub fn session_arn(&self, access_key: &str) -> Option<&str> {
        self.sessions.get(access_key).map(|s| s.arn.as_str())
    }

    fn assume_role(&mut self, ctx: &mut Ctx<'_>, form: &Form) -> Result<XmlBody, ApiError> {
        let role = form.require("RoleArn")?;
        let name = form.require("RoleSessionName")?;
        let (account, role_name) = role_parts(role).ok_or_else(|| invalid(format!("{role} is invalid")))?;
        if !(2..=64).contains(&name.len())
            || !name.chars().all(|c| c.is_alphanumeric() || "_+=,.@-".contains(c))
        {
            let text = "Member must satisfy regular expression pattern: [\\w+=,.@-]*";
            return Err(invalid(format!(
                "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: {text}"
            )));
        }
        let seconds = form.number("DurationSeconds")?.unwrap_or(3600);
        if !(900..=43200).contains(&seconds) {
            return Err(invalid(format!(
                "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: \
                 Member must be between 900 and 43200"
            )));
        }
        self.sessions.retain(|_, s| s.expires > ctx.now);
        let id = format!("{}:{name}", role_id(role));
        let arn = format!("arn:{}:sts::{account}:assumed-role/{role_name}/{name}", partition(ctx.region));
        let expires = ctx.now + SignedDuration::from_secs(seconds);
        let key = format!("ASIA{}", upper(ctx.rng, 16));
        let secret: String = (0..40).map(|_| ctx.rng.alphanumeric()).collect();
        let token: String = (0..356).map(|_| ctx.rng.alphanumeric()).collect();
        let session = Session { account: account.to_owned(), arn: arn.clone(), id: id.clone(), expires };
        self.sessions.insert(key.clone(), session);
        Ok(XmlBody::new(
            xml::STS,
            json!({
                "Credentials": {
                    "AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token,
                    "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                },
                "AssumedRoleUser": {"AssumedRoleId": id, "Arn": arn},
                "SourceIdentity": form.get("SourceIdentity"),
            }),
        ))
    }
}

fn identity(ctx: &Ctx<'_>, session: Option<&Session>) -> XmlBody {
    let result = match session {
        Some(s) => json!({"Arn": s.arn, "UserId": s.id, "Account": s.account}),
        None => json!({
            "Arn": format!("arn:{}:iam::{}:user/simulated", partition(ctx.region), ctx.account),
            "UserId": "AIDASIMULATEDUSER0001",
            "Account": ctx.account,
        }),
    };
    XmlBody::new(xml::STS, result)
}

/// Account and role name of `arn:<partition>:iam::<account>:role/<path/><name>`; the session's ARN
/// leaves the path out.
fn role_parts(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (prefix, _partition, service, _region) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (account, resource) = (parts.next()?, parts.next()?);
    let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
    let sound = prefix == "arn" && service == "iam" && account.len() == 12 && !name.is_empty();
    (sound && account.bytes().all(|b| b.is_ascii_digit())).then_some((account, name))
}

/// A role's unique id: the same for one role in every session, as in IAM.
fn role_id(arn: &str) -> String {
    let seed =
        arn.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("AROA{}", upper(&mut fastrand::Rng::with_seed(seed), 17))
}

fn upper(rng: &mut fastrand::Rng, len: usize) -> String {
    (0..len).map(|_| rng.alphanumeric().to_ascii_uppercase()).collect()
}

fn invalid(message: String) -> ApiError {
    ApiError::new(400, "ValidationError", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(
        sts: &mut Sts,
        at: i64,
        action: &str,
        form: &Form,
        key: Option<&str>,
    ) -> Result<serde_json::Value, ApiError> {
        let mut rng = fastrand::Rng::with_seed(1);
        let now = Timestamp::from_second(at).unwrap();
        let mut ctx = Ctx { now, region: "eu-west-1", account: "123456789012", rng: &mut rng };
        sts.handle_as(&mut ctx, action, form, key).map(|body| body.value().clone())
    }

    fn role(arn: &str) -> Form {
        Form::of(&[("RoleArn", arn), ("RoleSessionName", "controller")])
    }

    #[test]
    fn an_assumed_role_is_echoed_to_its_access_key_until_it_expires() {
        let mut sts = Sts::default();
        let made = call(&mut sts, 0, "AssumeRole", &role("arn:aws:iam::999999999999:role/path/deploy"), None)
            .unwrap();
        let key = made["Credentials"]["AccessKeyId"].as_str().unwrap().to_owned();
        assert!(key.starts_with("ASIA") && key.len() == 20);
        assert_eq!(made["Credentials"]["Expiration"], "1970-01-01T01:00:00Z");

        let me = call(&mut sts, 10, "GetCallerIdentity", &Form::default(), Some(&key)).unwrap();
        assert_eq!(me["Arn"], "arn:aws:sts::999999999999:assumed-role/deploy/controller");
        assert_eq!(me["Account"], "999999999999");
        assert_eq!(me["UserId"], made["AssumedRoleUser"]["AssumedRoleId"]);

        let late = call(&mut sts, 3600, "GetCallerIdentity", &Form::default(), Some(&key)).unwrap_err();
        assert_eq!(late.code, "ExpiredToken");
    }

    #[test]
    fn an_unknown_key_is_the_accounts_own_user() {
        let me =
            call(&mut Sts::default(), 0, "GetCallerIdentity", &Form::default(), Some("AKIAEXAMPLE")).unwrap();
        assert_eq!(me["Arn"], "arn:aws:iam::123456789012:user/simulated");
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for bad in [
            "deploy",
            "arn:aws:iam::1:role/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::123456789012:role/",
        ] {
            let error = call(&mut Sts::default(), 0, "AssumeRole", &role(bad), None).unwrap_err();
            assert_eq!(error.code, "ValidationError", "{bad}");
        }
    }
}
