//! Rules for the parameters of a query, which are texts whatever they mean.

use std::collections::HashMap;

use serde_json::Value;

use super::form::{at_least, at_most, not};
use crate::refusal::{Problems, Refusal};

/// A whole number between two, both included; `default` without one.
pub(crate) fn int(
    query: &HashMap<String, String>,
    name: &str,
    (least, most): (i64, i64),
    default: usize,
) -> Result<usize, Refusal> {
    let Some(text) = query.get(name) else { return Ok(default) };
    let mut problems = Problems::default();
    match text.parse::<i64>() {
        Err(_) => not(&Value::from(text.as_str()), name, "int", &mut problems),
        Ok(value) if value < least => at_least(least, name, &mut problems),
        Ok(value) if value > most => at_most(most, name, &mut problems),
        Ok(_) => {}
    }
    problems.into_result()?;
    Ok(text.parse().unwrap_or(default))
}

/// A text that must be there.
pub(crate) fn text<'a>(query: &'a HashMap<String, String>, name: &str) -> Result<&'a str, Refusal> {
    let mut problems = Problems::default();
    let text = query.get(name);
    if text.is_none_or(String::is_empty) {
        problems.required(name);
    }
    problems.into_result()?;
    Ok(text.map_or("", String::as_str))
}
