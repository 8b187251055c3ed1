//! A person's answers to a form: the checks that Discord's app makes before it sends them, and the
//! data that it sends (section "Interaction Response Structure" of each component, page "Component
//! Reference" of Discord's documentation).

use serde_json::{Map, Value, json};

use crate::components::{
    CHECKBOX, CHECKBOX_GROUP, FILE_UPLOAD, LABEL, RADIO_GROUP, STRING_SELECT, TEXT_DISPLAY,
    TEXT_INPUT, kind, list,
};
use crate::interactions::Modal;
use crate::model::User;
use crate::resolve::Resolved;
use crate::state::State;

type Checked<T> = Result<T, String>;

impl State {
    /// The interaction data for a submitted form. `values` is an object of custom id to a text, a
    /// list of texts or a truth value; people, roles, channels and uploaded files by their ids. What
    /// it leaves out stays as the form was opened.
    pub(crate) fn form_data(&self, user: &User, modal: &Modal, values: &Value) -> Checked<Value> {
        let empty = Map::new();
        let values = values.as_object().unwrap_or(&empty);
        let resolved = Resolved::default();
        let mut filling = Filling { state: self, user, modal, values, resolved, known: Vec::new() };
        let top = list(&modal.form["components"]);
        let filled = top.iter().map(|of| filling.top(of)).collect::<Checked<Vec<_>>>()?;
        if let Some(key) = values.keys().find(|key| !filling.known.contains(key)) {
            return Err(format!("the form has no field {key}"));
        }
        let mut data = json!({ "custom_id": modal.form["custom_id"], "components": filled });
        if !filling.resolved.is_empty() {
            data["resolved"] = filling.resolved.into_value();
        }
        Ok(data)
    }
}

/// A form that is being filled in.
struct Filling<'a> {
    state: &'a State,
    user: &'a User,
    modal: &'a Modal,
    values: &'a Map<String, Value>,
    resolved: Resolved,
    /// The custom ids of the fields so far.
    known: Vec<String>,
}

impl Filling<'_> {
    fn top(&mut self, component: &Value) -> Checked<Value> {
        let mut filled = json!({ "type": component["type"], "id": component["id"] });
        match kind(component) {
            LABEL => filled["component"] = self.field(&component["component"])?,
            TEXT_DISPLAY => {}
            _ => {
                let inputs = list(&component["components"]).iter();
                let inputs: Vec<_> =
                    inputs.map(|input| self.field(input)).collect::<Checked<_>>()?;
                filled["components"] = json!(inputs);
            }
        }
        Ok(filled)
    }

    fn field(&mut self, field: &Value) -> Checked<Value> {
        let id = field["custom_id"].as_str().unwrap_or_default();
        self.known.push(id.to_owned());
        let given = self.values.get(id).filter(|value| !value.is_null());
        let mut filled =
            json!({ "type": field["type"], "id": field["id"], "custom_id": field["custom_id"] });
        match kind(field) {
            TEXT_INPUT => filled["value"] = json!(text(field, id, given)?),
            CHECKBOX => filled["value"] = json!(truth(field, id, given)?),
            RADIO_GROUP => {
                let chosen = self.chosen(field, id, given)?;
                filled["value"] = json!(chosen.first());
            }
            FILE_UPLOAD => filled["values"] = self.uploads(field, id, given)?,
            _ => filled["values"] = json!(self.chosen(field, id, given)?),
        }
        Ok(filled)
    }

    /// The values of a menu or of a group, of which people, roles and channels are resolved.
    fn chosen(&mut self, field: &Value, id: &str, given: Option<&Value>) -> Checked<Vec<String>> {
        let chosen = match given {
            None => beforehand(field),
            Some(given) => texts(id, given)?,
        };
        check_count(field, id, chosen.len())?;
        if (1..chosen.len()).any(|index| chosen[..index].contains(&chosen[index])) {
            return Err(format!("{id} takes a value once only"));
        }
        if matches!(kind(field), STRING_SELECT | RADIO_GROUP | CHECKBOX_GROUP) {
            let options = list(&field["options"]);
            let unknown =
                |value: &&String| !options.iter().any(|option| option["value"] == ***value);
            if let Some(value) = chosen.iter().find(unknown) {
                return Err(format!("{id} has no value {value}"));
            }
            return Ok(chosen);
        }
        let place = self.state.realm.channel(self.modal.channel);
        let place = place.ok_or_else(|| "the channel is gone".to_owned())?;
        for value in &chosen {
            self.state.pick(self.user, place, field, value, &mut self.resolved)?;
        }
        Ok(chosen)
    }

    /// The files that the person uploaded, by their ids.
    fn uploads(&mut self, field: &Value, id: &str, given: Option<&Value>) -> Checked<Value> {
        let files = given.map_or(Ok(Vec::new()), |given| texts(id, given))?;
        check_count(field, id, files.len())?;
        for file in &files {
            let attachment = self.state.uploaded(&json!(file));
            let attachment =
                attachment.ok_or_else(|| format!("there is no uploaded file {file}"))?;
            self.resolved.attachment(&attachment);
        }
        Ok(json!(files))
    }
}

/// What is chosen if the person changes nothing.
fn beforehand(field: &Value) -> Vec<String> {
    let defaults = list(&field["default_values"]).iter().map(|value| &value["id"]);
    let options = list(&field["options"]).iter().filter(|option| option["default"] == true);
    let chosen = defaults.chain(options.map(|option| &option["value"]));
    chosen.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn texts(id: &str, given: &Value) -> Checked<Vec<String>> {
    let wrong = || format!("{id} needs a text or a list of texts, not {given}");
    match given {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(list) => {
            let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(wrong);
            list.iter().map(text).collect()
        }
        _ => Err(wrong()),
    }
}

fn is_required(field: &Value) -> bool {
    field["required"] != false
}

/// Whether so many values may be chosen; none is right where nothing is required.
fn check_count(field: &Value, id: &str, count: usize) -> Checked<()> {
    if count == 0 && !is_required(field) {
        return Ok(());
    }
    let usual = match kind(field) {
        CHECKBOX_GROUP => list(&field["options"]).len() as u64,
        _ => 1,
    };
    let least = field["min_values"].as_u64().unwrap_or(1);
    let most = field["max_values"].as_u64().unwrap_or(usual);
    if (least..=most).contains(&(count as u64)) {
        Ok(())
    } else {
        Err(format!("{id} wants {least} to {most} values, not {count}"))
    }
}

fn truth(field: &Value, id: &str, given: Option<&Value>) -> Checked<bool> {
    match given {
        None => Ok(field["default"] == true),
        Some(Value::Bool(checked)) => Ok(*checked),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(other) => Err(format!("{id} is true or false, not {other}")),
    }
}

fn text<'a>(input: &'a Value, id: &str, given: Option<&'a Value>) -> Checked<&'a str> {
    let text = match given {
        None => input["value"].as_str().unwrap_or_default(),
        Some(Value::String(text)) => text,
        Some(other) => return Err(format!("{id} needs a text, not {other}")),
    };
    let length = text.chars().count() as u64;
    if length == 0 {
        return if is_required(input) { Err(format!("{id} is required")) } else { Ok(text) };
    }
    let least = input["min_length"].as_u64().unwrap_or(0);
    let most = input["max_length"].as_u64().unwrap_or(4_000);
    if length < least || length > most {
        return Err(format!("{id} needs {least} to {most} characters"));
    }
    Ok(text)
}
