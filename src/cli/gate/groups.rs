//! Hook files of the shape that Claude Code introduced: `{"hooks": {EVENT: [GROUP]}}`, where a
//! group has a matcher and a list of hooks. Installing and uninstalling change only the gate's own
//! bytes.

use std::collections::BTreeMap;

use serde::Serialize;

use super::command::{self, HookCommand};
use super::hook_file::{Found, HookFile};
use super::json::{ByteRange, Json, JsonPart};

/// A file with an empty object, on several lines.
pub(super) const EMPTY: &str = "{\n}\n";

/// How an agent writes such a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grouped {
    /// The agent's name in the hook's command.
    pub(super) agent: &'static str,
    /// The events with a gate.
    pub(super) events: &'static [&'static str],
    /// The matcher of every tool.
    pub(super) matcher: &'static str,
    /// The unit of the hook's time limit.
    pub(super) unit: TimeUnit,
    /// Further fields of the hook: their names and values.
    pub(super) fields: &'static [(&'static str, &'static str)],
    /// The events with a hook of the desk, if the agent's own prompt may ask there.
    pub(super) desk: &'static [&'static str],
}

/// The unit of a hook's time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeUnit {
    Seconds,
    Milliseconds,
}

/// A file's entry for one event. Fields are written in the order of declaration.
#[derive(Debug, Serialize)]
struct Group<'a> {
    matcher: &'static str,
    hooks: [Hook<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Hook<'a> {
    r#type: &'static str,
    command: &'a str,
    timeout: u64,
    #[serde(flatten)]
    further: BTreeMap<&'static str, &'static str>,
}

impl TimeUnit {
    pub(super) const fn of_seconds(self, seconds: u64) -> u64 {
        match self {
            Self::Seconds => seconds,
            Self::Milliseconds => seconds.saturating_mul(1000),
        }
    }

    pub(super) const fn in_milliseconds(self, limit: u64) -> u64 {
        match self {
            Self::Seconds => limit.saturating_mul(1000),
            Self::Milliseconds => limit,
        }
    }
}

impl HookFile for Grouped {
    fn installed(&self, text: &str) -> Option<Found> {
        let file = Json::read(text).ok()?;
        let command = |event: &&str| {
            let (_, groups) = groups_of(&file, event)?;
            let field = |part: &JsonPart, name: &str| {
                file.get(&part.value, name).and_then(|value| file.as_text(&value))
            };
            let stops = |(group, hook): &(usize, usize)| {
                let (_, hooks) = hooks_of(&file, &groups[*group])?;
                let every = field(&groups[*group], "matcher")
                    .is_none_or(|matcher| ["", "*", ".*"].contains(&matcher.as_str()));
                let runs = field(&hooks[*hook], "type").as_deref() == Some("command");
                let limit = file.get(&hooks[*hook].value, "timeout");
                let limit = limit.and_then(|limit| file.as_number(&limit));
                let found = |command| Found {
                    command,
                    limit: limit.map(|limit| self.unit.in_milliseconds(limit)),
                };
                if every && runs { field(&hooks[*hook], "command").map(found) } else { None }
            };
            self.gate_hooks(&file, &groups).iter().find_map(stops)
        };
        self.events.iter().map(command).collect::<Option<Vec<_>>>()?.pop()
    }

    fn with_gate(&self, before: Option<&str>, hook: &HookCommand) -> Result<String, String> {
        let mut file = Json::read(before.filter(|text| !text.trim().is_empty()).unwrap_or(EMPTY))?;
        file.names_each_once(&file.whole())?;
        if let Some(hooks) = file.get(&file.whole(), "hooks") {
            file.names_each_once(&hooks)?;
        }
        if file.fields(&file.whole()).ok_or("it is not an object")?.is_empty() {
            file = Json::read(EMPTY)?;
        }
        let gate = self.events.iter().map(|event| (event, self.group(hook)));
        let of_desk =
            |line| self.desk.iter().map(move |event| (event, self.desk_group(line, hook.limit)));
        let desk = hook.desk.as_deref().into_iter().flat_map(of_desk);
        if hook.desk.is_none() {
            file = Json::read(&self.without(file, self.desk))?;
        }
        for (event, mine) in gate.chain(desk) {
            let whole = file.whole();
            let Some(hooks) = file.get(&whole, "hooks") else {
                let fields = file.fields(&whole).unwrap_or_default();
                file.append_part(
                    &whole,
                    &fields,
                    Some("hooks"),
                    &BTreeMap::from([(event, [&mine])]),
                );
                continue;
            };
            let fields = file.fields(&hooks).ok_or("its hooks are not an object")?;
            if file.get(&hooks, event).is_none() {
                file.append_part(&hooks, &fields, Some(event), &[&mine]);
                continue;
            }
            let (list, groups) = groups_of(&file, event)
                .ok_or_else(|| format!("its hooks of {event} are not a list"))?;
            // A group with only the gate's hook is replaced in place; further copies are removed.
            let found = self.gate_hooks(&file, &groups);
            let alone = found.iter().find(|(at, _)| {
                hooks_of(&file, &groups[*at]).is_some_and(|(_, hooks)| hooks.len() == 1)
            });
            let Some((stood, _)) = alone.copied() else {
                self.remove_gate_hooks(&mut file, event, None);
                let (list, groups) = groups_of(&file, event).unwrap_or((list, groups));
                file.append_part(&list, &groups, None, &mine);
                continue;
            };
            file.exchange(&groups[stood].value, &mine);
            self.remove_gate_hooks(&mut file, event, Some(stood));
        }
        Ok(file.into_text())
    }

