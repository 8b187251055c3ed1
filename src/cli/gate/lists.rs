//! Hook files with a list of hooks for each event: `{"version": 1, "hooks": {EVENT: [HOOK]}}`.
//! Installing and uninstalling change only the gate's own bytes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::command::{self, HookCommand};
use super::groups::EMPTY;
use super::hook_file::{Found, HookFile};
use super::json::{ByteRange, Json, JsonPart, Spelling};

/// How an agent writes such a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    /// The agent's name in the hook's command.
    pub(super) agent: &'static str,
    /// The version that a new file has.
    pub(super) version: Option<u64>,
    /// The events with a gate.
    pub(super) events: &'static [Event],
    /// The field with the hook's command.
    pub(super) command: &'static str,
    /// The field with the hook's time limit, in seconds.
    pub(super) limit: &'static str,
    /// Further fields of each hook.
    pub(super) fields: &'static [(&'static str, Field)],
    /// How strings are written.
    pub(super) spelling: Spelling,
}

/// An event with a gate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) name: &'static str,
    /// The pattern of tools; without one, all.
    pub(super) matcher: Option<&'static str>,
}

/// The value of a further field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Text(&'static str),
    Yes,
}

impl Field {
    fn value(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Yes => true.into(),
        }
    }
}

impl HookFile for Listed {
    fn with_gate(&self, before: Option<&str>, hook: &HookCommand) -> Result<String, String> {
        let text = before.filter(|text| !text.trim().is_empty()).unwrap_or(EMPTY);
        let mut file = Json::read(text)?.spelled(self.spelling);
        file.names_each_once(&file.whole())?;
        if file.fields(&file.whole()).ok_or("it is not an object")?.is_empty() {
            file = Json::read(EMPTY)?.spelled(self.spelling);
        }
        if let Some(version) = self.version.filter(|_| file.get(&file.whole(), "version").is_none())
        {
            let whole = file.whole();
            let fields = file.fields(&whole).unwrap_or_default();
            file.append_part(&whole, &fields, Some("version"), &version);
        }
        for event in self.events {
            self.put(&mut file, event, &self.entry(event, hook))?;
        }
        Ok(file.into_text())
    }

    fn without_gate(&self, before: &str) -> Result<Option<String>, String> {
        let mut file = Json::read(before)?;
        let names = |file: &Json| {
            let hooks = file.get(&file.whole(), "hooks");
            hooks.and_then(|hooks| file.fields(&hooks)).unwrap_or_default()
        };
        for event in names(&file) {
            if !self.remove(&mut file, &event.name, None) {
                continue;
            }
            // Also removes the containers that are now empty.
            let is_empty = list_of(&file, &event.name).is_some_and(|(_, hooks)| hooks.is_empty());
            let Some(hooks) = file.get(&file.whole(), "hooks").filter(|_| is_empty) else {
                continue;
            };
            file.cut(&hooks, &event.name);
            if names(&file).is_empty() {
                let whole = file.whole();
                file.cut(&whole, "hooks");
            }
        }
        let left = file.fields(&file.whole()).unwrap_or_default();
        let nothing = left.iter().all(|field| field.name == "version") && before != file.text();
        Ok((!nothing).then(|| file.into_text()))
    }

    fn installed(&self, text: &str) -> Option<Found> {
        let file = Json::read(text).ok()?;
        let found = |event: &Event| {
            let (_, hooks) = list_of(&file, event.name)?;
            let is_whole = |hook: &&JsonPart| self.is_whole(&file, hook, event);
            let hook = hooks.iter().filter(|hook| self.is_ours(&file, hook)).find(is_whole)?;
            let limit = file.get(&hook.value, self.limit).and_then(|at| file.as_number(&at));
            Some(Found {
                command: file.as_text(&file.get(&hook.value, self.command)?)?,
                limit: limit.map(|limit| limit.saturating_mul(1000)),
            })
        };
        self.events.iter().map(found).collect::<Option<Vec<_>>>()?.pop()
    }
}

