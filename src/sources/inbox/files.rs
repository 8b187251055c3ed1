//! The drop folder's files: listing, reading within limits, moving, and writing without exposing
//! half-written files.
//!
//! Agents can put anything here, and exchange it at any moment. Every file is therefore opened
//! within the opened folder, where no name may be a link ([`crate::disk`]): a link, pipe or folder
//! in place of a question is refused and never followed. Every write creates a new file and renames
//! it into place. Blocks. Does not depend on decisions.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use gander_client::types::VerdictFile;

use super::schema;
use crate::core::decision::Attachment;
use crate::core::untrusted::clean;
use crate::disk::{self, FileError, FileFacts, Flush, Folder, is_absence};
use crate::engine::approvals::attachments::{self, AttachError};
use crate::engine::files::private_folder;

/// Folder for questions.
pub(super) const INBOX: &str = "inbox";
/// Folder for verdicts.
pub(super) const VERDICTS: &str = "verdicts";
/// Folder for refused files.
const REFUSED: &str = "refused";
/// Folder for agents' reports.
pub(super) const OUTCOMES: &str = "outcomes";

/// Size limit in bytes. Larger than any accepted question, however its text is escaped.
const LONGEST_FILE: u64 = 8 << 20;
/// Longest file name in bytes, to leave room for the prefix and suffixes of hidden files.
const LONGEST_NAME: usize = 120;
/// Suffix of a question whose verdict is being delivered.
const TAKEN: &str = ".taken";
/// Suffix of a verdict about to be delivered.
const INTENT: &str = ".intent";
/// Suffix of a file being written.
const HALF: &str = ".half";

/// A drop folder on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spool {
    /// The path, with the links resolved that were there at the start. A later link is not
    /// followed.
    pub(super) root: PathBuf,
    /// The store's file: attachments are kept beside it.
    pub(super) store: PathBuf,
}

/// The name of a dropped file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// A name usable as an identity: `deploy-7.json`.
    Plain(String),
    /// An invalid name, with the reason.
    Odd(OsString, &'static str),
}

/// The content at a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FileContent {
    /// A file's bytes.
    Bytes(Vec<u8>),
    /// Certainly no file.
    Gone,
    /// Unreadable for now; a later scan may succeed.
    Unreadable(String),
    /// Never a valid question.
    NoFile(String),
}

/// The result of moving a question out of the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// Moved.
    Taken,
    /// The file was already gone.
    Gone,
    /// The content changed since it was read; the file stays in the inbox.
    Changed,
}

/// Reads a file.
pub(super) fn read(folder: &Folder, name: &str) -> FileContent {
    match folder.read(Path::new(name), LONGEST_FILE) {
        Ok(bytes) => FileContent::Bytes(bytes),
        Err(error) if error.is_absence() => FileContent::Gone,
        Err(FileError::TooLong(limit)) => FileContent::NoFile(format!(
            "it has more than {limit} bytes: attach long content as a file"
        )),
        // The second name may be the one under which the file was written.
        Err(error @ (FileError::System(_) | FileError::SeveralNames)) => {
            FileContent::Unreadable(format!("it cannot be read: {error}"))
        }
        Err(error) => FileContent::NoFile(error.to_string()),
    }
}

impl Name {
    /// Classifies a file name. `None` for files that are not questions: hidden files, half-written
    /// files and notes.
    fn of(name: &OsStr) -> Option<Self> {
        let odd = |why| Some(Self::Odd(name.to_owned(), why));
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b".") || !bytes.ends_with(b".json") {
            return None;
        }
        let Some(text) = name.to_str() else { return odd("its name is not UTF-8 text") };
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return odd("its name has characters other than the letters a to z, digits, - _ and .");
        }
        if text.len() > LONGEST_NAME {
            return odd("its name is longer than 120 bytes");
        }
        Some(Self::Plain(text.to_owned()))
    }

    fn as_os_str(&self) -> &OsStr {
        match self {
            Self::Plain(name) => OsStr::new(name),
            Self::Odd(name, _) => name,
        }
    }
}

/// The name of a hidden file about this question.
fn hidden(name: &str, end: &str) -> PathBuf {
    PathBuf::from(format!(".{name}{end}"))
}

impl Spool {
    /// The spool at a configured path, which need not exist yet.
    pub(super) fn of(path: &Path, store: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self { root: disk::resolve(&absolute), store: store.to_owned() }
    }

    /// Creates missing folders, accessible only to their owner. Existing folders stay unchanged.
    pub(super) fn make(&self) -> io::Result<()> {
        private_folder(&self.root)?;
        let root = self.root()?;
        for folder in [INBOX, VERDICTS, REFUSED, OUTCOMES] {
            root.make_folder(Path::new(folder))?;
        }
        Ok(())
    }

    fn root(&self) -> io::Result<Folder> {
        let opened = Folder::open_resolved(&self.root);
        opened.map_err(|error| match error {
            FileError::Link => io::Error::other("the folder, or one above it, is a link now"),
            other => other.into(),
        })
    }

