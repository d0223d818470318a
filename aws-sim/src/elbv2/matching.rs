//! Whether a request meets the conditions of a rule, and requests that do.
//!
//! Source: Elastic Load Balancing user guide, "Condition types for listener rules": all conditions
//! of a rule must hold, and of each one value; `*` matches any number of characters and `?` just
//! one; hosts, headers and query strings are alike in any case, paths are not.

use serde_json::Value;

use crate::traffic::Request;

/// Whether all conditions hold.
pub(super) fn all_hold(conditions: &[Value], request: &Request) -> bool {
    conditions.iter().all(|condition| holds(condition, request))
}

fn holds(condition: &Value, request: &Request) -> bool {
    match condition["Field"].as_str().unwrap_or_default() {
        // "The comparison is case insensitive" (API reference, HostHeaderConditionConfig).
        "host-header" => one_of(&condition["HostHeaderConfig"], host_of(&request.host), Case::Alike),
        // "The path pattern is applied only to the path of the URL, not to its query parameters"
        // (the same page), and is case-sensitive.
        "path-pattern" => one_of(&condition["PathPatternConfig"], &request.path, Case::Kept),
        "http-header" => {
            let config = &condition["HttpHeaderConfig"];
            let value = request.header_value(config["HttpHeaderName"].as_str().unwrap_or_default());
            value.is_some_and(|value| one_of(config, value, Case::Alike))
        }
        // No wildcards; methods are case-sensitive (the same page).
        "http-request-method" => {
            texts(&condition["HttpRequestMethodConfig"]["Values"]).any(|method| method == request.method)
        }
        "query-string" => {
            pairs(&condition["QueryStringConfig"]).any(|(key, value)| in_query(key, value, request))
        }
        // The client's own address; headers such as X-Forwarded-For do not count (the same page).
        "source-ip" => texts(&condition["SourceIpConfig"]["Values"]).any(|range| contains(range, request)),
        _ => false,
    }
}

/// The host without a port. That a port in the header does not count is a guess.
fn host_of(header: &str) -> &str {
    header.rsplit_once(':').map_or(header, |(host, _)| host)
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Alike,
    Kept,
}

fn one_of(config: &Value, text: &str, case: Case) -> bool {
    texts(&config["Values"]).any(|pattern| wild(pattern, text, case))
        || texts(&config["RegexValues"]).any(|pattern| regular(pattern, text))
}

/// That an expression may match any part of the text is a guess; the guide does not say.
fn regular(pattern: &str, text: &str) -> bool {
    regex_lite::Regex::new(pattern).is_ok_and(|expression| expression.is_match(text))
}

