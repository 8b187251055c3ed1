//! Rules for the addresses of embeds and link buttons.

use std::net::Ipv4Addr;

use crate::refusal::Problems;

/// What an address may begin with.
#[derive(Clone, Copy)]
pub(super) enum Schemes {
    /// A page: `http` and `https`.
    Web,
    /// A picture: a page's, and `attachment` for a file of the message.
    Media,
    /// The target of a link button: a page's, and `discord` for a place in the app.
    Link,
}

/// Checks an address.
pub(super) fn check(text: &str, path: &str, schemes: Schemes, problems: &mut Problems) {
    let scheme = text.split(':').next().unwrap_or_default().to_lowercase();
    let (known, own) = match schemes {
        Schemes::Web => ("('http', 'https')", None),
        Schemes::Media => ("('http', 'https')", Some("attachment")),
        Schemes::Link => ("('http', 'https', 'discord')", Some("discord")),
    };
    if own == Some(scheme.as_str()) {
        return;
    }
    if !matches!(scheme.as_str(), "http" | "https") {
        return self::scheme(text, path, known, problems);
    }
    if !is_well_formed(&text[scheme.len()..]) {
        problems.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.");
    }
}

/// Notes that an address does not begin with one of these.
pub(super) fn scheme(text: &str, path: &str, known: &str, problems: &mut Problems) {
    let scheme = text.split(':').next().unwrap_or_default().to_lowercase();
    let words = format!("Scheme \"{scheme}\" is not supported. Scheme must be one of {known}.");
    problems.add(path, "URL_TYPE_INVALID_SCHEME", words);
}

/// Whether what follows the scheme names a host that can be on the Internet: a name with a
/// top-level domain, or an address. `http://localhost` and `http://intranet:8000` are refused.
fn is_well_formed(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix("://") else { return false };
    if rest.contains(char::is_whitespace) {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return host.contains(']');
    }
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    port.chars().all(|c| c.is_ascii_digit()) && (host.parse::<Ipv4Addr>().is_ok() || is_name(host))
}

/// Whether a host's name has labels as DNS wants them, and a top-level domain of letters.
fn is_name(host: &str) -> bool {
    let labels: Vec<_> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    let top = labels.last().copied().unwrap_or_default();
    labels.len() > 1
        && labels.iter().all(is_label)
        && top.len() > 1
        && (top.starts_with("xn--") || top.chars().all(char::is_alphabetic))
}
