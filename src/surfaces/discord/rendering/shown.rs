//! What the posted messages show, so that equal content is not sent twice.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use super::render::View;

/// Most messages remembered; then all are forgotten, which costs one edit for each at most.
const MOST: usize = 10_000;

/// A digest of a message's content. Files have none: they are read anew for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest(u64);

impl Digest {
    pub(super) fn of(view: &View) -> Option<Self> {
        if !view.files.is_empty() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        serde_json::to_string(&view.clone().edit()).ok()?.hash(&mut hasher);
        Some(Self(hasher.finish()))
    }
}

/// The content of messages, by their Discord ids, as far as this process knows.
#[derive(Debug, Default)]
pub(crate) struct ShownContent(Mutex<HashMap<String, Digest>>);

impl ShownContent {
    /// Whether the message is known to show this content.
    pub(super) fn is(&self, message: &str, digest: Option<Digest>) -> bool {
        digest.is_some() && self.all().get(message).copied() == digest
    }

    /// Remembers what the message shows; `None` forgets it.
    pub(super) fn put(&self, message: &str, digest: Option<Digest>) {
        let mut all = self.all();
        match digest {
            Some(digest) => {
                if all.len() >= MOST {
                    all.clear();
                }
                all.insert(message.to_owned(), digest);
            }
            None => drop(all.remove(message)),
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<String, Digest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saying(words: &str) -> View {
        View { content: words.into(), ..View::default() }
    }

    #[test]
    fn equal_content_is_known_until_it_is_forgotten() {
        let shown = ShownContent::default();
        let [one, other] = ["one", "other"].map(|words| Digest::of(&saying(words)));
        assert!(!shown.is("7", one), "nothing is known yet");
        shown.put("7", one);
        assert!(shown.is("7", one) && !shown.is("7", other) && !shown.is("8", one));
        shown.put("7", None);
        assert!(!shown.is("7", one) && !shown.is("7", None));
    }

    #[test]
    fn content_with_files_is_never_known() {
        let file = serenity::all::CreateAttachment::bytes(*b"x", "x.txt");
        let with_file = View { files: vec![file], ..saying("one") };
        assert_eq!(Digest::of(&with_file), None);
    }
}