impl Listed {
    fn entry<'a>(&self, event: &Event, hook: &'a HookCommand) -> BTreeMap<&'a str, Value> {
        let mut entry = BTreeMap::from([
            (self.command, Value::from(hook.line.as_str())),
            (self.limit, hook.limit.into()),
        ]);
        entry.extend(event.matcher.map(|matcher| ("matcher", matcher.into())));
        entry.extend(self.fields.iter().map(|(name, field)| (*name, field.value())));
        entry
    }

    /// Puts the gate into the list of an event: in the place of an earlier one, or at the end.
    fn put(
        &self,
        file: &mut Json,
        event: &Event,
        entry: &BTreeMap<&str, Value>,
    ) -> Result<(), String> {
        let whole = file.whole();
        let Some(hooks) = file.get(&whole, "hooks") else {
            let fields = file.fields(&whole).unwrap_or_default();
            let new = BTreeMap::from([(event.name, [entry])]);
            file.append_part(&whole, &fields, Some("hooks"), &new);
            return Ok(());
        };
        file.names_each_once(&hooks)?;
        let fields = file.fields(&hooks).ok_or("its hooks are not an object")?;
        if file.get(&hooks, event.name).is_none() {
            file.append_part(&hooks, &fields, Some(event.name), &[entry]);
            return Ok(());
        }
        let (list, parts) = list_of(file, event.name)
            .ok_or_else(|| format!("its hooks of {} are not a list", event.name))?;
        match parts.iter().position(|hook| self.is_ours(file, hook)) {
            Some(stood) => {
                file.exchange(&parts[stood].value, entry);
                self.remove(file, event.name, Some(stood));
            }
            None => file.append_part(&list, &parts, None, entry),
        }
        Ok(())
    }

    fn is_ours(&self, file: &Json, hook: &JsonPart) -> bool {
        let command = file.get(&hook.value, self.command).and_then(|at| file.as_text(&at));
        command.is_some_and(|command| command::runs_gate_of(self.agent, &command))
    }

    /// Whether a hook of the gate has all that it needs to see every call.
    fn is_whole(&self, file: &Json, hook: &JsonPart, event: &Event) -> bool {
        let field = |name: &str| file.get(&hook.value, name);
        let matcher = field("matcher").map(|at| file.as_text(&at));
        let sees = match (matcher, event.matcher) {
            (None, None) => true,
            (Some(Some(found)), Some(wanted)) => found == wanted,
            (Some(Some(found)), None) => ["", ".*"].contains(&found.as_str()),
            _ => false,
        };
        let has = |(name, wanted): &(&str, Field)| {
            field(name).and_then(|at| file.as_value(&at)) == Some(wanted.value())
        };
        sees && self.fields.iter().all(has)
    }

    /// Removes the gate's hooks of an event, except at `but`. Returns whether one was removed.
    fn remove(&self, file: &mut Json, event: &str, but: Option<usize>) -> bool {
        let mut found = false;
        while let Some((list, hooks)) = list_of(file, event) {
            let ours = |(at, hook): (usize, &JsonPart)| {
                (Some(at) != but && self.is_ours(file, hook)).then_some(at)
            };
            // From last to first, so that earlier positions stay valid.
            let Some(at) = hooks.iter().enumerate().filter_map(ours).next_back() else { break };
            file.take_out(&list, &hooks, at);
            found = true;
        }
        found
    }
}

/// The hooks of an event.
fn list_of(file: &Json, event: &str) -> Option<(ByteRange, Vec<JsonPart>)> {
    let list = file.get(&file.get(&file.whole(), "hooks")?, event)?;
    let parts = file.items(&list)?;
    Some((list, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Listed = Listed {
        agent: "cursor",
        version: Some(1),
        events: &[
            Event { name: "preToolUse", matcher: Some("^(?!MCP:)") },
            Event { name: "beforeMCPExecution", matcher: None },
        ],
        command: "command",
        limit: "timeout",
        fields: &[("failClosed", Field::Yes)],
        spelling: Spelling::WithoutCommentMarks,
    };

    fn hook(line: &str) -> HookCommand {
        HookCommand { line: line.into(), limit: 630, desk: None }
    }

    fn line(connect: &str) -> String {
        format!("/bin/sh -c 'gander gate cursor --timeout 600s --connect {connect}'")
    }

    #[test]
    fn what_is_put_in_is_taken_out_byte_by_byte() {
        for text in [
            "{\"version\":1}",
            "{\n\t\"version\": 1,\n\t\"hooks\": {\"stop\": [{\"command\": \"say\"}]}\n}\n",
            "{\"version\":1,\"hooks\":{\"preToolUse\":[{\"command\":\"./log.sh\"}],\"stop\":[]}}",
            "{ \"version\" : 1, \"hooks\" : { \"beforeMCPExecution\" : [ {\"command\":\"a\"} ] } }",
        ] {
            let with = FILE.with_gate(Some(text), &hook(&line("/run/g.sock"))).unwrap();
            assert!(FILE.installed(&with).is_some(), "{with}");
            let again = FILE.with_gate(Some(&with), &hook(&line("/run/h.sock"))).unwrap();
            assert_eq!(again, with.replace("g.sock", "h.sock"));
            let without = FILE.without_gate(&again).unwrap();
            let expected = Some(text.to_owned()).filter(|text| text.contains("hooks"));
            assert_eq!(without, expected, "{again}");
        }
        let new = FILE.with_gate(None, &hook(&line("/run/g.sock"))).unwrap();
        assert_eq!(FILE.without_gate(&new), Ok(None), "{new}");
    }

    /// Cursor removes what it takes for a comment, also within strings.
    #[test]
    fn no_string_holds_the_marks_of_a_comment() {
        let command = line("http://127.0.0.1:7777 --token-file /srv/*/x");
        let with = FILE.with_gate(None, &hook(&command)).unwrap();
        assert!(!with.contains("//") && !with.contains("/*"), "{with}");
        let found = FILE.installed(&with).unwrap();
        assert_eq!(found, Found { command: command.clone(), limit: Some(630_000) });
        // Another program wrote the file anew.
        let plain = serde_json::from_str::<Value>(&with).unwrap().to_string();
        let again = FILE.with_gate(Some(&plain), &hook(&command)).unwrap();
        assert!(!again.contains("//"), "{again}");
    }

    #[test]
    fn a_gate_that_does_not_see_everything_is_none() {
        let with = FILE.with_gate(None, &hook(&line("/run/g.sock"))).unwrap();
        for (from, to) in [
            ("\"failClosed\": true", "\"failClosed\": false"),
            ("^(?!MCP:)", "Shell"),
            ("beforeMCPExecution", "afterMCPExecution"),
        ] {
            let changed = with.replacen(from, to, 1);
            assert_ne!(changed, with);
            assert_eq!(FILE.installed(&changed), None, "{changed}");
        }
    }
}
