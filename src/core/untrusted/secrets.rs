//! Masks secrets of known formats, to keep secrets off cards, lock screens and terminal histories.
//!
//! Recognises formats that issuers document, and values with a name such as `password`. A needless
//! mask costs a look at the machine; a secret on Discord is a leaked secret.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern;

/// Name of a secret value, including a closing quotation mark of the name.
const NAMED: &str = concat!(
    r"(?i)\b(?P<keep>[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|",
    r#"(?:api|access|private|secret)[_-]?key)["']?"#
);

/// Formats and their labels. The group `keep` stays before the mask, the group `after` behind the
/// mask.
static SECRETS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b", "AWS key"),
        (r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})", "GitHub token"),
        (r"\bgl(?:pat|dt|rt|ptt|cbt|ft|imt|agent|oas)-[A-Za-z0-9_.-]{20,}", "GitLab token"),
        (r"\b(?:xox[abcdeoprs]|xapp)-\d[A-Za-z0-9-]{10,}", "Slack token"),
        (
            concat!(
                r"(?P<keep>https://hooks\.slack\.com/(?:services|workflows|triggers)/)",
                r"[A-Za-z0-9/_-]{20,}"
            ),
            "Slack webhook",
        ),
        (
            concat!(
                r"(?P<keep>https://(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/)",
                r"[A-Za-z0-9_-]{20,}"
            ),
            "Discord webhook",
        ),
        (r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}", "Stripe key"),
        (r"\bwhsec_[A-Za-z0-9]{24,}", "Stripe webhook secret"),
        (r"\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}", "API key"),
        (r"\bAIza[0-9A-Za-z_-]{35}", "Google key"),
        (r"\bGOCSPX-[A-Za-z0-9_-]{20,}", "Google client secret"),
        (r"\bya29\.[A-Za-z0-9_-]{20,}", "Google token"),
        (r"\bnpm_[A-Za-z0-9]{36}\b", "npm token"),
        (r"\bpypi-[A-Za-z0-9_-]{50,}", "PyPI token"),
        (r"\bhf_[A-Za-z0-9]{30,}", "Hugging Face token"),
        (r"\bdop_v1_[a-f0-9]{64}", "DigitalOcean token"),
        (r"\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{40,}", "SendGrid key"),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", "JSON web token"),
        (r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}", "Discord token"),
        (
            concat!(
                r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?",
                r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)"
            ),
            "private key",
        ),
        (r"\bgander_[A-Za-z0-9_-]{40,}", "Gander token"),
        (r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}", "age key"),
        // `user:password@` in a URL, and a token in place of the user.
        (r"(?i)\b(?P<keep>[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/]+(?P<after>@)", "password"),
        (r"(?i)\b(?P<keep>[a-z][a-z0-9+.-]*://)[A-Za-z0-9_-]{20,}(?P<after>@)", "token"),
        (r"(?i)\b(?P<keep>bearer\s+)[A-Za-z0-9._~+/=-]{20,}", "token"),
        (
            r#"(?i)\b(?P<keep>authorization["']?\s*[:=]\s*["']?basic\s+)[A-Za-z0-9+/=]{8,}"#,
            "password",
        ),
        // Values named as a secret: password=…, "api_key": "…", token: …
        (r#"NAMED\s*=\s*["']?)[^\s"',;&$<{%(•][^\s"',;&()•]{5,}"#, "secret"),
        (r#"NAMED\s*:\s*["'])[^\s"'$<{%•][^"'•\n]{5,}"#, "secret"),
        (
            concat!(
                r#"NAMED\s*:\s*)(?:[^\s"',;&$<{%(•]{3,}[0-9][^\s"',;&()•]*|"#,
                r#"[^\s"',;&$<{%(•]*[0-9][^\s"',;&()•]{3,})"#
            ),
            "secret",
        ),
    ]
    .into_iter()
    .map(|(text, name)| (pattern(&text.replace("NAMED", NAMED)), name))
    .collect()
});

