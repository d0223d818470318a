//! The pages that people read: what was measured, kind by kind, below `src/plan/ownership`.

use super::rules::Outcome;
use evenkeel::model::resource::ResourceKind;
use evenkeel::plan::table::{Row, markdown};
use std::path::PathBuf;

/// Reasons for which cells are empty, each once, by letter.
#[derive(Default)]
struct Notes(Vec<&'static str>);

impl Notes {
    fn letter(&mut self, reason: &'static str) -> char {
        let known = self.0.iter().position(|known| *known == reason);
        let place = known.unwrap_or_else(|| {
            self.0.push(reason);
            self.0.len() - 1
        });
        char::from(b'a' + u8::try_from(place).unwrap())
    }
}

/// A page: the table with what was measured in these columns, and sentences below it.
pub fn page(
    kind: ResourceKind,
    columns: &[&str],
    cells: impl Fn(&Row) -> Vec<Outcome>,
    sentences: &[String],
) -> String {
    let notes = std::cell::RefCell::new(Notes::default());
    let shown = |outcome: Outcome| match outcome {
        Outcome::Meaningless(reason) => format!("- ({})", notes.borrow_mut().letter(reason)),
        other => other.to_string(),
    };
    let table = markdown(kind, columns, |row| cells(row).into_iter().map(shown).collect());
    let mut text = format!("### {kind}\n\n{table}\n");
    for sentence in sentences {
        text += &format!("{sentence}\n\n");
    }
    for (place, reason) in notes.into_inner().0.into_iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from(place).unwrap());
        text += &format!("- ({letter}) {reason}\n");
    }
    text.trim_end().to_owned() + "\n"
}

/// Prints a page, and holds that the one in the documentation says the same; `UPDATE_GOLDEN=1 cargo
/// test` writes it anew.
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests, not a setting")]
pub fn is_published(kind: ResourceKind, page: &str) {
    println!("{page}");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("src/plan/ownership/{kind}.md"));
    if std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value == "1") {
        std::fs::write(&path, page).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == page, "{} is stale: UPDATE_GOLDEN=1 cargo test writes it anew", path.display());
}
