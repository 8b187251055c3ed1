//! The store's folder and neighbouring files. Decisions are private: folders and files are
//! accessible to the owner only.

use std::fs::{DirBuilder, OpenOptions};
use std::path::{Path, PathBuf};

/// A path beside the store: the store's file name with this suffix.
#[must_use]
pub fn beside(store: &Path, end: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// The store's canonical path, with links resolved: the lock and the neighbouring files lie beside
/// the real file.
#[must_use]
pub fn resolved(store: &Path) -> PathBuf {
    let folder = |path: &Path| {
        folder_of(path).canonicalize().ok().and_then(|folder| Some(folder.join(path.file_name()?)))
    };
    store.canonicalize().ok().or_else(|| folder(store)).unwrap_or_else(|| store.to_owned())
}

/// Creates a folder and missing parents with mode 0700 (on Unix). Existing folders stay unchanged.
///
/// # Errors
/// I/O errors of the creation.
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

/// Open options with mode 0600 for created files (on Unix).
#[must_use]
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The parent folder; an empty path for a bare file name.
#[must_use]
pub fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or_else(|| Path::new(""))
}
