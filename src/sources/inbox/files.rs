//! The drop folder's files: listing, reading within limits, moving, and writing without exposing
//! half-written files.
//!
//! Agents can put anything here, so a link, pipe or folder in place of a question is refused and
//! never followed. Every write creates a new file and renames it into place. Blocks. Does not
//! depend on decisions.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gander_client::types::VerdictFile;

use super::schema;
use crate::core::decision::Attachment;
use crate::core::untrusted::clean;
use crate::engine::approvals::attachments;
use crate::engine::files::{private_file, private_folder};

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
    /// The path, without links.
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

/// Detects a changed file without reading it: length, modification time, inode.
pub(super) type Fingerprint = (u64, Option<SystemTime>, u64);

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

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The file's print, and the problem if the path is not a regular file. Does not follow links.
pub(super) fn fingerprint(path: &Path) -> io::Result<(Fingerprint, Option<&'static str>)> {
    let metadata = fs::symlink_metadata(path)?;
    let nature = match metadata.file_type() {
        kind if kind.is_file() => None,
        kind if kind.is_symlink() => Some("it is a link: put a regular file there"),
        kind if kind.is_dir() => Some("this is a folder: put a file there"),
        _ => Some("it is not a regular file"),
    };
    Ok((print_of(&metadata), nature))
}

fn print_of(metadata: &Metadata) -> Fingerprint {
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let inode = 0;
    (metadata.len(), metadata.modified().ok(), inode)
}

/// Reads a file.
pub(super) fn read(path: &Path) -> FileContent {
    match try_read(path) {
        Ok(content) => content,
        Err(error) if is_absence(&error) => FileContent::Gone,
        Err(error) => FileContent::Unreadable(format!("it cannot be read: {error}")),
    }
}

