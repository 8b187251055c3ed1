//! Files that people upload: first each file, then what names its id, a message or an option of a
//! command. So does Discord's app.

use serde::Deserialize;
use serde_json::Value;

use crate::mentions::id_of;
use crate::model::Attachment;
use crate::rest::call::{LARGEST_FILE, guess, safe_name};
use crate::state::{State, StoredFile};

/// What the control API says of a file: its bytes in base64 as `data`, or a text as `content`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "UploadForm")]
pub(crate) struct UploadBody {
    pub(crate) file: StoredFile,
}

#[derive(Deserialize)]
struct UploadForm {
    filename: String,
    content_type: Option<String>,
    data: Option<String>,
    content: Option<String>,
}

impl TryFrom<UploadForm> for UploadBody {
    type Error = &'static str;

    fn try_from(form: UploadForm) -> Result<Self, Self::Error> {
        let bytes = match (form.data, form.content) {
            (Some(data), None) => from_base64(&data).ok_or("data is no base64")?,
            (None, Some(content)) => content.into_bytes(),
            _ => return Err("a file needs data in base64, or a text as content"),
        };
        Ok(Self { file: StoredFile::uploaded(&form.filename, form.content_type, bytes) })
    }
}

impl StoredFile {
    /// A file that a person uploads; without a content type, the name's ending tells it.
    pub(crate) fn uploaded(name: &str, content_type: Option<String>, bytes: Vec<u8>) -> Self {
        let name = safe_name(name);
        let content_type = content_type.unwrap_or_else(|| guess(&name).to_owned());
        Self { name, content_type, bytes }
    }
}

impl State {
    /// Keeps a file that a person uploads.
    pub(crate) fn upload(&mut self, file: &StoredFile) -> Result<Attachment, String> {
        if file.bytes.len() > LARGEST_FILE {
            return Err("a file has at most 10 MiB".to_owned());
        }
        Ok(self.store(file.clone(), None))
    }

    /// The uploaded file that an id means.
    pub(crate) fn uploaded(&self, id: &Value) -> Option<Attachment> {
        let id = id_of(id)?;
        Some(self.attachment(id, self.files.get(&id)?, None))
    }
}

/// The bytes that a text in base64 stands for, with the usual alphabet.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut word, mut bits) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        word = (word << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(word >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read() {
        assert_eq!(from_base64("MTAwMQ==").as_deref(), Some(&b"1001"[..]));
        assert_eq!(from_base64("+/8A").as_deref(), Some(&[0xfb, 0xff, 0][..]));
        assert_eq!(from_base64("M(A="), None);
    }
}
