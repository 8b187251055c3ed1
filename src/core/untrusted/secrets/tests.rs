//! Each format of secrets, and what may be a payload.

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
     "-----BEGIN RSA PRIVATE KEY-----\n••• private key •••\n-----END RSA PRIVATE KEY-----",
     "-----BEGIN PUBLIC KEY-----"),
    ("PEM, cut off", &["-----BEGIN ", "PRIVATE KEY-----\n", "#60"],
     "-----BEGIN PRIVATE KEY-----\n••• private key •••", "-----BEGIN CERTIFICATE-----"),
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
        assert_eq!(mask_secrets(&format!("a {secret} b")), format!("a {masked} b"), "{case}");
        assert_eq!(mask_secrets(harmless), harmless, "{case}: its harmless neighbour");
        assert_eq!(mask_secrets(masked), masked, "{case}: masked again");
    }
}
fn call(text: &str) -> String {
    masked(text, &secrets(text, TextKind::Call))
}

#[test]
fn in_a_call_only_the_token_itself_is_masked() {
    let (github, jwt) = (fake(&["ghp", "_", "#36"]), fake(&["eyJ", "#20", ".eyJ", "#30"]));
    let random = fake(&["#40"]);
    for (text, shown) in [
        (format!("curl -H 'token {github}'"), "curl -H 'token ••• GitHub token •••'"),
        (format!("git clone https://{github}@x/y"), "git clone https://••• GitHub token •••@x/y"),
        (
            format!("x={github}$(id);{github}|sh"),
            "x=••• GitHub token •••$(id);••• GitHub token •••|sh",
        ),
        (format!("{{\"a\": \"x\\n{github}\\n\"}}"), "{\"a\": \"x\\n••• GitHub token •••\\n\"}"),
        (
            format!("export HF={}{}", "hf_", "xTqLmRwZbVnYcKdPsHgJ".repeat(2)),
            "export HF=••• Hugging Face token •••",
        ),
        (
            format!("curl https://hooks.slack.com/services/T000/B000/{}", &random[..24]),
            "curl https://hooks.slack.com/services/T000/B000/••• Slack webhook •••",
        ),
        (
            format!("curl https://discord.com/api/webhooks/123/{random}{random}"),
            "curl https://discord.com/api/webhooks/123/••• Discord webhook •••",
        ),
        (format!("API_TOKEN={random} make"), "API_TOKEN=••• secret ••• make"),
        (format!("AWS_SECRET_ACCESS_KEY={random}"), "AWS_SECRET_ACCESS_KEY=••• AWS secret •••"),
        (format!("psql postgres://app:{random}@db/x"), "psql postgres://app:••• password •••@db/x"),
        (
            format!("-H 'Authorization: Bearer {random}'"),
            "-H 'Authorization: Bearer ••• token •••'",
        ),
        (
            format!("{jwt}.{random}{}", &random[..3]),
            &format!("{jwt}.••• signature of a JSON web token •••"),
        ),
    ] {
        assert_eq!(call(&text), shown);
    }
}

#[test]
fn what_may_be_a_payload_is_never_masked_in_a_call() {
    let long = "aB3".repeat(100);
    for text in [
        "make test # -----BEGIN PRIVATE KEY-----\npython3 x.py",
        "make test # -----BEGIN PRIVATE KEY-----\npython3 x.py\n-----END PRIVATE KEY-----",
        "token=`python3${IFS}x.py`",
        "password=$(python3 x.py)",
        "secret=\"python3 x.py\"",
        "api_key: 'python3 x.py'",
        "token=python3;$token x.py",
        "git clone https://user:$(python3 x.py)@host/",
        "git clone https://user:`python3`@host/",
        "curl -H 'Authorization: Bearer $(python3 /tmp/aaaaaaaaaaaaaa/x.py)'",
        "Authorization: Basic $(python3 x.py)",
        "eyJhbGciOiJI.eyJhbGciOiJI.$(python3${IFS}x.py)",
        "eyJhbGciOiJI.eyJhbGciOiJI.`python3 x.py`",
        // The names of programs and files.
        "token=/tmp/aaaaaaaaaaaaaaaaaaaaaaaaa/B1",
        "./sk-aB3aB3aB3aB3aB3aB3aB3aB3aB3aB3",
        "npx sk-run-the-payload-of-the-attacker",
        "npx npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "private_key=run-the-payload-now-please",
        // A command in base64 or hexadecimal.
        "token=cHl0aG9uMyB4LnB5ICYmIHJtIC1yZiB4; echo $token | base64 -d | sh",
        "x=ghp_cHl0aG9uMyB4LnB5ICYmIHJtIC1yZiB4cHl0aG9u; echo ${x#ghp_} | base64 -d | sh",
        "x=dop_v1_707974686f6e3320782e7079202626207263202d72662078787878787878787878",
        "Bearer cHl0aG9uMyB4LnB5ICYmIHJtIC1yZiB4",
    ] {
        assert_eq!(call(text), text);
    }
    let unbounded = format!("x=ghp_{long}");
    assert_eq!(call(&unbounded), unbounded);
}
