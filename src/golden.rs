//! Golden files of the tests of all layers.

/// Whether golden files are written anew: `UPDATE_GOLDEN=1 cargo test`. Look at the difference
/// before you commit it.
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests, not a setting")]
pub(crate) fn updates() -> bool {
    std::env::var("UPDATE_GOLDEN").is_ok_and(|value| value == "1")
}
