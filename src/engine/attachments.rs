//! Keeps a question's files beside the store, so that they can be posted after the agent has cleaned up.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::core::decision::Attachment;

/// The largest file that Discord takes from a bot without boosts: 10 MiB.
pub const LARGEST: u64 = 10 << 20;

/// Why a file was not taken, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// It cannot be read, or not be kept.
    #[error("the attachment {}: {why}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: std::io::Error,
    },
    /// Discord would refuse it.
    #[error("the attachment {} has {size} bytes; Discord takes at most {LARGEST}. Make it smaller, or name a link to it", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
}

/// Copies a file into the folder beside the store, under its content's hash: the same file is kept once.
///
/// # Errors
/// [`AttachError`].
pub fn keep(store: &Path, path: &Path) -> Result<Attachment, AttachError> {
    let failed = |why| AttachError::Failed { path: path.to_owned(), why };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST {
        return Err(AttachError::TooLarge { path: path.to_owned(), size });
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let mut folder = store.as_os_str().to_owned();
    folder.push(".files");
    let folder = std::path::absolute(PathBuf::from(folder)).map_err(failed)?;
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let digest = Sha256::digest(&bytes);
    let hash: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let kept = folder.join(&hash);
    if !kept.exists() {
        // Written beside and renamed, so that no half of it is ever posted.
        let half = folder.join(format!("{hash}.{}", std::process::id()));
        std::fs::write(&half, &bytes).and_then(|()| std::fs::rename(&half, &kept)).map_err(failed)?;
    }
    let name = path.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy().into_owned());
    Ok(Attachment { name, path: kept })
}
