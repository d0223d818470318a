//! Identity and Access Management: which calls the policies of a caller allow.
//!
//! Policies are attached to callers, not to users or roles that would have to be made first: to an
//! access key, to the name of a role (for the sessions that AssumeRole gave out), or to everybody.
//! A caller without policies may do everything, as long as nobody attaches any: the simulation is
//! without IAM until it is asked for it. Edits out of band ([`crate::world::World::edit`]) are by
//! nobody and always allowed.
//!
//! - [`question`] is what a call asks; [`document`] reads policies, `pattern` matches names,
//!   `condition` compares; [`evaluation`] decides one question.
//! - `questions` says what an operation asks for: which actions, on which resources, with which
//!   condition keys, by AWS's Service Authorization Reference. A key that it does not name is
//!   absent, as it is in AWS for an action that does not support it.
//! - `refusal` says no in the words of the service.
//!
//! Not simulated: users, groups, roles and their trust policies (AssumeRole asks for
//! `sts:AssumeRole` of the caller alone), resource-based, session and organisation policies.

mod condition;
pub mod document;
pub mod evaluation;
mod pattern;
pub mod question;
mod questions;
mod refusal;

use std::collections::BTreeMap;

pub(crate) use self::question::Principal;
pub use self::{
    document::Document,
    evaluation::{Decision, decide},
    question::Question,
};
use crate::{error::ApiError, wire::Request, world::Region};

/// Whose policies they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// Everybody who has none of their own.
    Anybody,
    /// Who signs with this access key.
    Key(String),
    /// The sessions of a role, by its name without its path.
    Role(String),
}

/// What is attached to a caller.
#[derive(Debug, Clone, Default)]
pub struct Attached {
    /// Identity-based policies: allowed is what one of them allows and none denies.
    pub policies: Vec<Document>,
    /// The permissions boundary: what it does not allow is not allowed.
    pub boundary: Option<Document>,
}

/// The policies of an account.
#[derive(Debug, Clone, Default)]
pub struct Iam {
    attached: BTreeMap<Caller, Attached>,
}

impl Iam {
    /// Attaches policies to a caller, in place of those that it has.
    pub fn attach(&mut self, caller: Caller, attached: Attached) {
        self.attached.insert(caller, attached);
    }

    /// Takes a caller's policies away; it may then do what anybody may.
    pub fn detach(&mut self, caller: &Caller) {
        self.attached.remove(caller);
    }

    /// Takes all policies away: everybody may do everything.
    pub fn clear(&mut self) {
        self.attached.clear();
    }

    /// Those that have policies.
    pub fn callers(&self) -> impl Iterator<Item = &Caller> {
        self.attached.keys()
    }

    /// Whether nobody has policies.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attached.is_empty()
    }

    fn of(&self, key: Option<&str>, principal: &Principal) -> Option<&Attached> {
        let role = principal.role().and_then(|role| self.attached.get(&Caller::Role(role.to_owned())));
        let own = || self.attached.get(&Caller::Key(key?.to_owned()));
        role.or_else(own).or_else(|| self.attached.get(&Caller::Anybody))
    }

    /// Lets a call pass, or refuses it.
    ///
    /// # Errors
    /// The service's own error for a caller who is not authorized.
    pub(crate) fn admit(
        &self,
        request: &Request,
        principal: &Principal,
        region: &Region,
        at: jiff::Timestamp,
    ) -> Result<(), ApiError> {
        let Some(attached) = self.of(request.access_key.as_deref(), principal) else { return Ok(()) };
        if questions::is_free(request) || attached.always_allows(request) {
            return Ok(());
        }
        let input = request.input();
        if input.is_null() {
            // Nothing that can be read: the service says so.
            return Ok(());
        }
        for mut question in questions::of(request, &input, &principal.account, region) {
            question.about_caller(principal, &request.region, at);
            let boundary = attached.boundary.as_ref();
            let decision = decide(&attached.policies, boundary, &question);
            if decision != Decision::Allowed {
                return Err(refusal::of(request, principal, &question, decision));
            }
        }
        Ok(())
    }
}

impl Attached {
    /// Whether a read is allowed on everything and under no condition, so that there is nothing to
    /// ask: a read asks for its own action only. It saves reading most requests twice.
    fn always_allows(&self, request: &Request) -> bool {
        let action = questions::own_action(request);
        !request.is_write()
            && self.boundary.is_none()
            && !self.policies.iter().any(|policy| policy.may_deny(&action))
            && self.policies.iter().any(|policy| policy.always_allows(&action))
    }
}