/// Replaces every secret of a known format by the format's name between bullets.
#[must_use]
pub fn mask_secrets(text: &str) -> String {
    let mut masked = text.to_owned();
    for (regex, name) in SECRETS.iter() {
        let has = |group| regex.capture_names().flatten().any(|name| name == group);
        let part =
            |group: &'static str| if has(group) { format!("${{{group}}}") } else { String::new() };
        if regex.is_match(&masked) {
            let replacement = format!("{}••• {name} •••{}", part("keep"), part("after"));
            masked = regex.replace_all(&masked, replacement.as_str()).into_owned();
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Assembled from pieces, because secret scanners would flag a complete literal.
    fn fake(pieces: &[&str]) -> String {
        let filler = "a1B2c3D4e5F6g7H8i9J0".repeat(5);
        pieces
            .iter()
            .map(|piece| {
                piece.strip_prefix('#').map_or(*piece, |n| &filler[..n.parse::<usize>().unwrap()])
            })
            .collect()
    }

    /// Name of the case, pieces of the secret, the masked text and a harmless neighbour.
    #[rustfmt::skip]
    const ROWS: [(&str, &[&str], &str, &str); 34] = [
        ("AWS", &["AKIA", "IOSFODNN7EXAMPLE"], "••• AWS key •••", "AKIA is a prefix"),
        ("AWS, named", &["aws_secret_access_key = ", "#40"],
         "aws_secret_access_key = ••• secret •••", "aws_secret_access_key = $FROM_ENV"),
        ("GitHub", &["ghp", "_", "#36"], "••• GitHub token •••", "ghp_short"),
        ("GitHub app", &["ghs", "_", "#40"], "••• GitHub token •••", "paths_and_names"),
        ("GitHub, fine", &["github", "_pat_", "#30"], "••• GitHub token •••",
         "github_path_of_the_repository_is_long"),
        ("GitLab", &["glpat", "-", "#20"], "••• GitLab token •••", "glpat-x"),
        ("GitLab runner", &["glrt", "-", "#20"], "••• GitLab token •••", "glrt is short"),
        ("Slack", &["xoxb", "-", "1234567890-", "#20"], "••• Slack token •••",
         "xoxo-with-love-from-us"),
        ("Slack app", &["xapp", "-1-", "#20"], "••• Slack token •••", "xapp-files"),
        ("Slack webhook", &["https://hooks.slack.com/services/", "T000/B000/", "#24"],
         "https://hooks.slack.com/services/••• Slack webhook •••",
         "https://hooks.slack.com/services/"),
        ("Discord webhook", &["https://discord.com/api/webhooks/", "123/", "#60"],
         "https://discord.com/api/webhooks/123/••• Discord webhook •••",
         "https://discord.com/api/webhooks/123"),
        ("Stripe", &["sk", "_live_", "#24"], "••• Stripe key •••",
         "task_live_reload_of_everything"),
        ("Stripe, restricted", &["rk", "_test_", "#24"], "••• Stripe key •••", "sk_live_short"),
        ("OpenAI", &["sk", "-proj-", "#48"], "••• API key •••", "sk-learn is a library"),
        ("Anthropic", &["sk", "-ant-", "api03-", "#48"], "••• API key •••",
         "ask-anthropic-about-their-newest-model"),
        ("Google", &["AIza", "#35"], "••• Google key •••", "AIzawa is a place"),
        ("Google, signed in", &["ya29", ".", "#30"], "••• Google token •••",
         "ya29 is a number"),
        ("Discord bot", &["MT", "#22", ".", "#6", ".", "#30"], "••• Discord token •••",
         "Module.path.to_a_function_that_is_very_long"),
        ("JWT", &["eyJ", "#20", ".eyJ", "#30", ".", "#43"], "••• JSON web token •••",
         "eyJ is how they begin"),
        ("PEM",
         &["-----BEGIN RSA ", "PRIVATE KEY-----\n", "#60", "\n-----END RSA PRIVATE KEY-----"],
         "••• private key •••", "-----BEGIN PUBLIC KEY-----"),
        ("PEM, cut off", &["-----BEGIN ", "PRIVATE KEY-----\n", "#60"], "••• private key •••",
         "-----BEGIN CERTIFICATE-----"),
        ("npm", &["npm", "_", "#36"], "••• npm token •••", "npm_config_registry"),
        ("PyPI", &["pypi", "-", "AgEIcHlwaS5vcmc", "#60"], "••• PyPI token •••",
         "pypi-publish"),
        ("SendGrid", &["SG", ".", "#22", ".", "#43"], "••• SendGrid key •••", "SG.example.org"),
        ("Hugging Face", &["hf", "_", "#34"], "••• Hugging Face token •••", "hf_transfer"),
        ("in an address", &["postgres://app:", "hunter2", "@db/x"],
         "postgres://app:••• password •••@db/x", "postgres://app@db:5432/x"),
        ("in an address, with marks", &["redis://:", "p@ss:word", "@cache"],
         "redis://:••• password •••@cache", "https://example.org:8080/a@b"),
        ("in place of a user", &["https://", "#24", "@git.example/x.git"],
         "https://••• token •••@git.example/x.git", "ssh://git@git.example/x.git"),
        ("password=", &["--password=", "hunter2hunter2"], "--password=••• secret •••",
         "password=$DB_PASSWORD"),
        ("password, quoted", &["\"password\": \"", "correct horse", "\""],
         "\"password\": \"••• secret •••\"", "password: at least eight characters"),
        ("password:", &["DB_PASSWORD: ", "hunter22"], "DB_PASSWORD: ••• secret •••",
         "password: required"),
        ("token=", &["?access_token=", "#20", "&x=1"], "?access_token=••• secret •••&x=1",
         "max_tokens=4096"),
        ("bearer", &["Bearer ", "#32"], "Bearer ••• token •••", "the bearer of bad news"),
        ("basic", &["Authorization: Basic ", "dXNlcjpodW50ZXIy"],
         "Authorization: Basic ••• password •••", "basic understanding"),
    ];

    #[test]
    fn each_format_is_masked_and_its_harmless_neighbour_is_not() {
        for (case, pieces, masked, harmless) in ROWS {
            let secret = fake(pieces);
            assert_eq!(
                mask_secrets(&format!("a {secret} b")),
                format!("a {masked}{}", if case == "PEM, cut off" { "" } else { " b" }),
                "{case}"
            );
            assert_eq!(mask_secrets(harmless), harmless, "{case}: its harmless neighbour");
            assert_eq!(mask_secrets(masked), masked, "{case}: masked again");
        }
    }
}
