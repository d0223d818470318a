//! A plan as text, for people: one line per action, its changes below it, then what is waited for.

use crate::model::call::Verb;
use crate::model::change_words::change_words;
use crate::model::plan::{Drift, Impact, Plan, PlannedAction};
use std::fmt::Write as _;

/// Renders a plan: `+` creates, `~` changes, `-` removes; every changed field with its old and new
/// value and its owner.
///
/// **Guarantees**: the same plan gives the same text; no trailing spaces; ends with a line break.
pub fn render(plan: &Plan) -> String {
    let mut text = format!("plan {}@{}\n", plan.deployment, plan.generation);
    for action in &plan.actions {
        render_action(&mut text, action);
    }
    let reported: Vec<&Drift> = plan.drift.iter().filter(|drift| !drift.repaired).collect();
    if !reported.is_empty() {
        text.push_str("  drift that stays\n");
        for drift in reported {
            let _ = match &drift.change {
                Some(change) => writeln!(text, "    {}.{}", drift.resource, change_words(change)),
                None => writeln!(text, "    {} is gone", drift.resource),
            };
        }
    }
    if !plan.waiting_on.is_empty() {
        text.push_str("  waiting\n");
        for waiting in &plan.waiting_on {
            let _ = writeln!(text, "    {} for {}", waiting.resource, waiting.on);
        }
    }
    if !plan.notes.is_empty() {
        text.push_str("  notes\n");
        for note in &plan.notes {
            let sign = if note.blocks { "!" } else { "·" };
            let _ = writeln!(text, "    {sign} {}: {}", note.resource, note.message);
        }
    }
    if plan.actions.is_empty() && plan.drift.is_empty() && plan.waiting_on.is_empty() && plan.notes.is_empty()
    {
        text.push_str("  nothing to do\n");
    }
    text
}

/// Renders the actions of plans that follow from one another, as steps from the second on; nothing
/// when there are none.
pub fn render_steps(plans: &[Plan]) -> String {
    let mut text = String::new();
    if !plans.is_empty() {
        text.push_str("  then, as AWS does its part\n");
    }
    for (index, plan) in plans.iter().enumerate() {
        let mut step = String::new();
        plan.actions.iter().for_each(|action| render_action(&mut step, action));
        for (line, words) in step.lines().enumerate() {
            let number = if line == 0 { format!("{:>4}.", index + 2) } else { " ".repeat(5) };
            let _ = writeln!(text, "{number}{}", words.strip_prefix(' ').unwrap_or(words));
        }
    }
    text
}

fn render_action(text: &mut String, action: &PlannedAction) {
    let spec = action.call.spec();
    let verb = spec.part.unwrap_or(action.verb.as_str());
    let about = format!("{}{}", action.resource, action.call.detail());
    let impact = match action.impact() {
        Impact::None if spec.deploys => "; starts a deployment: no",
        Impact::None => "",
        Impact::StartsDeployment => "; starts a deployment: yes",
        Impact::Restarts => "; starts a deployment: yes, old tasks stop first",
        Impact::Interrupts => "; interrupts: yes",
    };
    let sign = sign(action.verb);
    let _ = writeln!(text, "  {sign} {verb:<10} {about}  ({}{impact})", action.reason);
    for change in &action.changes {
        let _ = writeln!(text, "      {}", change_words(change));
    }
}

fn sign(verb: Verb) -> char {
    match verb {
        Verb::Create | Verb::Register | Verb::Run => '+',
        Verb::Update | Verb::Tag | Verb::Untag => '~',
        Verb::Stop | Verb::Deregister | Verb::Delete => '-',
    }
}
