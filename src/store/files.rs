//! The store's folder and neighbouring files. Decisions are private: folders and files are
//! accessible to the owner only.

use std::fs::DirBuilder;
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
    store.canonicalize().unwrap_or_else(|_| in_resolved_folder(store))
}

/// The path with the links of its folder resolved, but not of the file itself.
#[must_use]
pub fn in_resolved_folder(file: &Path) -> PathBuf {
    let folder = Some(folder_of(file)).filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new(".")).canonicalize().ok();
    folder
        .and_then(|folder| Some(folder.join(file.file_name()?)))
        .unwrap_or_else(|| file.to_owned())
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

/// The parent folder; an empty path for a bare file name.
#[must_use]
pub fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or_else(|| Path::new(""))
}