fn try_read(path: &Path) -> io::Result<FileContent> {
    // Check before opening: opening a pipe waits for its writer, perhaps for ever.
    let (before, nature) = fingerprint(path)?;
    if let Some(nature) = nature {
        return Ok(FileContent::NoFile(nature.into()));
    }
    let file = File::open(path)?;
    // Check again after opening: the opened file must be the checked file, not a link put in its
    // place.
    if print_of(&file.metadata()?).2 != before.2 {
        return Ok(FileContent::Unreadable("it was replaced while being read".into()));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Ok(FileContent::NoFile(format!(
            "it has more than {LONGEST_FILE} bytes: attach long content as a file"
        )));
    }
    Ok(FileContent::Bytes(bytes))
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

impl Spool {
    /// The spool at a configured path, which need not exist yet.
    pub(super) fn of(path: &Path, store: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let root = fs::canonicalize(&absolute).unwrap_or(absolute);
        Self { root, store: store.to_owned() }
    }

    /// Creates missing folders, accessible only to their owner. Existing folders stay unchanged.
    pub(super) fn make(&mut self) -> io::Result<()> {
        for folder in [INBOX, VERDICTS, REFUSED, OUTCOMES] {
            private_folder(&self.root.join(folder))?;
        }
        self.root = fs::canonicalize(&self.root)?;
        Ok(())
    }

    pub(super) fn folder(&self, folder: &str) -> PathBuf {
        self.root.join(folder)
    }

    pub(super) fn path(&self, folder: &str, name: &str) -> PathBuf {
        self.root.join(folder).join(name)
    }

    fn hidden(&self, folder: &str, name: &str, end: &str) -> PathBuf {
        self.root.join(folder).join(format!(".{name}{end}"))
    }

    /// Names of the files dropped into a folder, sorted.
    pub(super) fn list(&self, folder: &str) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder(folder))? {
            names.extend(Name::of(&entry?.file_name()));
        }
        names.sort();
        Ok(names)
    }

    /// Recovers from a crash: moves taken questions back, removes half-written files, and returns
    /// the undelivered verdicts as file name and decision number.
    pub(super) fn recover(&self) -> io::Result<Vec<(String, i64)>> {
        for taken in self.hidden_names(INBOX, TAKEN)? {
            self.put_back(&taken)?;
        }
        for half in self.hidden_names(VERDICTS, HALF)? {
            fs::remove_file(self.hidden(VERDICTS, &half, HALF))?;
        }
        let mut untold = Vec::new();
        for name in self.list(VERDICTS)? {
            if let Name::Plain(name) = name
                && let Some(told) = self.told(&self.path(VERDICTS, &name))
                && told.state.is_open()
            {
                untold.extend(told.id.map(|id| (name, id)));
            }
        }
        for name in self.hidden_names(VERDICTS, INTENT)? {
            match self.told(&self.hidden(VERDICTS, &name, INTENT)).and_then(|told| told.id) {
                Some(id) => untold.push((name, id)),
                // The note is incomplete, so the crash came before any later step.
                None => fs::remove_file(self.hidden(VERDICTS, &name, INTENT))?,
            }
        }
        Ok(untold)
    }

    fn told(&self, path: &Path) -> Option<VerdictFile> {
        let FileContent::Bytes(bytes) = read(path) else { return None };
        serde_json::from_slice(&bytes).ok()
    }

    fn hidden_names(&self, folder: &str, end: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder(folder))? {
            let name = entry?.file_name();
            names.extend(
                name.to_str()
                    .and_then(|name| name.strip_prefix('.')?.strip_suffix(end))
                    .map(ToOwned::to_owned),
            );
        }
        Ok(names)
    }

    /// Writes a file atomically, accessible only to its owner.
    fn write(&self, folder: &str, name: &str, text: &str, target: &Path) -> io::Result<()> {
        let half = self.hidden(folder, name, HALF);
        match fs::remove_file(&half) {
            Err(error) if !is_absence(&error) => return Err(error),
            _ => {}
        }
        // `create_new`, so that a link or another file placed here beforehand is not written
        // through.
        let mut file = private_file().write(true).create_new(true).open(&half)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&half, target))
            .inspect_err(|_| {
                // Best effort: the next write of this name also removes the file.
                let _ = fs::remove_file(&half);
            })
    }

    /// Writes the question's state to the verdict file. Returns whether the content changed.
    pub(super) fn tell(&self, name: &str, said: &VerdictFile) -> io::Result<bool> {
        let (path, text) = (self.path(VERDICTS, name), schema::text_of(said));
        if matches!(read(&path), FileContent::Bytes(bytes) if bytes == text.as_bytes()) {
            return Ok(false);
        }
        self.write(VERDICTS, name, &text, &path)?;
        self.forget_intent(name)?;
        Ok(true)
    }

    /// Writes the intent to deliver a verdict. Until delivery, the same question is not asked anew.
    pub(super) fn write_intent(&self, name: &str, said: &VerdictFile) -> io::Result<()> {
        self.write(VERDICTS, name, &schema::text_of(said), &self.hidden(VERDICTS, name, INTENT))
    }

    pub(super) fn forget_intent(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.hidden(VERDICTS, name, INTENT)) {
            Err(error) if !is_absence(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Moves the question out of the inbox, if the content is still `read_before`.
    pub(super) fn take(&self, name: &str, read_before: &[u8]) -> io::Result<Take> {
        let taken = self.hidden(INBOX, name, TAKEN);
        match fs::rename(self.path(INBOX, name), &taken) {
            Err(error) if is_absence(&error) => return Ok(Take::Gone),
            renamed => renamed?,
        }
        if matches!(read(&taken), FileContent::Bytes(bytes) if bytes == read_before) {
            return Ok(Take::Taken);
        }
        self.put_back(name).map(|()| Take::Changed)
    }

    /// Moves a taken question back, unless a newer file has the name.
    pub(super) fn put_back(&self, name: &str) -> io::Result<()> {
        let (taken, there) = (self.hidden(INBOX, name, TAKEN), self.path(INBOX, name));
        match fs::hard_link(&taken, &there) {
            Err(error) if is_absence(&error) => return Ok(()),
            // The disk may lack hard links. The name is free, so a rename replaces no file.
            Err(error)
                if error.kind() != ErrorKind::AlreadyExists
                    && fs::symlink_metadata(&there).is_err() =>
            {
                return fs::rename(&taken, &there);
            }
            _ => {}
        }
        fs::remove_file(&taken)
    }

    /// Publishes the noted verdict. From here on, the same file is a new question.
    pub(super) fn publish_intent(&self, name: &str) -> io::Result<()> {
        let taken = fs::remove_file(self.hidden(INBOX, name, TAKEN));
        taken.or_else(|error| if is_absence(&error) { Ok(()) } else { Err(error) })?;
        self.sync(INBOX);
        fs::rename(self.hidden(VERDICTS, name, INTENT), self.path(VERDICTS, name))
    }

    /// Flushes a folder, so that a power cut does not bring back a question whose verdict is
    /// published.
    fn sync(&self, folder: &str) {
        // A system that cannot flush a folder decides the order by itself.
        let _ = File::open(self.folder(folder)).and_then(|folder| folder.sync_all());
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
        let mut failed = None;
        // A folder at the target cannot be replaced, so further names are tried.
        for number in 0..10 {
            let mut target = self.folder(REFUSED).join(name);
            if number > 0 {
                target.set_extension(format!("{number}.json"));
            }
            let words = target.with_extension("txt");
            let moved = self
                .write(REFUSED, "refusal", &text, &words)
                .and_then(|()| fs::rename(self.folder(folder).join(name), &target));
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
            let real = fs::canonicalize(self.root.join(path))
                .map_err(|error| wrong(format!("cannot be read: {error}")))?;
            if !real.starts_with(&self.root) {
                return Err(wrong(
                    "is outside the drop folder: copy the file into the folder".into(),
                ));
            }
            kept.push(attachments::keep(&self.store, &real).map_err(|error| error.to_string())?);
        }
        Ok(kept)
    }

    /// The prints of a question's attachments; `None` for a missing file.
    pub(super) fn prints(&self, paths: &[String]) -> Vec<Option<Fingerprint>> {
        paths
            .iter()
            .map(|path| fs::metadata(self.root.join(path)).ok().as_ref().map(print_of))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool() -> (tempfile::TempDir, Spool) {
        let temporary = tempfile::tempdir().unwrap();
        let mut spool =
            Spool::of(&temporary.path().join("drop"), &temporary.path().join("gander.db"));
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
        assert_eq!(spool.hidden_names(INBOX, TAKEN).unwrap(), [""; 0]);
    }
}
