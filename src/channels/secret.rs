//! Secrets from the environment or from a file named in the configuration. A secret never appears
//! in the configuration, a log or an error.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::disk;

/// Validates a secret. `place` names the source in error texts.
///
/// # Errors
/// As text: the secret is empty or has characters that no secret has.
pub(crate) fn validated_secret(text: &str, place: &str) -> Result<SecretString, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("the secret in {place} is empty"));
    }
    // A character not allowed in an HTTP header would make every request fail.
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(format!(
            "the secret in {place} contains spaces or invalid characters: copy it again"
        ));
    }
    Ok(text.into())
}

/// The source of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFrom {
    /// The file named in the configuration; has priority over the environment.
    pub file: Option<PathBuf>,
    /// The environment variable; the same name with `_FILE` appended names a file.
    pub variable: &'static str,
}

impl SecretFrom {
    /// The secret's file, if the secret comes from a file.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        let in_the_environment =
            || std::env::var(self.variable).is_ok_and(|text| !text.trim().is_empty());
        let named = || {
            std::env::var_os(format!("{}_FILE", self.variable))
                .filter(|_| !in_the_environment())
                .map(PathBuf::from)
        };
        self.file.clone().or_else(named)
    }

    /// Reads the secret; `None` if not set.
    ///
    /// # Errors
    /// As text: an unreadable file, or characters that no secret has.
    pub fn read(&self) -> Result<Option<SecretString>, String> {
        let (place, text) = match self.path() {
            Some(file) => {
                let read = disk::read_own_text(&file, disk::LONGEST_SECRET);
                (
                    file.display().to_string(),
                    read.map_err(|error| {
                        format!("the secret's file {} cannot be read: {error}", file.display())
                    })?,
                )
            }
            None => match std::env::var(self.variable) {
                Ok(text) if !text.trim().is_empty() => (self.variable.to_owned(), text),
                _ => return Ok(None),
            },
        };
        validated_secret(&text, &place).map(Some)
    }

    /// Like [`SecretFrom::read`], for a required secret. `setting` is the configuration key for the
    /// secret's file.
    ///
    /// # Errors
    /// As text, with the places to set the secret.
    pub fn demand(&self, what: &str, setting: &str) -> Result<SecretString, String> {
        let missing = || {
            format!(
                "the {what} is missing: set {}, or set {setting} in gander.toml to a file that \
                 contains it",
                self.variable
            )
        };
        self.read()?.ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_is_read_from_its_file_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let from = SecretFrom { file: Some(file.clone()), variable: "GANDER_TEST_NO_SUCH" };
        assert!(from.read().unwrap_err().contains("cannot be read"));
        std::fs::write(&file, "tk_geheim\n").unwrap();
        let secret = from.read().unwrap().unwrap();
        assert_eq!(secret.expose_secret(), "tk_geheim");
        assert!(!format!("{secret:?}").contains("geheim"));
        for bad in ["", "two words", "zwölf"] {
            std::fs::write(&file, bad).unwrap();
            let said = from.read().unwrap_err();
            assert!(bad.is_empty() || !said.contains(bad), "{said}");
        }
        let nowhere = SecretFrom { file: None, ..from };
        assert!(nowhere.read().unwrap().is_none());
        let said = nowhere.demand("access token", "[ntfy] token_file").unwrap_err();
        assert_eq!(
            said,
            "the access token is missing: set GANDER_TEST_NO_SUCH, or set [ntfy] token_file in \
             gander.toml to a file that contains it"
        );
    }
}
