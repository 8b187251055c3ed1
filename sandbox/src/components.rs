//! Components of messages and forms as trees: what holds what, and the numbers they get. Knows no
//! rules and no people.

use std::collections::HashSet;

use serde_json::{Value, json};

/// Component types, in Discord's numbers, from the page "Component Reference" of its documentation.
pub(crate) const ROW: u64 = 1;
pub(crate) const BUTTON: u64 = 2;
pub(crate) const STRING_SELECT: u64 = 3;
pub(crate) const TEXT_INPUT: u64 = 4;
pub(crate) const USER_SELECT: u64 = 5;
pub(crate) const ROLE_SELECT: u64 = 6;
pub(crate) const MENTIONABLE_SELECT: u64 = 7;
pub(crate) const CHANNEL_SELECT: u64 = 8;
pub(crate) const SECTION: u64 = 9;
pub(crate) const TEXT_DISPLAY: u64 = 10;
pub(crate) const THUMBNAIL: u64 = 11;
pub(crate) const MEDIA_GALLERY: u64 = 12;
pub(crate) const FILE: u64 = 13;
pub(crate) const SEPARATOR: u64 = 14;
pub(crate) const CONTAINER: u64 = 17;
pub(crate) const LABEL: u64 = 18;
pub(crate) const FILE_UPLOAD: u64 = 19;
pub(crate) const RADIO_GROUP: u64 = 21;
pub(crate) const CHECKBOX_GROUP: u64 = 22;
pub(crate) const CHECKBOX: u64 = 23;

/// The type of a component; 0 without one.
pub(crate) fn kind(component: &Value) -> u64 {
    component["type"].as_u64().unwrap_or_default()
}

/// The elements of a list; none of anything else.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What a component holds, in the order in which it is drawn.
fn children(component: &Value) -> impl Iterator<Item = &Value> {
    let single = [&component["component"], &component["accessory"]];
    let single = single.into_iter().filter(|held| held.is_object());
    list(&component["components"]).iter().chain(single)
}

/// All components at any depth, each before those it holds.
pub(crate) fn all(components: &[Value]) -> Vec<&Value> {
    let mut found = Vec::new();
    for component in components {
        found.push(component);
        found.extend(children(component).flat_map(|held| all(std::slice::from_ref(held))));
    }
    found
}

/// The component with this custom id, at any depth.
pub(crate) fn find<'a>(components: &'a [Value], custom_id: &str) -> Option<&'a Value> {
    all(components).into_iter().find(|component| component["custom_id"] == custom_id)
}

/// The texts that are displayed, one below the other: what stands for a message's content.
pub(crate) fn text(components: &[Value]) -> String {
    let displays = all(components).into_iter().filter(|of| kind(of) == TEXT_DISPLAY);
    let texts: Vec<_> = displays.filter_map(|of| of["content"].as_str()).collect();
    texts.join("\n")
}

/// Does something to all components at any depth, each before those it holds.
pub(crate) fn change(components: &mut [Value], to: &mut impl FnMut(&mut Value)) {
    for component in components {
        to(component);
        if let Some(held) = component.get_mut("components").and_then(Value::as_array_mut) {
            change(held, to);
        }
        for single in ["component", "accessory"] {
            if let Some(held) = component.get_mut(single).filter(|held| held.is_object()) {
                change(std::slice::from_mut(held), to);
            }
        }
    }
}

/// Gives a number to each component that has none or 0, none of which is one that the sender gave
/// (section "Anatomy of a Component").
pub(crate) fn number(components: &mut [Value]) {
    let given = |component: &Value| component["id"].as_u64().filter(|id| *id != 0);
    let taken: HashSet<u64> = all(components).into_iter().filter_map(given).collect();
    let mut free = (1..).filter(|id| !taken.contains(id));
    change(components, &mut |component| {
        if given(component).is_none()
            && let Some(id) = free.next()
        {
            component["id"] = json!(id);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_in_order_and_once() {
        let mut components = vec![
            json!({ "type": CONTAINER, "components": [
                { "type": TEXT_DISPLAY, "id": 2, "content": "a" },
                { "type": SECTION, "id": 0, "accessory": { "type": BUTTON },
                  "components": [{ "type": TEXT_DISPLAY, "content": "b" }] },
            ] }),
            json!({ "type": LABEL, "component": { "type": CHECKBOX } }),
        ];
        number(&mut components);
        let ids: Vec<_> = all(&components).iter().map(|of| of["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(text(&components), "a\nb");
    }
}
