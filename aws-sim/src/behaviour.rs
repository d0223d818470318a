//! How the containers of an image behave: how long they take to start, whether and how they end,
//! and whether they are healthy.
//!
//! Without any rule, a container behaves by its name, so that a world can be broken with nothing
//! but an image tag:
//!
//! | mentioned | where | behaviour |
//! |---|---|---|
//! | `migrat` | image or command | exits 0 after 3 s |
//! | `crash` | image | exits 1 after 2 s |
//! | `unpullable` | image | never starts: `CannotPullContainerError` |
//! | `unhealthy` | image | never passes a health check |
//! | `slow` | image | takes 60 s more to start |
//! | anything else | | runs for ever, healthy 2 s after its start |
//!
//! Rules given by [`crate::Sim::behave`] or `POST /_sim/behaviours` come first; the first rule that
//! matches decides alone.

use serde::{Deserialize, Serialize};

/// How one container behaves. All times in simulated seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Behaviour {
    /// Added to the time that pulling the image takes.
    pub start_delay_seconds: f64,
    /// Never starts, with this reason, such as `CannotPullContainerError: pull access denied`.
    pub cannot_start: Option<String>,
    /// Ends by itself with this code, `exit_after_seconds` after its start.
    pub exit_code: Option<i64>,
    /// When it ends, if it ends.
    pub exit_after_seconds: f64,
    /// Killed for want of memory after this time: exit code 137, `OutOfMemoryError`.
    pub out_of_memory_after_seconds: Option<f64>,
    /// Whether health checks (the container's own and the load balancer's) ever pass.
    pub healthy: bool,
    /// When health checks begin to pass.
    pub healthy_after_seconds: f64,
    /// When health checks begin to fail again: its own, counted from its start, and the load
    /// balancers', from its registration.
    pub unhealthy_after_seconds: Option<f64>,
    /// Health flips with this period.
    pub flap_seconds: Option<f64>,
    /// The only path on which it answers a load balancer's check.
    pub only_path: Option<String>,
    /// How long it takes to obey the stop signal; more than its stop timeout means that it is
    /// killed (137).
    pub stop_seconds: f64,
    /// Its exit code when it obeys the stop signal.
    pub stop_exit_code: i64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            start_delay_seconds: 0.0,
            cannot_start: None,
            exit_code: None,
            exit_after_seconds: 2.0,
            out_of_memory_after_seconds: None,
            healthy: true,
            healthy_after_seconds: 2.0,
            unhealthy_after_seconds: None,
            flap_seconds: None,
            only_path: None,
            stop_seconds: 1.0,
            stop_exit_code: 0,
        }
    }
}

impl Behaviour {
    /// Runs and ends with `code` after `seconds`.
    #[must_use]
    pub fn exits(code: i64, seconds: f64) -> Self {
        Self { exit_code: Some(code), exit_after_seconds: seconds, ..Self::default() }
    }

    /// Runs and never passes a health check.
    #[must_use]
    pub fn unhealthy() -> Self {
        Self { healthy: false, ..Self::default() }
    }

    /// Cannot be pulled.
    #[must_use]
    pub fn unpullable(image: &str) -> Self {
        let reason = format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: \
             not found"
        );
        Self { cannot_start: Some(reason), ..Self::default() }
    }

    /// How a container behaves when no rule speaks of it: the table in the module's description.
    #[must_use]
    pub fn by_name(image: &str, command: &str) -> Self {
        let (image, command) = (image.to_ascii_lowercase(), command.to_ascii_lowercase());
        let mut behaviour = match () {
            () if image.contains("unpullable") => Self::unpullable(&image),
            () if image.contains("crash") => Self::exits(1, 2.0),
            () if image.contains("migrat") || command.contains("migrat") => Self::exits(0, 3.0),
            () => Self::default(),
        };
        behaviour.healthy = !image.contains("unhealthy");
        if image.contains("slow") {
            behaviour.start_delay_seconds = 60.0;
        }
        behaviour
    }
}

/// Which containers behave how. Every condition that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct BehaviourRule {
    /// A glob over the whole image reference; `*` stands for any text.
    pub image: Option<String>,
    /// A part of entry point and command, joined by spaces.
    pub command: Option<String>,
    /// The container's name.
    pub container: Option<String>,
    /// Only for so many containers; then the rule is spent.
    pub times: Option<u32>,
    /// What they do.
    pub behaviour: Behaviour,
}

impl BehaviourRule {
    /// A rule for all containers whose image matches `glob`.
    #[must_use]
    pub fn image(glob: impl Into<String>, behaviour: Behaviour) -> Self {
        Self { image: Some(glob.into()), behaviour, ..Self::default() }
    }

    /// A rule for all containers whose entry point or command contains `text`.
    #[must_use]
    pub fn command(text: impl Into<String>, behaviour: Behaviour) -> Self {
        Self { command: Some(text.into()), behaviour, ..Self::default() }
    }

    /// The same rule for the next `times` containers only.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn matches(&self, image: &str, command: &str, container: &str) -> bool {
        self.times != Some(0)
            && self.image.as_deref().is_none_or(|pattern| glob(pattern, image))
            && self.command.as_deref().is_none_or(|part| command.contains(part))
            && self.container.as_deref().is_none_or(|name| name == container)
    }
}

/// The rules of a world.
#[derive(Debug, Clone, Default)]
pub struct Behaviours {
    rules: Vec<BehaviourRule>,
}

impl Behaviours {
    /// Adds a rule after those that are there.
    pub fn add(&mut self, rule: BehaviourRule) {
        self.rules.push(rule);
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules, in the order in which they are asked.
    #[must_use]
    pub fn rules(&self) -> &[BehaviourRule] {
        &self.rules
    }

    /// Decides how a container that is about to be placed will behave, and uses up one of a limited
    /// rule's times.
    pub fn choose(&mut self, image: &str, command: &str, container: &str) -> Behaviour {
        let Some(rule) = self.rules.iter_mut().find(|rule| rule.matches(image, command, container)) else {
            return Behaviour::by_name(image, command);
        };
        if let Some(times) = &mut rule.times {
            *times -= 1;
        }
        rule.behaviour.clone()
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any text.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(glob("*api*", "ghcr.io/x/api:1"));
        assert!(glob("a*c", "abc") && glob("a*c*e", "abcde") && glob("abc", "abc") && glob("*", ""));
        assert!(!glob("a*c", "abd") && !glob("api", "api:1") && !glob("ab*ba", "aba"));
    }

    #[test]
    fn a_limited_rule_is_spent_and_then_names_decide() {
        let mut behaviours = Behaviours::default();
        behaviours.add(BehaviourRule::image("*api*", Behaviour::exits(3, 1.0)).times(1));
        assert_eq!(behaviours.choose("api:1", "", "c").exit_code, Some(3));
        assert_eq!(behaviours.choose("api:1", "", "c"), Behaviour::default());
        assert_eq!(behaviours.choose("api:1", "db migrate", "c").exit_code, Some(0));
        assert!(!behaviours.choose("x:unhealthy", "", "c").healthy);
    }
}
