//! Forms of names and of amounts that several checks look at.

/// Up to 255 letters, digits, hyphens and underscores, as the API reference has it for many names.
pub(super) fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=255).contains(&name.len()) && name.chars().all(good)
}

/// A task-level size in CPU units or MiB: a number, or one with its unit.
pub(super) fn amount(text: &str, unit: &str) -> Option<f64> {
    let lower = text.trim().to_ascii_lowercase();
    let amount = match lower.strip_suffix(unit) {
        Some(count) => count.trim().parse::<f64>().ok()? * 1024.0,
        None => lower.parse::<f64>().ok()?,
    };
    (amount > 0.0 && amount.fract() == 0.0).then_some(amount)
}
