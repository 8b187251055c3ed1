//! Adds "did you mean" suggestions to parse errors.

/// Shortens serde's "unknown field `a`, expected one of `b`, `c`" to the expected name that is most
/// similar to the unknown name. Every other message, and an unknown name without a similar expected
/// name, stays unchanged.
#[must_use]
pub fn did_you_mean(message: &str) -> String {
    let message = message.trim();
    let Some(what) =
        ["unknown field", "unknown variant"].into_iter().find(|what| message.starts_with(what))
    else {
        return message.to_owned();
    };
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next() else { return message.to_owned() };
    let nearest = quoted
        .map(|known| (strsim::jaro_winkler(unknown, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest.filter(|(likeness, _)| *likeness > 0.8) {
        Some((_, known)) => format!("{what} `{unknown}`: did you mean `{known}`?"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn the_nearest_name_is_named_where_one_is_near() {
        for (message, expected) in [
            (
                "unknown field `titel`, expected one of `title`, `kind`",
                "unknown field `titel`: did you mean `title`?",
            ),
            (
                "unknown variant `hihg`, expected one of `low`, `high`",
                "unknown variant `hihg`: did you mean `high`?",
            ),
            ("unknown field `zzz`, expected `title`", "unknown field `zzz`, expected `title`"),
            ("missing field `title`", "missing field `title`"),
            ("unknown field ", "unknown field"),
        ] {
            assert_eq!(did_you_mean(message), expected);
        }
    }
}
