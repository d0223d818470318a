//! Sentences that several conditions are made of.

use super::input::StatusInput;

/// What could not be seen, in AWS's words.
pub(super) fn gaps(input: &StatusInput<'_>) -> String {
    let gaps = input.observed.gaps.iter();
    let gaps = joined(gaps.map(|gap| format!("{}: {}: {}", gap.operation, gap.code, gap.message)));
    if gaps.is_empty() { "not looked at yet".to_owned() } else { gaps }
}

/// Messages in one line, each once, in the order in which they first come.
pub(super) fn joined(messages: impl IntoIterator<Item = String>) -> String {
    let mut once: Vec<String> = Vec::new();
    for message in messages {
        if !once.contains(&message) {
            once.push(message);
        }
    }
    once.join("; ")
}