    /// Opens one of the folders.
    pub(super) fn open(&self, folder: &str) -> io::Result<Folder> {
        let opened = self.root()?.folder(Path::new(folder));
        opened.map_err(|error| match error {
            FileError::Link => io::Error::other(format!("{folder} is a link: put a folder there")),
            other => other.into(),
        })
    }

    /// The path of a file, for messages.
    pub(super) fn path(&self, folder: &str, name: &str) -> PathBuf {
        self.root.join(folder).join(name)
    }

    /// Recovers from a crash: moves taken questions back, removes half-written files, and returns
    /// the undelivered verdicts as file name and decision number.
    pub(super) fn recover(&self) -> io::Result<Vec<(String, i64)>> {
        let (inbox, verdicts) = (self.open(INBOX)?, self.open(VERDICTS)?);
        for taken in hidden_names(&inbox, TAKEN)? {
            put_back(&inbox, &taken)?;
        }
        for half in hidden_names(&verdicts, HALF)? {
            verdicts.remove(&hidden(&half, HALF))?;
        }
        let mut untold = Vec::new();
        for name in list(&verdicts)? {
            if let Name::Plain(name) = name
                && let Some(told) = told(&verdicts, &name)
                && told.state.is_open()
            {
                untold.extend(told.id.map(|id| (name, id)));
            }
        }
        for name in hidden_names(&verdicts, INTENT)? {
            match told(&verdicts, &format!(".{name}{INTENT}")).and_then(|told| told.id) {
                Some(id) => untold.push((name, id)),
                // The note is incomplete, so the crash came before any later step.
                None => verdicts.remove(&hidden(&name, INTENT))?,
            }
        }
        Ok(untold)
    }

    /// Writes the question's state to the verdict file. Returns whether the content changed.
    pub(super) fn tell(&self, name: &str, said: &VerdictFile) -> io::Result<bool> {
        let (verdicts, text) = (self.open(VERDICTS)?, schema::text_of(said));
        if matches!(read(&verdicts, name), FileContent::Bytes(bytes) if bytes == text.as_bytes()) {
            return Ok(false);
        }
        write(&verdicts, name, &text, Path::new(name))?;
        verdicts.remove_if_there(&hidden(name, INTENT))?;
        Ok(true)
    }

    /// Writes the intent to deliver a verdict. Until delivery, the same question is not asked anew.
    pub(super) fn write_intent(&self, name: &str, said: &VerdictFile) -> io::Result<()> {
        write(&self.open(VERDICTS)?, name, &schema::text_of(said), &hidden(name, INTENT))
    }

    pub(super) fn forget_intent(&self, name: &str) -> io::Result<()> {
        self.open(VERDICTS)?.remove_if_there(&hidden(name, INTENT))
    }

    /// Moves the question out of the inbox, if the content is still `read_before`.
    pub(super) fn take(&self, name: &str, read_before: &[u8]) -> io::Result<Take> {
        let (inbox, taken) = (self.open(INBOX)?, hidden(name, TAKEN));
        match inbox.rename(Path::new(name), &inbox, &taken) {
            Err(error) if is_absence(&error) => return Ok(Take::Gone),
            renamed => renamed?,
        }
        let read = read(&inbox, &format!(".{name}{TAKEN}"));
        if matches!(read, FileContent::Bytes(bytes) if bytes == read_before) {
            return Ok(Take::Taken);
        }
        put_back(&inbox, name).map(|()| Take::Changed)
    }

    /// Moves a taken question back, unless a newer file has the name.
    pub(super) fn put_back(&self, name: &str) -> io::Result<()> {
        put_back(&self.open(INBOX)?, name)
    }

    /// Publishes the noted verdict. From here on, the same file is a new question.
    pub(super) fn publish_intent(&self, name: &str) -> io::Result<()> {
        let (inbox, verdicts) = (self.open(INBOX)?, self.open(VERDICTS)?);
        inbox.remove_if_there(&hidden(name, TAKEN))?;
        // So that a power cut does not bring back a question whose verdict is published.
        inbox.sync();
        verdicts.rename(&hidden(name, INTENT), &verdicts, Path::new(name))
    }

    /// Removes a report that was filed.
    pub(super) fn remove_report(&self, name: &str) -> io::Result<()> {
        self.open(OUTCOMES)?.remove(Path::new(name))
    }

