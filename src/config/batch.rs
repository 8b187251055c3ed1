//! `[batch]`: when decisions share a card. `[guard]`: when an approval needs a second confirmation.

use chrono::TimeDelta;
use serde::Deserialize;

use super::TimeSpan;
use crate::core::messaging::batch::Batching;
use crate::core::policy::approval_guard::Guard;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BatchSection {
    min: Option<usize>,
    window: Option<TimeSpan>,
}

impl BatchSection {
    /// Adds the projects with a card per decision.
    pub(super) fn batching(&self, except: impl Iterator<Item = String>) -> Batching {
        let usual = Batching::default();
        let window =
            self.window.and_then(|span| TimeDelta::try_seconds(i64::try_from(span.0).ok()?));
        Batching {
            min: self.min.unwrap_or(usual.min),
            window: window.unwrap_or(usual.window),
            except: except.collect(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GuardSection {
    glance: Option<TimeSpan>,
    in_a_row: Option<u32>,
}

impl GuardSection {
    pub(super) fn guard(&self) -> Guard {
        let usual = Guard::default();
        let glance =
            self.glance.and_then(|span| TimeDelta::try_seconds(i64::try_from(span.0).ok()?));
        Guard {
            glance: glance.unwrap_or(usual.glance),
            in_a_row: self.in_a_row.unwrap_or(usual.in_a_row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::understand;

    #[test]
    fn what_shares_a_card_is_said_for_all_and_by_project() {
        let read = |text: &str| understand("gander.toml".as_ref(), text).unwrap().rules.batching;
        assert_eq!(read(""), Batching::default());
        let text = "[batch]\n\
            min = 5\n\
            window = \"30s\"\n\
            [projects.Web-Shop]\n\
            batch = false\n\
            [projects.docs]\n\
            batch = true\n";
        let said = Batching {
            min: 5,
            window: TimeDelta::seconds(30),
            except: ["web-shop".to_owned()].into(),
        };
        assert_eq!(read(text), said);
        assert_eq!(read("batch.min = 0\n"), Batching::off());
    }

    #[test]
    fn nobody_is_asked_once_more_where_that_is_said() {
        let read = |text: &str| understand("gander.toml".as_ref(), text).unwrap().rules.guard;
        assert_eq!(read(""), Guard::default());
        assert_eq!(read("[guard]\nglance = \"0s\"\nin_a_row = 0\n"), Guard::off());
    }
}
