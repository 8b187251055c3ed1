//! Arguments as models write them, converted to what a tool's schema wants.
//!
//! Some clients send every number as a float, a list or an object as a string of JSON, and `null`
//! for what they leave out. The schema of the tool decides what is converted, so every tool and
//! every nested field is treated alike: a whole float becomes an integer, a string that holds JSON
//! is parsed, and `null` is removed where the field may be missing. A value is never converted
//! where the schema accepts it as it is, and never where the schema accepts a string: the words of
//! an agent stay as they are.

use rmcp::model::JsonObject;
use serde_json::{Map, Value};

/// Largest whole number that a float holds exactly: 2⁵³. A larger float may be another number than
/// the one that was written.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
/// Nested references and values that are followed. The schemas of the tools need four.
const DEEPEST: usize = 32;

/// The arguments as the schema wants them. What fits no schema is left, for the parser to report
/// with the name of its field.
pub(super) fn fitted(arguments: &JsonObject, schema: &JsonObject) -> JsonObject {
    let mut fitted = Value::Object(arguments.clone());
    Fitting { root: schema }.fit(&mut fitted, &Value::Object(schema.clone()), 0);
    match fitted {
        Value::Object(fitted) => fitted,
        // Unreachable: an object is only ever changed inside.
        _ => arguments.clone(),
    }
}

/// What a schema accepts, with its references and alternatives resolved.
#[derive(Default)]
struct Accepted<'a> {
    /// The names of JSON types; an empty list accepts every type.
    kinds: Vec<&'a str>,
    /// The schemas that describe an object.
    objects: Vec<&'a Map<String, Value>>,
    /// The schemas of a list's items.
    items: Vec<&'a Value>,
}

impl Accepted<'_> {
    fn has(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    fn accepts(&self, value: &Value) -> bool {
        match value {
            Value::Null => self.has("null"),
            Value::Bool(_) => self.has("boolean"),
            Value::String(_) => self.has("string"),
            Value::Array(_) => self.has("array"),
            Value::Object(_) => self.has("object"),
            Value::Number(number) => {
                self.has("number") || (self.has("integer") && !number.is_f64())
            }
        }
    }
}

/// The integer that a float stands for.
fn whole(value: &Value) -> Option<Value> {
    let float = value.as_f64().filter(|_| value.is_f64())?;
    let exact = float.fract() == 0.0 && float.abs() <= LARGEST_EXACT;
    // Exact, so the conversion loses nothing.
    exact.then(|| Value::from(float as i64))
}

struct Fitting<'a> {
    /// The whole schema, into which its references lead.
    root: &'a JsonObject,
}

impl<'a> Fitting<'a> {
    /// Converts a value, and what it contains.
    fn fit(&self, value: &mut Value, schema: &Value, depth: usize) {
        let mut accepted = Accepted::default();
        if depth > DEEPEST || !self.collect(schema, &mut accepted, 0) {
            return;
        }
        if let Some(converted) = converted(value, &accepted) {
            *value = converted;
        }
        match value {
            Value::Object(fields) => {
                for object in &accepted.objects {
                    self.fit_fields(fields, object, depth);
                }
            }
            Value::Array(items) => {
                for schema in &accepted.items {
                    items.iter_mut().for_each(|item| self.fit(item, schema, depth + 1));
                }
            }
            _ => {}
        }
    }

    fn fit_fields(
        &self,
        fields: &mut Map<String, Value>,
        object: &Map<String, Value>,
        depth: usize,
    ) {
        let known = object.get("properties").and_then(Value::as_object);
        let others = object.get("additionalProperties").filter(|schema| schema.is_object());
        let required = object.get("required").and_then(Value::as_array);
        fields.retain(|name, value| {
            let schema = known.and_then(|known| known.get(name));
            let Some(schema) = schema.or(others) else { return true };
            self.fit(value, schema, depth + 1);
            let needed =
                required.is_some_and(|required| required.iter().any(|needed| needed == name));
            !value.is_null() || needed
        });
    }

    /// Adds what a schema accepts. `false`: the schema says nothing about types, so every value is
    /// accepted as it is.
    fn collect<'s>(&self, schema: &'s Value, accepted: &mut Accepted<'s>, depth: usize) -> bool
    where
        'a: 's,
    {
        let Some(schema) = schema.as_object().filter(|_| depth <= DEEPEST) else { return false };
        let referred = schema.get("$ref").and_then(Value::as_str).map(|path| self.referred(path));
        if let Some(referred) = referred {
            return referred.is_some_and(|schema| self.collect(schema, accepted, depth + 1));
        }
        let several = ["anyOf", "oneOf", "allOf"].iter().find_map(|word| schema.get(*word));
        if let Some(several) = several.and_then(Value::as_array) {
            return several.iter().all(|schema| self.collect(schema, accepted, depth + 1));
        }
        let before = accepted.kinds.len();
        match schema.get("type") {
            Some(Value::String(kind)) => accepted.kinds.push(kind),
            Some(Value::Array(kinds)) => {
                accepted.kinds.extend(kinds.iter().filter_map(Value::as_str));
            }
            // Each enumeration of the tools is of words.
            _ if schema.contains_key("enum") || schema.contains_key("const") => {
                accepted.kinds.push("string");
            }
            _ => {}
        }
        accepted.objects.push(schema);
        accepted.items.extend(schema.get("items"));
        accepted.kinds.len() > before
    }