fn wild(pattern: &str, text: &str, case: Case) -> bool {
    let fold = |text: &str| match case {
        Case::Alike => text.to_lowercase().chars().collect::<Vec<_>>(),
        Case::Kept => text.chars().collect(),
    };
    let (pattern, text) = (fold(pattern), fold(text));
    // Where the pattern goes on if what is after its last star does not fit here.
    let (mut at, mut here, mut star) = (0, 0, None);
    while here < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some('\\') if pattern.get(at + 1) == Some(&text[here]) => {
                (at, here) = (at + 2, here + 1);
            }
            Some(letter) if *letter == '?' || *letter == text[here] => {
                (at, here) = (at + 1, here + 1);
            }
            _ => {
                let Some((back, from)) = star else { return false };
                star = Some((back, from + 1));
                (at, here) = (back + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// Keys and values of a query-string condition; without a key, the value may be any key's.
fn pairs(config: &Value) -> impl Iterator<Item = (Option<&str>, &str)> {
    let values = config["Values"].as_array().into_iter().flatten();
    values.map(|pair| (pair["Key"].as_str(), pair["Value"].as_str().unwrap_or_default()))
}

fn in_query(key: Option<&str>, value: &str, request: &Request) -> bool {
    form_urlencoded::parse(request.query.as_bytes()).any(|(name, given)| {
        key.is_none_or(|key| wild(key, &name, Case::Alike)) && wild(value, &given, Case::Alike)
    })
}

fn contains(range: &str, request: &Request) -> bool {
    use std::net::IpAddr::{V4, V6};
    let Some((base, bits)) = range.split_once('/') else { return false };
    let (Ok(base), Ok(bits)) = (base.parse(), bits.parse::<u32>()) else { return false };
    match (base, request.source) {
        (V4(base), V4(own)) => (base.to_bits() ^ own.to_bits()).leading_zeros() >= bits,
        (V6(base), V6(own)) => (base.to_bits() ^ own.to_bits()).leading_zeros() >= bits,
        _ => false,
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// The requests that a rule with these conditions is there for; see [`Request::for_conditions`].
pub(crate) fn samples(base: &Request, conditions: &[Value]) -> Vec<Request> {
    let met = |varied: usize, choice: usize| {
        conditions.iter().enumerate().fold(base.clone(), |request, (place, condition)| {
            meet(request, condition, if place == varied { choice } else { 0 })
        })
    };
    let mut all: Vec<Request> = (0..conditions.len())
        .flat_map(|varied| (0..choices(&conditions[varied])).map(move |choice| (varied, choice)))
        .map(|(varied, choice)| met(varied, choice))
        .filter(|request| all_hold(conditions, request))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// The values of a condition, with the keys that query strings have.
fn values(condition: &Value) -> Vec<(Option<&str>, &str)> {
    let config = match condition["Field"].as_str().unwrap_or_default() {
        "query-string" => return pairs(&condition["QueryStringConfig"]).collect(),
        "host-header" => &condition["HostHeaderConfig"],
        "path-pattern" => &condition["PathPatternConfig"],
        "http-header" => &condition["HttpHeaderConfig"],
        "http-request-method" => &condition["HttpRequestMethodConfig"],
        _ => &condition["SourceIpConfig"],
    };
    texts(&config["Values"]).chain(texts(&config["RegexValues"])).map(|value| (None, value)).collect()
}

fn choices(condition: &Value) -> usize {
    values(condition).len()
}

fn meet(mut request: Request, condition: &Value, choice: usize) -> Request {
    let Some((key, value)) = values(condition).get(choice).copied() else { return request };
    match condition["Field"].as_str().unwrap_or_default() {
        "host-header" => request.host = plain(value),
        "path-pattern" => request.path = plain(value),
        "http-header" => {
            let name = condition["HttpHeaderConfig"]["HttpHeaderName"].as_str().unwrap_or_default();
            request.headers.insert(name.to_lowercase(), plain(value));
        }
        "http-request-method" => value.clone_into(&mut request.method),
        "query-string" => {
            let pair = (key.map_or_else(|| "q".to_owned(), plain), plain(value));
            let before = std::mem::take(&mut request.query);
            let mut query = form_urlencoded::Serializer::new(before);
            request.query = query.append_pair(&pair.0, &pair.1).finish();
        }
        _ => {
            let base = value.split('/').next().and_then(|base| base.parse().ok());
            request.source = base.unwrap_or(request.source);
        }
    }
    request
}

/// A text that a pattern matches.
fn plain(pattern: &str) -> String {
    let mut text = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => {}
            '?' => text.push('x'),
            '\\' => text.extend(letters.next()),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(pattern: &str, text: &str) -> bool {
        wild(pattern, text, Case::Kept)
    }

    #[test]
    fn a_star_stands_for_any_letters_and_a_question_mark_for_one() {
        assert!(
            path("/img/*", "/img/")
                && path("/img/*", "/img/a/b")
                && path("*", "")
                && path("/a*c*e", "/abcde")
        );
        assert!(path("/?", "/a") && path("/a?c", "/abc") && path("*.x", "a.x.x"));
        assert!(!path("/img/*", "/img") && !path("/?", "/") && !path("/?", "/ab") && !path("/a*b", "/abc"));
    }

    #[test]
    fn a_letter_behind_a_backslash_stands_for_itself() {
        assert!(path("a\\*", "a*") && !path("a\\*", "ab") && path("\\?", "?") && !path("\\?", "x"));
    }

    #[test]
    fn a_text_made_from_a_pattern_matches_it() {
        for pattern in ["/img/*", "a?c", "*.example.com", "\\*", "*", "/"] {
            assert!(path(pattern, &plain(pattern)), "{pattern}");
        }
    }
}