    fn without_gate(&self, before: &str) -> Result<Option<String>, String> {
        let file = Json::read(before)?;
        let events: Vec<String> = events_of(&file).into_iter().map(|event| event.name).collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let after = self.without(file, &events);
        let is_empty = before != after && {
            let file = Json::read(&after)?;
            file.fields(&file.whole()).is_some_and(|fields| fields.is_empty())
        };
        Ok((!is_empty).then_some(after))
    }
}

/// The events with hooks.
fn events_of(file: &Json) -> Vec<JsonPart> {
    let hooks = file.get(&file.whole(), "hooks");
    hooks.and_then(|hooks| file.fields(&hooks)).unwrap_or_default()
}

impl Grouped {
    fn group<'a>(self, hook: &'a HookCommand) -> Group<'a> {
        let hook = Hook {
            r#type: "command",
            command: &hook.line,
            timeout: self.unit.of_seconds(hook.limit),
            further: self.fields.iter().copied().collect(),
        };
        Group { matcher: self.matcher, hooks: [hook] }
    }

    fn desk_group(self, line: &str, limit: u64) -> Group<'_> {
        let timeout = self.unit.of_seconds(limit);
        let hook = Hook { r#type: "command", command: line, timeout, further: BTreeMap::new() };
        Group { matcher: self.matcher, hooks: [hook] }
    }

    /// The file's text without the gate's hooks of these events, and without what is then empty.
    fn without(self, mut file: Json, events: &[&str]) -> String {
        for event in events {
            if !self.remove_gate_hooks(&mut file, event, None) {
                continue;
            }
            // Also removes the containers that are now empty.
            let is_empty = groups_of(&file, event).is_some_and(|(_, groups)| groups.is_empty());
            let Some(hooks) = file.get(&file.whole(), "hooks").filter(|_| is_empty) else {
                continue;
            };
            file.cut(&hooks, event);
            if events_of(&file).is_empty() {
                let whole = file.whole();
                file.cut(&whole, "hooks");
            }
        }
        file.into_text()
    }

    /// The positions of the gate's hooks.
    fn gate_hooks(self, file: &Json, groups: &[JsonPart]) -> Places {
        let is_ours = |hook: &JsonPart| {
            let command = file
                .get(&hook.value, "command")
                .and_then(|command| file.as_text(&command))
                .unwrap_or_default();
            command::runs_gate_of(self.agent, &command)
        };
        let of_group = |(at, group): (usize, &JsonPart)| {
            let hooks = hooks_of(file, group).map(|(_, hooks)| hooks).unwrap_or_default();
            let places: Places = (0..hooks.len())
                .filter(|hook| is_ours(&hooks[*hook]))
                .map(|hook| (at, hook))
                .collect();
            places
        };
        groups.iter().enumerate().flat_map(of_group).collect()
    }

    /// Removes the gate's hooks from an event's groups, and groups left empty, except in group
    /// `but`. Returns whether a hook was removed.
    fn remove_gate_hooks(self, file: &mut Json, event: &str, but: Option<usize>) -> bool {
        let mut found = false;
        // From last to first, so that earlier positions stay valid.
        while let Some((list, groups)) = groups_of(file, event) {
            let Some((at, hook)) =
                self.gate_hooks(file, &groups).into_iter().rfind(|(at, _)| Some(*at) != but)
            else {
                break;
            };
            let Some((hooks, parts)) = hooks_of(file, &groups[at]) else { break };
            if parts.len() > 1 {
                file.take_out(&hooks, &parts, hook);
            } else {
                file.take_out(&list, &groups, at);
            }
            found = true;
        }
        found
    }
}

/// Positions of the gate's hooks in an event's groups: index of the group, index of the hook in the
/// group.
type Places = Vec<(usize, usize)>;

/// The hooks of a group.
fn hooks_of(file: &Json, group: &JsonPart) -> Option<(ByteRange, Vec<JsonPart>)> {
    let hooks = file.get(&group.value, "hooks")?;
    let parts = file.items(&hooks)?;
    Some((hooks, parts))
}

/// The groups of an event.
fn groups_of(file: &Json, event: &str) -> Option<(ByteRange, Vec<JsonPart>)> {
    let groups = file.get(&file.get(&file.whole(), "hooks")?, event)?;
    let parts = file.items(&groups)?;
    Some((groups, parts))
}
