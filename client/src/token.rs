//! The token: given by the caller, or read from a file or the environment.
//!
//! No log and no error shows a token.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use reqwest::header::HeaderValue;

use crate::Error;

/// The environment variable with the token. The same name with `_FILE` appended names a file.
const VARIABLE: &str = "GANDER_TOKEN";

/// A token, as the `Authorization` header of requests. `Debug` prints no part of the value.
#[derive(Clone)]
pub(crate) struct Token(HeaderValue);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl Token {
    /// Validates a token. `source` names the token's source in error texts.
    ///
    /// # Errors
    /// [`Error::Settings`]: the text is empty or has characters that no token has.
    pub(crate) fn new(token: &str, source: &str) -> Result<Self, Error> {
        let token = token.trim();
        if token.is_empty() {
            return Err(Error::Settings(format!("the secret in {source} is empty")));
        }
        let unusable = || {
            Error::Settings(format!(
                "the secret in {source} contains spaces or invalid characters: copy it again"
            ))
        };
        if !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(unusable());
        }
        let mut header =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| unusable())?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// Reads the token from `file`, else from the environment; `None` if not set.
    ///
    /// # Errors
    /// [`Error::Settings`]: the file cannot be read, or as [`Token::new`].
    pub(crate) fn from_file_or_environment(file: Option<PathBuf>) -> Result<Option<Self>, Error> {
        let given = std::env::var(VARIABLE).ok().filter(|token| !token.trim().is_empty());
        let (source, token) = match (file, given) {
            (Some(file), _) => read(file)?,
            (None, Some(token)) => (VARIABLE.to_owned(), token),
            (None, None) => match std::env::var_os(format!("{VARIABLE}_FILE")) {
                Some(file) => read(file.into())?,
                None => return Ok(None),
            },
        };
        Self::new(&token, &source).map(Some)
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// The file's name and content.
fn read(file: PathBuf) -> Result<(String, String), Error> {
    let source = file.display().to_string();
    match read_regular(&file) {
        Ok(token) => Ok((source, token)),
        Err(error) => {
            Err(Error::Settings(format!("the secret's file {source} cannot be read: {error}")))
        }
    }
}

/// Size limit of the file in bytes. A token has less than 100.
const LONGEST: u64 = 64 << 10;

/// Reads a regular file, without waiting for the writer of a pipe.
fn read_regular(file: &Path) -> io::Result<String> {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        options.read(true),
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let opened = options.read(true).open(file)?;
    if !opened.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    if opened.take(LONGEST + 1).read_to_string(&mut text)? as u64 > LONGEST {
        return Err(io::Error::other(format!("it has more than {LONGEST} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_its_file_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let read = || Token::from_file_or_environment(Some(file.clone()));
        assert!(read().unwrap_err().to_string().contains("cannot be read"));
        std::fs::write(&file, "tk_geheim\n").unwrap();
        let token = read().unwrap().unwrap();
        assert_eq!(token.header(), "Bearer tk_geheim");
        assert!(!format!("{token:?} {:?}", token.header()).contains("geheim"));
        assert!(Token::from_file_or_environment(Some(folder.path().into())).is_err(), "a folder");
        assert!(Token::from_file_or_environment(Some("/dev/zero".into())).is_err(), "endless");
        for bad in ["", "two words", "zwölf"] {
            std::fs::write(&file, bad).unwrap();
            let error = read().unwrap_err().to_string();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }

    #[test]
    fn a_client_does_not_show_its_token() {
        let client = crate::Client::new("http://127.0.0.1:1").unwrap().token("tk_geheim").unwrap();
        assert!(!format!("{client:?}").contains("geheim"));
    }
}
