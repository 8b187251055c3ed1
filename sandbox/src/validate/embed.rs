//! Rules for embeds.

use serde_json::Value;

use crate::refusal::Problems;

/// Embeds of a message.
const EMBEDS: usize = 10;
/// Fields of an embed.
const FIELDS: usize = 25;
/// Characters over all embeds of a message.
const TOTAL: usize = 6_000;

/// The parts of an embed that may not be longer than this many characters.
const PARTS: [(&[&str], usize); 4] = [
    (&["title"], 256),
    (&["description"], 4_096),
    (&["footer", "text"], 2_048),
    (&["author", "name"], 256),
];

/// Checks a list of embeds.
pub(super) fn check(list: &Value, path: &str, problems: &mut Problems) {
    if list.is_null() {
        return;
    }
    let Some(list) = list.as_array() else {
        let words = "Only iterables may be used in a ListType";
        return problems.add(path, "LIST_TYPE_CONVERT", words);
    };
    problems.count(path, list.len(), 0, EMBEDS);
    for (index, embed) in list.iter().enumerate() {
        one(embed, &format!("{path}.{index}"), problems);
    }
    if list.iter().map(size).sum::<usize>() > TOTAL {
        let words = format!("Embed size exceeds maximum size of {TOTAL}");
        problems.add(path, "MAX_EMBED_SIZE_EXCEEDED", words);
    }
}

/// Whether an embed shows nothing.
pub(super) fn is_blank(embed: &Value) -> bool {
    let shown = ["title", "description", "image", "thumbnail", "footer", "author", "fields"];
    shown.iter().all(|part| match &embed[*part] {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    })
}

fn one(embed: &Value, path: &str, problems: &mut Problems) {
    for (steps, most) in PARTS {
        let place = format!("{path}.{}", steps.join("."));
        problems.length(&place, reach(embed, steps), 0, most);
    }
    for part in ["footer.text", "author.name"] {
        let Some((holder, key)) = part.split_once('.') else {
            continue;
        };
        if embed[holder].is_object() && embed[holder][key].as_str().is_none_or(str::is_empty) {
            problems.required(&format!("{path}.{part}"));
        }
    }
    problems.within(&format!("{path}.color"), &embed["color"], 0, 0xff_ff_ff);
    let fields = embed["fields"].as_array();
    let fields = fields.map_or(&[][..], Vec::as_slice);
    problems.count(&format!("{path}.fields"), fields.len(), 0, FIELDS);
    for (index, field) in fields.iter().enumerate() {
        let path = format!("{path}.fields.{index}");
        problems.required_text(&format!("{path}.name"), &field["name"], 256);
        problems.required_text(&format!("{path}.value"), &field["value"], 1_024);
    }
    for address in [&["url"][..], &["image", "url"], &["thumbnail", "url"]] {
        check_address(reach(embed, address), &format!("{path}.{}", address.join(".")), problems);
    }
}

fn check_address(address: &Value, path: &str, problems: &mut Problems) {
    let Some(text) = address.as_str() else { return };
    let known = ["http://", "https://", "attachment://"];
    if !known.iter().any(|scheme| text.starts_with(scheme)) {
        let words = format!(
            "Scheme \"{}\" is not supported. Scheme must be one of ('http', 'https').",
            text.split(':').next().unwrap_or_default()
        );
        problems.add(path, "URL_TYPE_INVALID_SCHEME", words);
    }
}

fn reach<'a>(embed: &'a Value, steps: &[&str]) -> &'a Value {
    steps.iter().fold(embed, |value, step| &value[*step])
}

/// The characters of an embed that count towards the total.
fn size(embed: &Value) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let parts: usize = PARTS.iter().map(|(steps, _)| length(reach(embed, steps))).sum();
    let fields = embed["fields"].as_array().into_iter().flatten();
    let in_fields: usize =
        fields.map(|field| length(&field["name"]) + length(&field["value"])).sum();
    parts + in_fields
}
