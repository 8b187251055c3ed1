//! The store's folder and the files beside it. Decisions are nobody else's business: all of it is
//! its owner's alone.

use std::fs::{DirBuilder, OpenOptions};
use std::path::{Path, PathBuf};

/// A path beside the store: its own name with this at the end.
#[must_use]
pub fn beside(store: &Path, end: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// The store's one true path, by whatever link it was named: its lock and its neighbours lie there.
#[must_use]
pub fn resolved(store: &Path) -> PathBuf {
    let folder = |path: &Path| {
        folder_of(path).canonicalize().ok().and_then(|folder| Some(folder.join(path.file_name()?)))
    };
    store.canonicalize().ok().or_else(|| folder(store)).unwrap_or_else(|| store.to_owned())
}

/// Makes a folder, and those above it, for its owner alone. One that is there stays as it is.
///
/// # Errors
/// The system's.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// How to open a file that is its owner's alone, if opening makes it.
#[must_use]
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The folder of a file.
#[must_use]
pub fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or_else(|| Path::new(""))
}