    fn referred(&self, path: &str) -> Option<&'a Value> {
        let mut steps = path.strip_prefix("#/")?.split('/');
        let first = self.root.get(steps.next()?)?;
        steps.try_fold(first, |value, step| value.get(step))
    }
}

/// The value as the schema wants it; `None`: leave the value.
fn converted(value: &Value, accepted: &Accepted<'_>) -> Option<Value> {
    if accepted.accepts(value) {
        return None;
    }
    let fits = |value: Value| match whole(&value) {
        Some(integer) if !accepted.accepts(&value) && accepted.accepts(&integer) => Some(integer),
        // A missing value is left out afterwards, where the field may be missing.
        _ if accepted.accepts(&value) || value.is_null() => Some(value),
        _ => None,
    };
    match value {
        Value::String(text) => fits(serde_json::from_str(text).ok()?),
        Value::Number(_) => fits(value.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use gander_client::types::Question;
    use rmcp::handler::server::common::schema_for_input;
    use serde_json::json;

    use super::*;
    use crate::surfaces::mcp::schema::{Await, Permission, ReportInput};

    fn fit<T: schemars::JsonSchema + 'static>(arguments: Value) -> Value {
        let schema = schema_for_input::<T>().unwrap();
        Value::Object(fitted(arguments.as_object().unwrap(), &schema))
    }

    #[test]
    fn whole_floats_are_integers_where_an_integer_is_wanted() {
        for (given, wanted) in [
            (json!({ "id": 1.0, "seconds": 1.0 }), json!({ "id": 1, "seconds": 1 })),
            (json!({ "id": -0.0, "revision": 2 }), json!({ "id": 0, "revision": 2 })),
            (json!({ "id": 9_007_199_254_740_992.0 }), json!({ "id": 9_007_199_254_740_992_i64 })),
            // These are no whole numbers, or not surely the number that was written.
            (json!({ "id": 1.5 }), json!({ "id": 1.5 })),
            (json!({ "id": 1e300 }), json!({ "id": 1e300 })),
            (json!({ "id": 9.1e18 }), json!({ "id": 9.1e18 })),
        ] {
            assert_eq!(fit::<Await>(given.clone()), wanted, "{given}");
        }
        let question = json!({ "title": "x", "confidence": 1.0, "approvals_needed": 2.0 });
        let wanted = json!({ "title": "x", "confidence": 1.0, "approvals_needed": 2 });
        assert_eq!(fit::<Question>(question), wanted);
    }

    #[test]
    fn json_in_a_string_is_parsed_where_no_string_is_wanted() {
        for (given, wanted) in [
            (json!({ "id": "7", "seconds": "1.0" }), json!({ "id": 7, "seconds": 1 })),
            (json!({ "id": " 7\n" }), json!({ "id": 7 })),
            (json!({ "id": "seven" }), json!({ "id": "seven" })),
            (json!({ "id": "\"7\"" }), json!({ "id": "\"7\"" })),
            (json!({ "id": "[7]" }), json!({ "id": "[7]" })),
            (json!({ "id": "1.5" }), json!({ "id": "1.5" })),
        ] {
            assert_eq!(fit::<Await>(given.clone()), wanted, "{given}");
        }
        let given = json!({
            "title": "[1]", "body": "{\"a\":1}", "kind": "null", "sla": "2", "dedup_key": "7",
            "options": "[{\"name\":\"1\",\"description\":null},\"{\\\"name\\\":\\\"[2]\\\"}\"]",
            "insight": "{\"observation\":\"{}\"}", "agent": "{\"name\":\"true\",\"session\":null}",
            "confidence": "0.5", "approvals_needed": "2.0",
        });
        let wanted = json!({
            "title": "[1]", "body": "{\"a\":1}", "kind": "null", "sla": "2", "dedup_key": "7",
            "options": [{ "name": "1" }, { "name": "[2]" }],
            "insight": { "observation": "{}" }, "agent": { "name": "true" },
            "confidence": 0.5, "approvals_needed": 2,
        });
        assert_eq!(fit::<Question>(given), wanted);
    }

    #[test]
    fn null_is_left_out_where_the_field_may_be_missing() {
        let given = json!({ "id": null, "outcome": "failed", "text": null });
        assert_eq!(fit::<ReportInput>(given), json!({ "id": null, "outcome": "failed" }));
        let given = json!({ "id": 1, "revision": "null", "unknown": null });
        assert_eq!(fit::<Await>(given), json!({ "id": 1, "unknown": null }));
    }

    #[test]
    fn the_input_of_another_tool_stays_as_it_is() {
        let input = json!({ "count": 1.0, "list": "[1]", "left_out": null });
        let given = json!({ "tool_name": "1", "input": input, "tool_use_id": null });
        let wanted = json!({ "tool_name": "1", "input": input });
        assert_eq!(fit::<Permission>(given), wanted);
        let given = json!({ "tool_name": "Bash", "input": input.to_string() });
        assert_eq!(fit::<Permission>(given), json!({ "tool_name": "Bash", "input": input }));
    }
}
