//! Texts that are small and cost much: they are stopped, and what is large and honest is read at
//! once.

use super::super::read;

/// Everything that is wrong with a text of which nothing can be used.
fn message(text: &str) -> String {
    let content = read("a.yaml", text.as_bytes());
    assert!(content.documents.is_empty());
    content.refused[0].findings.iter().map(|finding| format!("{finding}\n")).collect()
}

#[test]
fn a_long_text_that_aliases_multiply_is_stopped() {
    let text = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 5_000].join(","));
    assert!(message(&text).contains("once aliases are expanded"), "half a gigabyte was made of it");
}

#[test]
fn anchors_inside_of_anchors_are_paid_for() {
    let (open, close): (String, String) =
        ((0..100).map(|level| format!("&a{level} [")).collect(), "]".repeat(100));
    let text = format!("{open}{}{close}", vec!["x"; 5_000].join(","));
    assert!(message(&text).contains("once aliases are expanded"), "a copy was kept for every anchor");
}

#[test]
fn a_map_of_a_hundred_thousand_keys_is_read_without_delay() {
    let keys: String = (0..100_000).map(|key| format!("k{key}: 1\n")).collect();
    let content = read("a.yaml", keys.as_bytes());
    assert!(!content.refused[0].findings.is_empty());
    let merged = format!("a: &a\n{}b:\n  <<: *a\n  k7: 2\n", keys.replace('k', "  k"));
    assert!(!read("a.yaml", merged.as_bytes()).refused[0].findings.is_empty());
}

#[test]
fn a_key_that_is_no_key_any_more_is_refused() {
    let text = format!("? {}\n: 1\n", "k".repeat(1025));
    assert!(message(&text).contains("more than 1024 characters"));
}

#[test]
fn of_endless_mistakes_the_first_thousand_are_told() {
    let unknown: String = (0..5_000).map(|key| format!("unknown{key}: 1\n")).collect();
    let twice = "same: 1\n".repeat(5_000);
    for text in [unknown, twice] {
        let found = read("a.yaml", text.as_bytes()).refused[0].findings.len();
        assert!((1_000..=2_000).contains(&found), "{found}");
    }
}

#[test]
fn a_byte_that_is_not_utf_8_has_its_place_by_the_line_ends_of_yaml() {
    let content = read("a.yaml", b"a: 1\r\nb: 2\rc: \xfa");
    let place = content.refused[0].findings[0].place.clone().unwrap();
    assert_eq!((place.line, place.column), (3, 4));
}
