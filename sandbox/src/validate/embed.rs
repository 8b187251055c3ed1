//! Rules for embeds.

use serde_json::Value;

use super::address::Schemes;
use super::form::{Field, Length, Rule, characters, fields, list, optional, required};
use crate::refusal::Problems;

/// Embeds of a message.
const EMBEDS: usize = 10;
/// Characters over all embeds of a message.
const TOTAL: usize = 6_000;
/// Characters of an address.
const ADDRESS: Length = Length::UpTo(2_048);

const PAGE: Rule = Rule::Address(Schemes::Web, ADDRESS);
const PICTURE: Rule = Rule::Address(Schemes::Media, ADDRESS);

/// An embed (Discord's documentation, "Embed Limits"). An author needs no name and a footer no
/// text.
const EMBED: &[Field] = &[
    optional("title", Rule::Text(Length::UpTo(256))),
    optional("description", Rule::Text(Length::UpTo(4_096))),
    optional("url", PAGE),
    optional("timestamp", Rule::Time),
    optional("color", Rule::Int(0, 0xff_ff_ff)),
    optional("footer", Rule::Object(FOOTER)),
    optional("image", Rule::Object(MEDIA)),
    optional("thumbnail", Rule::Object(MEDIA)),
    optional("author", Rule::Object(AUTHOR)),
    optional("fields", Rule::List(&Rule::Object(FIELD), Length::UpTo(25))),
];
const FOOTER: &[Field] =
    &[optional("text", Rule::Text(Length::UpTo(2_048))), optional("icon_url", PICTURE)];
const MEDIA: &[Field] = &[optional("url", PICTURE)];
const AUTHOR: &[Field] = &[
    optional("name", Rule::Text(Length::UpTo(256))),
    optional("url", PAGE),
    optional("icon_url", PICTURE),
];
const FIELD: &[Field] = &[
    required("name", Rule::Text(Length::Filled(256))),
    required("value", Rule::Text(Length::Filled(1_024))),
    optional("inline", Rule::Bool),
];

/// Checks a list of embeds.
pub(super) fn check(value: &Value, path: &str, problems: &mut Problems) {
    let embeds = list(value, path, problems);
    Length::UpTo(EMBEDS).check(embeds.len(), path, problems);
    for (index, embed) in embeds.iter().enumerate() {
        fields(embed, &format!("{path}.{index}"), EMBED, problems);
    }
    if embeds.iter().map(size).sum::<usize>() > TOTAL {
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
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    })
}

/// The characters of an embed that count towards the total.
fn size(embed: &Value) -> usize {
    let parts = [&embed["title"], &embed["description"], &embed["footer"]["text"]];
    let parts: usize = parts.into_iter().chain([&embed["author"]["name"]]).map(characters).sum();
    let fields = embed["fields"].as_array().into_iter().flatten();
    let in_fields = fields.map(|field| characters(&field["name"]) + characters(&field["value"]));
    parts + in_fields.sum::<usize>()
}
