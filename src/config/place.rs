//! A place in a TOML file, for errors that name a line. A place is a path of keys, found in the
//! parsed text: a comment or another table with the words of the key does not mislead.

use toml::de::{DeTable, DeValue};

use super::line_at;

/// A step from a table or array to a value in it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Key(String),
    Index(usize),
}

/// The path of a value from the root of the file. Empty: no certain place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place(Vec<Part>);

/// A wrong value of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrongValue {
    pub(super) at: Place,
    /// The problem and the remedy.
    pub(super) what: String,
}

impl Place {
    /// The value at these keys of nested tables.
    pub(super) fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Part::Key((*key).to_owned())).collect())
    }

    /// The element of the array at this place, from 0.
    pub(super) fn index(mut self, index: usize) -> Self {
        self.0.push(Part::Index(index));
        self
    }

    /// A wrong value at this place.
    pub(super) fn wrong(self, what: impl Into<String>) -> WrongValue {
        WrongValue { at: self, what: what.into() }
    }

    /// The value's line, from 1. If the value is not in the text, the line of the innermost table
    /// around its place.
    pub(super) fn line(&self, text: &str) -> usize {
        let Ok(root) = DeTable::parse(text) else { return 1 };
        let mut line = 1;
        let root = DeValue::Table(root.into_inner());
        let mut value = &root;
        for part in &self.0 {
            let next = match (value, part) {
                (DeValue::Table(table), Part::Key(key)) => table.get(key.as_str()),
                (DeValue::Array(array), Part::Index(index)) => array.get(*index),
                _ => None,
            };
            let Some(next) = next else { break };
            line = line_at(text, next.span().start);
            value = next.get_ref();
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# block_below = 0.9, [twilio], listen, "night"
time_zone = "UTC" # approvers
policy.ladder = "night"

[confidence]
# block_below = 0.1
block_below = 0.2

[[webhooks]]
url = "https://x.example/a" # listen

  [[ webhooks ]]
url = "https://x.example/b"

[[ladders."by night"]]
after = "30m"
by = [
  "dm",
  "push",
]
[[ladders."by night"]]
[projects]
shop = { ladder = "night" }
[http]
hosts = [
    "good.example",
    "a bad one"
]
"#;

    #[test]
    fn a_value_is_found_by_its_path_and_not_by_its_words() {
        let of = |keys: &[&str]| Place::of(keys);
        for (place, line) in [
            (of(&["time_zone"]), 2),
            (of(&["policy", "ladder"]), 3),
            (of(&["confidence", "block_below"]), 7),
            (of(&["webhooks"]).index(0), 9),
            (of(&["webhooks"]).index(1), 12),
            (of(&["ladders", "by night"]), 15),
            (of(&["ladders", "by night"]).index(1), 21),
            (of(&["projects", "shop", "ladder"]), 23),
            (of(&["http", "hosts"]).index(1), 27),
            // What is missing is missing in its table.
            (of(&["confidence", "approve_above"]), 5),
            (of(&["http", "hosts"]).index(7), 25),
            (of(&["twilio", "account"]), 1),
            (Place::default(), 1),
        ] {
            assert_eq!(place.line(TEXT), line, "{place:?}");
        }
        assert_eq!(of(&["time_zone"]).line("no toml ["), 1);
    }
}
