//! Documents that mean the same never differ, and one that differs is always seen.
//!
//! The bytes choose a document and vary it, and say how else it could be written (lists in another
//! order, defaults spelled out, ARNs instead of names) and how AWS gives back what was made of it.
//! Against that AWS the whole pure walk (`lower`, `resolve`, `advance`, `plan`) must have nothing
//! to do for the other spelling, and something for a changed field.

mod change;
mod equivalents;
mod fixture;
mod vary;

use arbitrary::Unstructured;
use evenkeel::desired::{lower, render};
use evenkeel::model::desired::DesiredState;
use evenkeel::model::ids::Generation;
use evenkeel::model::kinds::{Document, Kind};
use evenkeel::specs::read;
use fixture::Fixture;
use serde::Deserialize;
use serde_json::Value;
use std::sync::OnceLock;

const SEED: &str = include_str!("../../seeds/application.yaml");

/// Walks one document, one that means the same, and one that differs.
pub fn check(bytes: &[u8]) {
    let mut choices = Unstructured::new(bytes);
    let mut written = seeds()[below(&mut choices, seeds().len())].clone();
    vary::vary(&mut written, &mut choices);
    let Ok(declared) = state(&written) else { return };
    let Some(fixture) = Fixture::of(&declared, &mut choices) else { return };

    let mut rewritten = written.clone();
    equivalents::document(&mut rewritten, &mut choices);
    let equal =
        state(&rewritten).unwrap_or_else(|why| panic!("an equivalent form is refused: {why}\n{rewritten:#}"));
    let seen = fixture.walk(&equal);
    assert!(seen.is_empty(), "the same in other words, and still:\n{seen}\n{written:#}\n{rewritten:#}");

    let mut changed = rewritten.clone();
    let Some(what) = change::change(&mut changed, &mut choices) else { return };
    let Ok(other) = state(&changed) else { return };
    let seen = fixture.walk(&other);
    assert!(!seen.is_empty(), "{what} is not seen\n{rewritten:#}\n{changed:#}");
}

/// The seed and the example of every kind, in their generic form.
fn seeds() -> &'static [Value] {
    static SEEDS_AS_JSON: OnceLock<Vec<Value>> = OnceLock::new();
    SEEDS_AS_JSON.get_or_init(|| {
        let generic = |text: &str| {
            let content = read("seed.yaml", text.as_bytes());
            assert!(content.refused.is_empty(), "a seed is refused: {:?}", content.refused);
            render(&content.documents[0].document()).0.to_json()
        };
        [SEED].into_iter().chain(Kind::ALL.map(|kind| kind.example().1)).map(generic).collect()
    })
}

/// What a document means, or why it is refused.
fn state(document: &Value) -> Result<DesiredState, String> {
    let document = Document::deserialize(document).map_err(|error| error.to_string())?;
    let (state, findings) = lower(&document, Generation(1));
    state.ok_or_else(|| {
        let errors = findings.iter().filter(|finding| finding.is_error());
        errors.map(|error| format!("{error}\n")).collect()
    })
}

/// A number below `end`, 0 when the bytes are used up.
fn below(choices: &mut Unstructured<'_>, end: usize) -> usize {
    choices.int_in_range(0..=end.saturating_sub(1)).unwrap_or(0)
}

/// Yes or no, no when the bytes are used up.
fn coin(choices: &mut Unstructured<'_>) -> bool {
    choices.arbitrary().unwrap_or(false)
}