    /// Moves an invalid file to `refused/`, with the reason in a text file beside it.
    pub(super) fn refuse(&self, folder: &str, name: &Name, why: &str) -> io::Result<()> {
        let name = name.as_os_str();
        let text = format!(
            "{}/{} was rejected.\n\
             \n\
             {}\n\
             \n\
             Correct the file and put it there again. Its format: gander schema {folder}\n",
            folder,
            clean(&name.to_string_lossy()),
            clean(why)
        );
        let (from, refused) = (self.open(folder)?, self.open(REFUSED)?);
        let mut failed = None;
        // A folder at the target cannot be replaced, so further names are tried.
        for number in 0..10 {
            let mut target = PathBuf::from(name);
            if number > 0 {
                target.set_extension(format!("{number}.json"));
            }
            let words = target.with_extension("txt");
            let moved = write(&refused, "refusal", &text, &words)
                .and_then(|()| from.rename(Path::new(name), &refused, &target));
            match moved {
                Ok(()) => return Ok(()),
                Err(error) if is_absence(&error) => return Ok(()),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Reads a question's attachments and keeps copies beside the store.
    ///
    /// # Errors
    /// The first invalid attachment, as text.
    pub(super) fn attach(&self, paths: &[String]) -> Result<Vec<Attachment>, String> {
        let mut kept = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let wrong = |what: String| format!("attachments[{index}]: {path:?} {what}");
            if Path::new(path).is_absolute() {
                return Err(wrong(
                    "is absolute: give a path relative to the drop folder, \
                     such as \"files/shot.png\""
                        .into(),
                ));
            }
            let root = self.root().map_err(|error| wrong(format!("cannot be read: {error}")))?;
            let copied = attachments::keep_within(&self.store, &root, Path::new(path));
            kept.push(copied.map_err(|error| {
                match error {
                AttachError::Unfit { why: FileError::Outside, .. } => {
                    wrong("is outside the drop folder: copy the file into the folder".into())
                }
                AttachError::Unfit { why: FileError::Link, .. } => wrong(
                    "is a link, or leads through one: put a copy of the file into the drop folder"
                        .into(),
                ),
                AttachError::Failed { why, .. } => wrong(format!("cannot be read: {why}")),
                other => other.to_string(),
            }
            })?);
        }
        Ok(kept)
    }

    /// The facts of a question's attachments; `None` for a missing file.
    pub(super) fn facts(&self, paths: &[String]) -> Vec<Option<FileFacts>> {
        let root = self.root().ok();
        let facts = |path: &String| root.as_ref()?.facts(Path::new(path)).ok();
        paths.iter().map(facts).collect()
    }
}

/// Names of the files dropped into a folder, sorted.
pub(super) fn list(folder: &Folder) -> io::Result<Vec<Name>> {
    let mut names: Vec<Name> =
        folder.names()?.iter().filter_map(|name| Name::of(name.as_os_str())).collect();
    names.sort();
    Ok(names)
}

fn hidden_names(folder: &Folder, end: &str) -> io::Result<Vec<String>> {
    let bare = |name: &OsString| Some(name.to_str()?.strip_prefix('.')?.strip_suffix(end)?.into());
    Ok(folder.names()?.iter().filter_map(bare).collect())
}

fn told(verdicts: &Folder, name: &str) -> Option<VerdictFile> {
    let FileContent::Bytes(bytes) = read(verdicts, name) else { return None };
    serde_json::from_slice(&bytes).ok()
}

/// Writes a file atomically, accessible only to its owner. A link or another file placed at the
/// temporary name beforehand is not written through.
fn write(folder: &Folder, name: &str, text: &str, target: &Path) -> io::Result<()> {
    folder.replace_by(target, &hidden(name, HALF), text.as_bytes(), Flush::Now)
}

/// Moves a taken question back, unless a newer file has the name.
fn put_back(inbox: &Folder, name: &str) -> io::Result<()> {
    let (taken, there) = (hidden(name, TAKEN), Path::new(name));
    match inbox.hard_link(&taken, inbox, there) {
        Err(error) if is_absence(&error) => return Ok(()),
        // The disk may lack hard links. The name is free, so a rename replaces no file.
        Err(error) if error.kind() != ErrorKind::AlreadyExists && inbox.facts(there).is_err() => {
            return inbox.rename(&taken, inbox, there);
        }
        _ => {}
    }
    inbox.remove(&taken)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn spool() -> (tempfile::TempDir, Spool) {
        let temporary = tempfile::tempdir().unwrap();
        let spool = Spool::of(&temporary.path().join("drop"), &temporary.path().join("gander.db"));
        spool.make().unwrap();
        (temporary, spool)
    }

    #[test]
    fn a_question_that_changed_since_it_was_read_is_not_taken() {
        let (_temporary, spool) = spool();
        let path = spool.path(INBOX, "a.json");
        fs::write(&path, "new").unwrap();
        assert_eq!(spool.take("a.json", b"old").unwrap(), Take::Changed);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(spool.take("a.json", b"new").unwrap(), Take::Taken);
        assert!(!path.exists());
        assert_eq!(spool.take("a.json", b"new").unwrap(), Take::Gone);
        spool.put_back("a.json").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        spool.put_back("a.json").unwrap();
    }

    #[test]
    fn what_is_put_back_does_not_replace_what_is_newer() {
        let (_temporary, spool) = spool();
        let path = spool.path(INBOX, "a.json");
        fs::write(&path, "old").unwrap();
        spool.take("a.json", b"old").unwrap();
        fs::write(&path, "new").unwrap();
        spool.put_back("a.json").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(hidden_names(&spool.open(INBOX).unwrap(), TAKEN).unwrap(), [""; 0]);
    }
}
