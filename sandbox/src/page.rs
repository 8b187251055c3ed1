//! The page's files, built into the program so that it needs nothing beside itself.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::refuse;

/// A table of file names and contents.
macro_rules! files {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../page/", $name)))),*]
    };
}

/// All files but the first page itself.
const FILES: &[(&str, &str)] = files![
    "acts.js",
    "announcer.js",
    "api.js",
    "app.js",
    "apps.js",
    "attachments.js",
    "bars.css",
    "bars.js",
    "code.js",
    "command.js",
    "components.css",
    "components.js",
    "composer.css",
    "composer.js",
    "dom.js",
    "embed.js",
    "emoji.js",
    "fields.js",
    "files.js",
    "form.css",
    "header.js",
    "layout.js",
    "location.js",
    "markdown.js",
    "markup.css",
    "media.css",
    "members.js",
    "message.css",
    "message.js",
    "modal.js",
    "model.js",
    "overlay.css",
    "overlay.js",
    "panes.css",
    "panes.js",
    "phone.css",
    "phone.js",
    "pins.js",
    "place.js",
    "reactions.js",
    "sidebar.js",
    "style.css",
    "suggest.js",
    "system.js",
    "theme.css",
    "theme.js",
    "threads.js",
    "time.js",
    "timeline.js",
    "toolbar.js",
    "unread.js",
];

/// GET `/`.
pub(crate) async fn index() -> Response {
    let page = include_str!("../page/index.html");
    typed("text/html; charset=utf-8", page)
}

/// GET `/page/{name}`.
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    let file = FILES.iter().find(|(known, _)| *known == name);
    match (file, name.rsplit_once('.')) {
        (Some((_, text)), Some((_, "js"))) => typed("text/javascript; charset=utf-8", text),
        (Some((_, text)), Some((_, "css"))) => typed("text/css; charset=utf-8", text),
        _ => refuse(StatusCode::NOT_FOUND, "there is no such file"),
    }
}

fn typed(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_built_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/page");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let served = name.ends_with(".js") || name.ends_with(".css");
            let known = FILES.iter().any(|(known, _)| *known == name);
            assert_eq!(served, known, "{name}");
        }
    }
}
