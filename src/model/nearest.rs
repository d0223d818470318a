//! What was probably meant by a word that nothing is called.

/// The known word that was probably meant: equal but for case and separators, or within a third of
/// its letters.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let bare = |text: &str| {
        text.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect::<String>()
    };
    let wanted = bare(word);
    known
        .iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &bare(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_ignores_case_and_separators() {
        let known = ["desiredCount", "serviceName", "launchType"];
        assert_eq!(nearest("dersiredCount", &known), Some("desiredCount"));
        assert_eq!(nearest("desired_count", &known), Some("desiredCount"));
        assert_eq!(nearest("DesiredCount", &known), Some("desiredCount"));
        assert_eq!(nearest("replicas", &known), None);
    }
}
