//! Cleaning, escaping and cutting of texts.

use super::*;

#[test]
fn hidden_characters_go_and_visible_ones_stay() {
    assert_eq!(clean("a\u{202E}b\u{200B}c\u{7}d\te\nf"), "abcd\te\nf");
    assert_eq!(clean("\u{1b}[31mred\u{1b}[0m"), "red");
    assert_eq!(clean("[\u{200D}Pay](x) gh\u{FE0F}p"), "[Pay](x) ghp");
    assert_eq!(clean("👩‍💻 naïve 日本語 עברית"), "👩‍💻 naïve 日本語 עברית");
    assert_eq!(clean(&format!("e{}", "\u{301}".repeat(500))).chars().count(), 1 + GRAPHEME_MARKS);
    assert_eq!(clean(&"👩\u{200D}".repeat(500)).chars().count(), GRAPHEME_CODE_POINTS);
    assert_eq!(clean("कार्त्स्न्य"), "कार्त्स्न्य", "five consonants are one syllable");
    assert_eq!(clean("𝗥𝗶𝘀𝗸 𝐀𝒛 𝟎𝟗\u{2800}x ﷽"), "Risk Az 09 x ﷽");
}

#[test]
fn whatever_unicode_calls_ignorable_or_a_format_is_hidden() {
    let invisible = pattern(r"^[\p{Default_Ignorable_Code_Point}\p{Cf}]$");
    // Joiners and variation selectors, and the signs that stand before or around a number and
    // are seen.
    let seen = pattern(r"^[\u{200D}\u{FE00}-\u{FE0F}\p{Prepended_Concatenation_Mark}]$");
    let missed: Vec<char> = ('\0'..=char::MAX)
        .filter(|c| {
            invisible.is_match(&c.to_string()) && !seen.is_match(&c.to_string()) && !is_hidden(*c)
        })
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn lines_are_few_and_none_of_them_are_empty_in_a_row() {
    assert_eq!(few_lines("a\n\n \n\nb", 9).text, "a\n\nb");
    assert_eq!(few_lines("a\nb\nc", 2), Cut { text: "a\nb".into(), whole: false });
    for cut in [
        escaped(&"x\n".repeat(400), 900),
        quotation(&"x\n".repeat(400), 900),
        code_block(&"x\n".repeat(400), "diff", 900),
    ] {
        assert!(cut.text.lines().count() <= MOST_CODE_LINES + 3 && !cut.whole, "{}", cut.text);
    }
}

#[test]
fn a_file_is_not_called_like_the_bots_own_and_has_no_folder() {
    for (given, shown) in [
        ("mockup.png", "mockup.png"),
        ("decision-1.md", "attached-decision-1.md"),
        ("../../etc/passwd", "..-..-etc-passwd"),
        ("invoice\u{202E}gnp.exe", "invoicegnp.exe"),
        ("\u{200B}", "attached-file"),
    ] {
        assert_eq!(file_name(given), shown);
    }
}

#[test]
fn json_says_the_same_without_hidden_characters() {
    let said = "a\u{202E}b\u{9b}31m\u{7f}\u{E0041}\n👩‍💻";
    let json = visible_json(&serde_json::to_string(said).unwrap());
    assert_eq!(json, r#""a\u202eb\u009b31m\u007f\udb40\udc41\n👩‍💻""#);
    assert_eq!(serde_json::from_str::<String>(&json).unwrap(), said);
}

#[test]
fn markdown_is_escaped_but_links_stay_whole() {
    assert_eq!(escaped("**Approved** by [Maya](x)", 100).text, r"\*\*Approved\*\* by \[Maya\](x)");
    assert_eq!(escaped("[\u{301}x]*\u{301}", 100).text, "\\[\u{301}x\\]\\*\u{301}");
    assert_eq!(
        escaped("see https://ci.example/a_b_c now_", 100).text,
        r"see https://ci.example/a_b_c now\_"
    );
    assert_eq!(
        escaped("[https://a.b](https://c.d)", 100).text,
        r"\[<https://a.b>\](<https://c.d>)"
    );
    assert_eq!(
        escaped("https://a.b@c.d/ https://a.b/@c", 100).text,
        "https:\u{2044}\u{2044}a.b@c.d/ https://a.b/@c"
    );
    assert_eq!(escaped("# big\n- x - y\n<@1>", 100).text, "\\# big\n\\- x - y\n\\<@1\\>");
}

#[test]
fn a_cut_never_splits_a_grapheme_or_an_escape() {
    for limit in 1..30 {
        let cut = escaped("**👩‍💻** e\u{301}e\u{301} https://a.b", limit);
        assert!(units(&cut.text) <= limit, "{limit}: {}", cut.text);
        assert!(
            !cut.text.trim_end_matches('…').ends_with('\\') || cut.text.ends_with("\\\\…"),
            "{}",
            cut.text
        );
    }
    assert_eq!(plain("abc", 3), Cut { text: "abc".into(), whole: true });
    assert_eq!(plain("abcd", 3), Cut { text: "ab…".into(), whole: false });
}

#[test]
fn a_fence_in_a_text_does_not_end_the_block() {
    assert_eq!(code_block("a\n```\n**b**", "diff", 100).text, "```diff\na\n'''\n**b**\n```");
    assert!(units(&code_block(&"x".repeat(100), "diff", 50).text) <= 50);
}

#[test]
fn a_quotation_marks_each_line_and_keeps_its_limit() {
    assert_eq!(quotation("a\n# b", 100).text, "> a\n> \\# b");
    let lines = quotation(&"x\n".repeat(1_000), 800);
    assert!(units(&lines.text) <= 800 && !lines.whole);
}

#[test]
fn a_link_is_live_only_if_it_is_nothing_else() {
    for url in ["https://ci.example/42", "http://a.b:8080/x_y?z=(1)".trim_end_matches("(1)")] {
        assert_eq!(live_link(url), Some(url));
    }
    for url in [
        "https://ci.example/\u{2800}**Approved**",
        "https://ci.example/[x](https://evil.example)",
        "https://ci.example/?password=Abcdef12345&x=y",
        "https://github.com@evil.example/login",
        "https://user:word@evil.example",
        "https://a.b/>*x*",
        "https://a.b/\u{202E}x",
        "https://a.b/`x`",
        "https://\u{444}.example/",
        "javascript:alert(1)",
        "https://a.b c",
    ] {
        assert_eq!(live_link(url), None, "{url}");
    }
}

#[test]
fn content_has_no_live_links_but_those_to_messages() {
    let own = "https://discord.com/channels/1/2/3";
    let dead = |url: &str| url.replace("://", ":\u{2044}\u{2044}");
    let evil = "https://evil.example/x";
    for (content, safe) in [
        (format!("see {own} now"), format!("see {own} now")),
        (format!("see {evil} and {own}"), format!("see {} and {own}", dead(evil))),
        ("HTTPS://EVIL.example".into(), dead("HTTPS://EVIL.example")),
        (
            "discord.gg/x DISCORD.com/invite/x https://discord.com/oauth2".into(),
            "discord.gg\u{2044}x DISCORD.com\u{2044}invite/x \
             https:\u{2044}\u{2044}discord.com\u{2044}oauth2"
                .into(),
        ),
        ("https://discord.com.evil.example/".into(), dead("https://discord.com.evil.example/")),
        // Discord links nothing in code, which shows what will run as it is.
        (format!("`curl {evil}` {evil}"), format!("`curl {evil}` {}", dead(evil))),
        (format!("```\n{evil}`\n```{evil}"), format!("```\n{evil}`\n```{}", dead(evil))),
        (format!("\\`{evil}\\`"), dead(&format!("\\`{evil}\\`"))),
        (format!("``{evil}` é"), dead(&format!("``{evil}` é"))),
    ] {
        assert_eq!(only_own_links(&content), safe);
    }
}
